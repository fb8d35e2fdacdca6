"""The shipped recipes of several stages, each on a piece of its sample, shortened, from a tiny base."""

import json
import subprocess
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from domainbert.adapters.registry import load_adapter

Program = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ("training.max_length=64", "training.batch_tokens=600", "training.micro_batch_tokens=600", "corpus.main.validation_fraction=0.1")
# Name, attention and steps of each stage, what it hides, and the learning rate of its last step over the peak.
RECIPES = {
    "biomedical-modernbert": (20, [("broad", "bidirectional", 18, 0.30, 1.0), ("narrow", "bidirectional", 2, 0.15, 1 - (2 / 3) ** 0.5)]),
    "biomedical-rewarm": (20, [("mlm", "bidirectional", 20, 0.30, 0.00616)]),
    "biomedical-inverse-mask": (
        20,
        [
            ("high", "bidirectional", 14, 0.30, 1.0),
            ("middle", "bidirectional", 4, 0.15, 1.0),
            ("low", "bidirectional", 2, 0.05, 1 - (2 / 3) ** 0.5),
        ],
    ),
    "biomedical-clm-mlm": (20, [("clm", "causal", 5, 1.0, 1.0), ("mlm", "bidirectional", 15, 0.40, 1 - 0.5**0.5)]),
    "biomedical-clm-detour": (22, [("clm", "causal", 20, 1.0, 1.0), ("mlm", "bidirectional", 2, 0.15, 1 - (2 / 3) ** 0.5)]),
}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "abstracts.txt"
    path.write_text("".join(f"{record.text}\n" for record in islice(load_adapter("biomedical").sample(), 300)))
    return path


@pytest.fixture(scope="module")
def base(text: Path, domainbert: Program) -> Path:
    folder = text.parent / "base"
    shape = ("model.scratch.hidden_size=32", "model.scratch.num_layers=2", "model.scratch.config={}")
    keys = ("training.max_steps=1", "tokenizer.options.vocabulary_size=1000")
    domainbert("pretrain", "--recipe", "biomedical", "--corpus", text, "--output", folder, *keys, *SMALL, *shape)
    return folder / "model"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_of_stages_runs_as_it_says(name: str, text: Path, base: Path, domainbert: Program, tmp_path: Path) -> None:
    steps, wanted = RECIPES[name]
    domainbert("recipes", "check", name)
    control = ["--control"] if any(attention == "causal" for _, attention, *_ in wanted) else []
    folder = tmp_path / "run"
    keys = (f"training.max_steps={steps}", *SMALL)
    domainbert("pretrain", "--recipe", name, "--base", base, "--corpus", text, "--output", folder, *control, *keys)
    content = json.loads((folder / "recipe.json").read_text())
    assert [(stage["name"], stage["attention"], stage["steps"]) for stage in content["stages"]] == [each[:3] for each in wanted]
    logged = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    peak, end = content["recipe"]["training"]["learning_rate"], 0
    for _, attention, length, hidden, factor in wanted:
        mine, end = logged[end : end + length], end + length
        assert mine[-1]["learning_rate"] == pytest.approx(peak * factor, rel=0.02)
        assert sum(line["masked"] for line in mine) / sum(line["tokens"] for line in mine) == pytest.approx(hidden, abs=0.06)
        assert all((f"loss_{'clm' if attention == 'causal' else 'mlm'}") in line for line in mine)
    if control:
        others = [json.loads(line) for line in (folder / "control" / "metrics.jsonl").read_text().splitlines()]
        assert sum(line["tokens"] for line in others) == sum(line["tokens"] for line in logged)
        assert "control" in json.loads((folder / "evaluation.json").read_text())
