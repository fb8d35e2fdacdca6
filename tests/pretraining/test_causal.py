"""Runs that begin causal and end bidirectional."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers.models.modernbert import modeling_modernbert

Program = Callable[..., subprocess.CompletedProcess[str]]
STAGES = """
[[stage]]
name = "clm"
steps = 6
attention = "causal"
[stage.schedule]
shape = "constant"
warmup_steps = 2
[[stage]]
name = "mlm"
steps = 8
[stage.schedule]
decay_steps = 8
"""


@pytest.fixture(scope="module")
def detour(recipe: Path) -> Path:
    path = recipe.parent / "detour.toml"
    text = recipe.read_text().replace("save_steps = 4", "save_steps = 3")
    path.write_text(text[: text.index("[[stage]]")] + STAGES)
    return path


@pytest.fixture(scope="module")
def whole(detour: Path, domainbert: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detour") / "run"
    domainbert("pretrain", "--recipe", detour, "--output", folder)
    return folder


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_each_stage_predicts_its_own(whole: Path) -> None:
    logged = lines(whole)
    assert [next(name for name in line if name.startswith("loss_")) for line in logged] == ["loss_clm"] * 6 + ["loss_mlm"] * 8
    for line in logged:
        assert (line["masked"] > 0.9 * line["tokens"]) == (line["step"] <= 6)
    stages = json.loads((whole / "recipe.json").read_text())["stages"]
    assert [(stage["attention"], stage["objective"][0]["kind"]) for stage in stages] == [("causal", "clm"), ("bidirectional", "mlm")]


@pytest.mark.invariant
@pytest.mark.parametrize("step", [3, 6, 9])
def test_resumed_before_at_and_behind_the_border_ends_bit_for_bit_the_same(
    step: int, whole: Path, domainbert: Program, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("model", "evaluation.json", "plots"))
    for checkpoint in (folder / "checkpoints").iterdir():
        if int(checkpoint.name.removeprefix("step-")) > step:
            shutil.rmtree(checkpoint)
    domainbert("resume", folder)
    assert (folder / "model" / "model.safetensors").read_bytes() == (whole / "model" / "model.safetensors").read_bytes()
    kept = ("step", "tokens", "masked", "loss", "learning_rate", "grad_norm")
    assert [[line[name] for name in kept] for line in lines(folder)] == [[line[name] for name in kept] for line in lines(whole)]


def test_a_model_that_leaks_stops_the_run_before_its_first_step(
    detour: Path, domainbert: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    forward = modeling_modernbert.ModernBertEmbeddings.forward

    def with_the_next(*args: object, **keys: object) -> torch.Tensor:
        out = forward(*args, **keys)
        return out + 1e-3 * out.roll(-1, dims=1)

    monkeypatch.setattr(modeling_modernbert.ModernBertEmbeddings, "forward", with_the_next)
    done = domainbert("pretrain", "--recipe", detour, "--output", tmp_path / "run", status=2)
    assert "'modernbert' leaks the future" in done.stderr
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_a_base_that_cannot_be_causal_is_named(detour: Path, dna_model: Callable[..., Path], domainbert: Program, tmp_path: Path) -> None:
    done = domainbert("pretrain", "--recipe", detour, "--base", dna_model("deberta-v2"), "--output", tmp_path / "run", status=2)
    assert "'deberta-v2' cannot run with causal attention" in " ".join(done.stderr.split())


@pytest.fixture(scope="module")
def controlled(detour: Path, domainbert: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("controlled") / "run"
    domainbert("pretrain", "--recipe", detour, "--control", "--output", folder)
    return folder


def test_the_control_is_masked_and_takes_the_same_samples_in_one_command(controlled: Path, whole: Path) -> None:
    control = controlled / "control"
    assert [line["tokens"] for line in lines(control)] == [line["tokens"] for line in lines(controlled)]
    assert all("loss_mlm" in line and "loss_clm" not in line for line in lines(control))
    stages = json.loads((control / "recipe.json").read_text())["stages"]
    assert [(stage["name"], stage["attention"], stage["steps"]) for stage in stages] == [
        ("mlm-for-clm", "bidirectional", 6),
        ("mlm", "bidirectional", 8),
    ]
    assert stages[0]["schedule"]["shape"] == "constant"
    # The run itself is what it is without a control, and has its figures beside its own.
    assert (controlled / "model" / "model.safetensors").read_bytes() == (whole / "model" / "model.safetensors").read_bytes()
    assert not (control / "stores").exists()
    assert "by causal and then masked-language modelling" in (controlled / "model" / "README.md").read_text()
    assert "by masked-language modelling" in (control / "model" / "README.md").read_text()
    figures, own = (json.loads((folder / "evaluation.json").read_text()) for folder in (controlled, control))
    assert figures["control"] == own["after"] and figures["before"] == own["before"]
    assert f"| control: same samples, masked | {own['after']['single']['bits']:.3f}" in (controlled / "model" / "README.md").read_text()


def test_a_stopped_control_is_resumed_first(controlled: Path, domainbert: Program, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    left = ("model", "evaluation.json", "plots", "metrics.jsonl", "step-9", "step-12", "step-14")
    shutil.copytree(controlled, folder, ignore=shutil.ignore_patterns(*left))
    shutil.rmtree(folder / "checkpoints")
    domainbert("resume", folder)
    for part in ("", "control"):
        one, other = (each / part / "model" / "model.safetensors" for each in (folder, controlled))
        assert one.read_bytes() == other.read_bytes()
    assert json.loads((folder / "evaluation.json").read_text()) == json.loads((controlled / "evaluation.json").read_text())


@pytest.mark.parametrize(("attention", "missing"), [("bidirectional", "no stage with attention = 'causal'"), ("causal", "it has none")])
def test_a_control_needs_both_kinds_of_stages(attention: str, missing: str, recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    kind = {"bidirectional": "mlm", "causal": "clm"}[attention]
    keys = (f"stage.mlm.attention={attention}", f"stage.mlm.objectives={{{kind} = 1.0}}")
    done = domainbert("pretrain", "--recipe", recipe, "--control", "--output", tmp_path / "run", *keys, status=2)
    assert missing in " ".join(done.stderr.split()) and not (tmp_path / "run").exists()
