"""General text beside the domain's: mixed in by weight, and measured before, during and after."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

Program = Callable[..., subprocess.CompletedProcess[str]]
CORPORA = """
[[corpus]]
name = "general"
sources = ["GENERAL"]
role = "replay"
validation_fraction = 0.3
[[corpus]]
name = "main"
sources = ["GENOME"]
validation_fraction = 0.2
[[corpus]]
name = "other"
sources = ["GENERAL"]
role = "meter"
"""


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def evaluation(folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    return json.loads((folder / "evaluation.json").read_text())


@pytest.fixture(scope="module")
def mixed(recipe: Path) -> Path:
    """The tiny recipe with repeats of four letters as its general text, a third of every step."""
    genome = recipe.parent / "genome.fa"
    text = recipe.read_text()
    begin, end = text.index("[corpus]"), text.index("[training]")
    rng = np.random.default_rng(1)
    general = recipe.parent / "general.fa"
    general.write_text("".join(f">{number}\n{''.join(rng.permutation(list('ACGT'))) * 40}\n" for number in range(30)))
    corpora = CORPORA.replace("GENERAL", str(general)).replace("GENOME", str(genome))
    path = recipe.parent / "mixed.toml"
    path.write_text((text[:begin] + corpora + text[end:]).replace("steps = 14", "steps = 14\nmix = { main = 2, general = 1 }"))
    return path


@pytest.fixture(scope="module")
def run(mixed: Path, finished: Path, domainbert: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From a base that was trained on the genome alone."""
    folder = tmp_path_factory.mktemp("mixed") / "run"
    domainbert("pretrain", "--recipe", mixed, "--base", finished / "model", "--output", folder)
    return folder


def test_a_step_says_what_it_drew_from_each_corpus(run: Path) -> None:
    logged = lines(run)
    assert all(line["tokens_of_main"] + line["tokens_of_general"] == line["tokens"] and "tokens_of_other" not in line for line in logged)
    share = sum(line["tokens_of_general"] for line in logged) / sum(line["tokens"] for line in logged)
    assert 0.25 < share < 0.42  # 130 samples: a standard error of 0.04


def test_general_text_is_measured_before_during_and_after(run: Path, finished: Path) -> None:
    found = evaluation(run)["forgetting"]
    assert set(found) == {"general", "other"} and {each["unit"] for each in found.values()} == {"base"}
    for name, each in found.items():
        assert each["change"] == pytest.approx(each["after"] - each["before"])
        measured = [line["step"] for line in lines(run) if f"meter_{name}_bits_per_base" in line]
        assert measured == [6, 12, 14]
    # What is held out of the domain is what it was without them.
    assert evaluation(run)["held_out"] == evaluation(finished)["held_out"]
    card = (run / "model" / "README.md").read_text()
    assert f"* general: {found['general']['before']:.3f} bits per base before, {found['general']['after']:.3f} after" in card
    assert "mlm (objective mlm, schedule wsd, 66.7 % main, 33.3 % general)" in card


@pytest.mark.invariant
@pytest.mark.parametrize("step", [4, 8])
def test_a_mix_resumes_bit_for_bit(step: int, run: Path, domainbert: Program, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("model", "evaluation.json", "plots"))
    for checkpoint in (folder / "checkpoints").iterdir():
        if int(checkpoint.name.removeprefix("step-")) > step:
            shutil.rmtree(checkpoint)
    domainbert("resume", folder)
    assert (folder / "model" / "model.safetensors").read_bytes() == (run / "model" / "model.safetensors").read_bytes()
    assert evaluation(folder) == evaluation(run)


def test_nothing_is_forgotten_where_nothing_is_learned(mixed: Path, finished: Path, domainbert: Program, tmp_path: Path) -> None:
    keys = ("training.learning_rate=1e-12", "training.max_steps=2", "training.precision=fp32")
    domainbert("pretrain", "--recipe", mixed, "--base", finished / "model", "--output", tmp_path / "run", *keys)
    for each in evaluation(tmp_path / "run")["forgetting"].values():
        assert each["change"] == pytest.approx(0, abs=1e-5) and each["before"] > 1
    before, after = (load_file(folder / "model" / "model.safetensors") for folder in (finished, tmp_path / "run"))
    assert all((before[name] - after[name]).abs().max() < 1e-9 for name in before)


def test_replay_keeps_general_text(mixed: Path, run: Path, finished: Path, domainbert: Program, tmp_path: Path) -> None:
    alone = "stage.mlm.mix={main = 1, general = 1e-9}"
    domainbert("pretrain", "--recipe", mixed, "--base", finished / "model", "--output", tmp_path / "run", alone)
    without, replayed = (evaluation(folder)["forgetting"]["other"]["after"] for folder in (tmp_path / "run", run))
    assert replayed < without - 0.01


def test_the_picture_has_a_panel_for_general_text(run: Path) -> None:
    from matplotlib.image import imread

    from domainbert.evaluation.plots import MODEL

    pixels = np.rint(imread(run / "plots" / "loss.png")[:, :, :3] * 255).astype(int)
    rows = (pixels == [int(MODEL[at : at + 2], 16) for at in (1, 3, 5)]).all(axis=2).any(axis=1)
    # The domain's curve, and one for each corpus of general text.
    gaps = np.flatnonzero(np.diff(np.flatnonzero(rows)) > 60)
    assert len(gaps) + 1 == 3


def test_a_store_with_a_part_to_train_on_is_only_measured_as_a_meter(run: Path, recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    text = recipe.read_text().replace("[corpus]", "[[corpus]]")
    meter = f'[[corpus]]\nname = "general"\nrole = "meter"\nsources = ["{run / "stores" / "general"}"]\n[training]'
    (tmp_path / "meter.toml").write_text(text.replace("[training]", meter))
    keys = ("--base", run / "model", "--output", tmp_path / "run", "training.max_steps=3")
    domainbert("pretrain", "--recipe", tmp_path / "meter.toml", *keys)
    assert not any("tokens_of_general" in line for line in lines(tmp_path / "run"))
    # The same held-out part as where it is mixed in.
    assert evaluation(tmp_path / "run")["forgetting"]["general"]["before"] == pytest.approx(
        evaluation(run)["forgetting"]["general"]["after"], rel=1e-4
    )
