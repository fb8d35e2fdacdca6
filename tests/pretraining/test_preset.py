"""``pretrain`` without a recipe: it says what it chose, keeps it, and the kept file makes the same run."""

import json
import tomllib

import pytest
import torch
from safetensors.torch import load_file


@pytest.fixture(scope="module")
def chosen(finished, recipe, domainbert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "run"
    arguments = ["--base", finished / "model", "--corpus", recipe.parent / "genome.fa", "--adapter", "dna", "--output", folder]
    return folder, domainbert("pretrain", *arguments, "training.max_steps=3", "corpus.validation_fraction=0.2")


def test_the_preset_is_printed_and_kept(chosen, finished):
    folder, done = chosen
    text = (folder / "recipe.toml").read_text()
    assert text in done.stderr
    tables = tomllib.loads(text)
    assert tables["model"]["base"] == str(finished / "model")
    assert tables["training"]["max_steps"] == 3 and tables["corpus"][0]["validation_fraction"] == 0.2
    assert tables["stage"][0]["name"] == "adapt"
    assert "# corpus: about 6,001 tokens, gone through" in text
    assert json.loads((folder / "recipe.json").read_text())["recipe"]["stage"][0]["steps"] == tables["stage"][0]["steps"]


def test_the_kept_recipe_makes_the_same_run(chosen, domainbert, tmp_path):
    folder, _ = chosen
    domainbert("pretrain", "--recipe", folder / "recipe.toml", "--output", tmp_path / "again")
    first, again = (load_file(each / "model" / "model.safetensors") for each in (folder, tmp_path / "again"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    prints = [json.loads((each / "recipe.json").read_text())["fingerprint"] for each in (folder, tmp_path / "again")]
    assert prints[0] == prints[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--base, --corpus, --adapter is missing"),
        (["--base", "some/base", "--adapter", "dna"], "--corpus is missing"),
        (["--base", "scratch", "--adapter", "dna", "--corpus", "sample"], "random weights take a recipe"),
        (["--recipe", "dna", "--adapter", "dna"], "--adapter dna goes without --recipe"),
        (["--base", "some/base", "--adapter", "dan", "--corpus", "sample"], "no adapter is called 'dan'"),
    ],
)
def test_what_a_preset_needs_is_named(domainbert, arguments, message):
    assert message in domainbert("pretrain", *arguments, status=2).stderr
