"""Runs with objectives beside masked-language modelling: what they log, leave behind, resume, and refuse before they train."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from domainbert.adapters import registry
from domainbert.engine.cache import FeatureCache
from domainbert.objectives.regression import RegressionHead

sys.path.insert(0, str(Path(__file__).parent))
import pairs  # noqa: F401 - named in the registry below

Program = Callable[..., subprocess.CompletedProcess[str]]
Make = Callable[..., Path]
GROUPS = ("stage.mlm.corruption.select=companion", "stage.mlm.corruption.mask=1.0", "stage.mlm.corruption.random=0.0")

LOGIT = "objective = [{{kind = 'logit', companion = 'teacher'}}]\n[companion.teacher]\nmodel = '{}'\n"


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def values(folder: Path) -> list[dict[str, float]]:
    names = ("step", "loss", "loss_mlm", "loss_align", "grad_norm", "validation_bits_per_base")
    return [{name: line[name] for name in names if name in line} for line in lines(folder)]


@pytest.fixture(scope="module")
def teacher(recipe: Path, domainbert: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of 3-mers."""
    folder = tmp_path_factory.mktemp("teacher") / "run"
    domainbert("pretrain", "--recipe", recipe, "--output", folder, "tokenizer.kind=kmer", "tokenizer.options.k=3", "stage.mlm.steps=8")
    return folder / "model"


@pytest.fixture(scope="module")
def distilled(recipe: Path, teacher: Path, domainbert: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learned from it, uninterrupted."""
    folder = tmp_path_factory.mktemp("distilled") / "run"
    domainbert("pretrain", "--recipe", recipe, "--teacher", teacher, "--output", folder, "distillation.phase=random", *GROUPS)
    return folder


def test_every_term_is_logged_and_the_loss_is_their_sum(distilled: Path) -> None:
    logged = lines(distilled)
    assert all(line["loss"] == pytest.approx(line["loss_mlm"] + line["loss_align"], rel=1e-6) for line in logged)
    assert logged[-1]["loss_align"] < logged[0]["loss_align"]


def test_the_published_model_is_an_ordinary_one(distilled: Path) -> None:
    model = AutoModelForMaskedLM.from_pretrained(distilled / "model")
    assert load_file(distilled / "model" / "model.safetensors").keys() <= model.state_dict().keys()
    assert (distilled / "checkpoints" / "step-14" / "objective_heads.safetensors").is_file()
    assert not (distilled / "model" / "heads.safetensors").exists(), "a projection is of no use to anyone"


@pytest.mark.invariant
def test_a_distilled_run_killed_and_resumed_ends_bit_for_bit_the_same(
    distilled: Path, recipe: Path, teacher: Path, environment: dict[str, str], domainbert: Program, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "domainbert", "pretrain", "--recipe", recipe, "--teacher", teacher, "--output", folder]
    running = subprocess.Popen(
        [*map(str, command), "distillation.phase=random", *GROUPS], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (folder / "checkpoints" / "step-8").exists():
        assert running.poll() is None
        time.sleep(0.002)
    running.kill()
    running.communicate()
    assert not (folder / "evaluation.json").exists(), "the run was over before it could be killed"
    domainbert("resume", folder)
    assert (folder / "model" / "model.safetensors").read_bytes() == (distilled / "model" / "model.safetensors").read_bytes()
    name = "checkpoints/step-14/objective_heads.safetensors"
    assert (folder / name).read_bytes() == (distilled / name).read_bytes()
    assert values(folder) == values(distilled)


def test_without_reconstruction_only_the_features_count(recipe: Path, teacher: Path, domainbert: Program, tmp_path: Path) -> None:
    options = ("stage.mlm.objectives.mlm=0.0", "stage.mlm.steps=6", *GROUPS)
    domainbert("pretrain", "--recipe", recipe, "--teacher", teacher, "--output", tmp_path / "run", *options)
    assert all("loss_mlm" not in line and line["loss"] == pytest.approx(line["loss_align"]) for line in lines(tmp_path / "run"))


def test_queries_reconstruct_what_the_encoder_never_sees(recipe: Path, teacher: Path, domainbert: Program, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    arguments = ("pretrain", "--recipe", recipe, "--teacher", teacher, *GROUPS, "stage.mlm.objectives={masked_query = 1.0}")
    done = domainbert(*arguments, "--output", whole)
    untrained = "No objective trained the head that predicts hidden tokens"
    assert untrained in " ".join(done.stderr.split()) and untrained in (whole / "model" / "README.md").read_text()
    assert untrained not in (teacher / "README.md").read_text()
    logged = lines(whole)
    assert all(line["loss"] == pytest.approx(line["loss_masked_query"] + line["loss_align"], rel=1e-6) for line in logged)
    assert logged[-1]["loss_masked_query"] < 0.8 * logged[0]["loss_masked_query"]
    assert not (whole / "model" / "heads.safetensors").exists(), "the decoder is a tool of training"
    # Its weights are part of a checkpoint: a run that goes on from one ends as the whole did.
    shutil.copytree(whole, stopped)
    for gone in ("step-12", "step-14"):
        shutil.rmtree(stopped / "checkpoints" / gone)
    (stopped / "evaluation.json").unlink()
    shutil.rmtree(stopped / "model")
    domainbert("resume", stopped)
    assert (stopped / "model" / "model.safetensors").read_bytes() == (whole / "model" / "model.safetensors").read_bytes()


def test_predictions_are_distilled_between_models_of_one_vocabulary(
    recipe: Path, finished: Path, domainbert: Program, tmp_path: Path
) -> None:
    head = recipe.read_text().split("[stage.schedule]")[0]
    (tmp_path / "logit.toml").write_text(head + LOGIT.format(finished / "model"))
    domainbert("pretrain", "--recipe", tmp_path / "logit.toml", "--output", tmp_path / "run", "stage.mlm.steps=3")
    assert all(line["loss_logit"] > 0 for line in lines(tmp_path / "run"))


@pytest.fixture
def other_teacher(teacher: Path, tmp_path: Path) -> Make:
    """A copy of the teacher with something wrong about it."""

    def make(**config: object) -> Path:
        shutil.copytree(teacher, tmp_path / "other")
        path = tmp_path / "other" / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
        return tmp_path / "other"

    return make


def refused(domainbert: Program, recipe: Path, folder: Path, *arguments: object) -> str:
    """The message of a run that must not begin to train."""
    done = domainbert("pretrain", "--recipe", recipe, "--output", folder / "refused", *arguments, status=2)
    assert not (folder / "refused" / "metrics.jsonl").exists()
    return done.stderr


def test_a_teacher_of_another_text_is_refused(recipe: Path, other_teacher: Make, domainbert: Program, tmp_path: Path) -> None:
    folder = other_teacher()
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["normalizer"] = {"type": "Lowercase"}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "domainbert.json").unlink()
    message = refused(domainbert, recipe, tmp_path, "--teacher", folder)
    assert "companion 'teacher'" in message and "does not fit adapter 'dna'" in message


def test_a_teacher_that_reads_less_is_refused(recipe: Path, other_teacher: Make, domainbert: Program, tmp_path: Path) -> None:
    folder = other_teacher()
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": 12}))
    message = refused(domainbert, recipe, tmp_path, "--teacher", folder)
    assert "takes 12 tokens" in message and "training.max_length" in message


def test_a_teacher_whose_features_are_all_alike_is_warned_of(
    recipe: Path, other_teacher: Make, teacher: Path, domainbert: Program, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = other_teacher()
    weights = load_file(folder / "model.safetensors")
    table = next(name for name in weights if name.endswith("tok_embeddings.weight"))
    weights[table] = weights[table][5:6].repeat(len(weights[table]), 1)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    for number, (model, warned) in enumerate(((teacher, False), (folder, True))):
        caplog.clear()
        domainbert("pretrain", "--recipe", recipe, "--teacher", model, "--output", tmp_path / str(number), "stage.mlm.steps=6")
        assert ("companion 'teacher': its features of layer -1 hardly differ from token to token" in caplog.text) is warned


def test_a_teacher_without_a_head_serves_alignment_only(
    recipe: Path, finished: Path, domainbert: Program, tmp_path: Path
) -> None:
    folder = tmp_path / "headless"
    shutil.copytree(finished / "model", folder)
    AutoModel.from_pretrained(folder).save_pretrained(folder)
    domainbert("pretrain", "--recipe", recipe, "--teacher", folder, "--output", tmp_path / "run", "stage.mlm.steps=6")
    head = recipe.read_text().split("[stage.schedule]")[0]
    (tmp_path / "logit.toml").write_text(head + LOGIT.format(folder))
    assert "it has no trained masked-LM head" in refused(domainbert, tmp_path / "logit.toml", tmp_path)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("distillation.layers=[[-1, 7]]", "layers = [[-1, 7]]: companion 'teacher' has 0 (embeddings) to 2"),
        ("distillation.layers=[[3, -1]]", "layers = [[3, -1]]: the model has 0 (embeddings) to 2"),
        ("distillation.weight=-1.0", "distillation.weight = -1.0 is below 0"),
        ("model.scratch.hidden_size=16 distillation.projection=none", "the model's features have 16 values and those of companion"),
        ("distillation.weight=0.0 stage.mlm.objectives.mlm=0.0", "has no objective with a weight above 0"),
    ],
)
def test_what_does_not_fit_is_named(setting: str, message: str, recipe: Path, teacher: Path, domainbert: Program, tmp_path: Path) -> None:
    arguments = [setting] if "[[" in setting else setting.split(" ")
    assert message in refused(domainbert, recipe, tmp_path, "--teacher", teacher, *arguments)


def test_predictions_over_another_vocabulary_are_refused(recipe: Path, teacher: Path, domainbert: Program, tmp_path: Path) -> None:
    head = recipe.read_text().split("[stage.schedule]")[0]
    (tmp_path / "logit.toml").write_text(head + LOGIT.format(teacher))
    message = refused(domainbert, tmp_path / "logit.toml", tmp_path)
    assert "the vocabularies of the model (11 entries) and of companion 'teacher' (75) disagree on" in message


def test_a_teacher_that_is_not_there(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    assert "companion 'teacher': nobody/nothing" in refused(domainbert, recipe, tmp_path, "--teacher", "nobody/nothing")
    assert not (tmp_path / "refused" / "recipe.json").exists(), "the name stays free"


def test_cached_features_change_nothing(
    distilled: Path, recipe: Path, teacher: Path, domainbert: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = f"distillation.cache={tmp_path / 'cache'}"
    arguments = ("pretrain", "--recipe", recipe, "--teacher", teacher, "distillation.phase=random", cache, *GROUPS)
    first = domainbert(*arguments, "--output", tmp_path / "first")
    assert "holds nothing yet: features are computed and kept there" in " ".join(first.stderr.split())
    # The second run never asks the teacher.
    monkeypatch.setattr(FeatureCache, "write", lambda *_: pytest.fail("a feature was computed again"))
    second = domainbert(*arguments, "--output", tmp_path / "second")
    assert re.search(r"companion 'teacher': its cache .* holds \d+ samples", " ".join(second.stderr.split()))
    for run in ("first", "second"):
        assert values(tmp_path / run) == values(distilled)
        assert (tmp_path / run / "model" / "model.safetensors").read_bytes() == (distilled / "model" / "model.safetensors").read_bytes()


def test_a_cache_of_another_teacher_is_refused(
    recipe: Path, teacher: Path, finished: Path, domainbert: Program, tmp_path: Path
) -> None:
    cache = f"distillation.cache={tmp_path / 'cache'}"
    domainbert("pretrain", "--recipe", recipe, "--teacher", teacher, "--output", tmp_path / "run", "stage.mlm.steps=6", cache)
    message = refused(domainbert, recipe, tmp_path, "--teacher", finished / "model", cache)
    assert "holds the features of another companion (its tokenizer, weights differ)" in message
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    shutil.rmtree(tmp_path / "refused")
    message = refused(domainbert, recipe, tmp_path, "--teacher", teacher, f"distillation.cache={tmp_path / 'other'}")
    assert "is no cache of features (it holds mine.txt)" in message


def test_a_teacher_that_a_recipe_makes_is_trained_first_on_the_same_text(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    text = recipe.read_text().replace('kind = "character"', 'kind = "kmer"\noptions = {k = 3}')
    text = text.replace("sources = [", 'sources = ["sample", ')
    (tmp_path / "teacher.toml").write_text(text)
    run = tmp_path / "run"
    domainbert("pretrain", "--recipe", recipe, "--teacher", f"recipe:{tmp_path / 'teacher.toml'}", "--output", run, *GROUPS)
    teacher = run / "companions" / "teacher"
    told, mine = (json.loads((folder / "recipe.json").read_text()) for folder in (teacher, run))
    assert told["stores"]["main"]["sources"] == mine["stores"]["main"]["sources"], "the run's corpus, not its recipe's own"
    held_out = [json.loads((folder / "evaluation.json").read_text())["held_out"] for folder in (teacher, run)]
    assert held_out[0]["groups"] == held_out[1]["groups"] and held_out[0]["letters"] == held_out[1]["letters"]
    assert mine["recipe"]["companion"]["teacher"]["model"].startswith("recipe:")
    # Without the student's end, a resumed run takes the teacher that is there.
    (run / "evaluation.json").unlink()
    before = (teacher / "model" / "model.safetensors").stat().st_mtime_ns
    domainbert("resume", run)
    assert (run / "evaluation.json").is_file() and (teacher / "model" / "model.safetensors").stat().st_mtime_ns == before


def test_a_teacher_recipe_that_is_not_there(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    assert "no recipe is called 'dna-hat': did you mean 'dna-had'?" in refused(domainbert, recipe, tmp_path, "--teacher", "recipe:dna-hat")


PAIRS = """
adapter = "pairs"
[model.scratch]
hidden_size = 32
num_layers = 2
num_heads = 2
[tokenizer]
kind = "letters"
[corpus]
sources = ["sample"]
[training]
max_length = 64
batch_tokens = 1500
learning_rate = 5e-3
evaluation_steps = 0
save_steps = 0
[[stage]]
steps = 40
[[stage.objective]]
kind = "mlm"
weight = 0.1
[[stage.objective]]
kind = "regression"
name = "affinity"
pooling = "mean"
"""


def test_pairs_are_regressed_on_their_labels(domainbert: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "pairs", "pairs:Pairs")
    (tmp_path / "pairs.toml").write_text(PAIRS)
    run = tmp_path / "run"
    domainbert("pretrain", "--recipe", tmp_path / "pairs.toml", "--output", run)
    logged = [line["loss_affinity"] for line in lines(run)]
    assert sum(logged[:5]) / 5 > 0.6 and sum(logged[-5:]) / 5 < 0.5, "of the labels' variance"
    # The head is published beside the model, and gives labels in their own unit.
    state = load_file(run / "model" / "heads.safetensors")
    head = RegressionHead(32, mean=0.0, spread=1.0)
    head.load_state_dict({name.removeprefix("affinity."): value for name, value in state.items()})
    model, tokenizer = AutoModel.from_pretrained(run / "model").eval(), AutoTokenizer.from_pretrained(run / "model")
    with torch.no_grad():
        texts = [f"{first}|efgh" for first in ("bbbbbbbbbb", "abababababab", "aaaaaaaaaaaa")]
        seen = [head(model(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1)).item() for text in texts]
    assert seen == sorted(seen) and seen[0] < 3 < seen[2]


def test_labels_of_texts_without_two_halves_are_refused(domainbert: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "pairs", "pairs:Pairs")
    (tmp_path / "pairs.toml").write_text(PAIRS.replace('"mean"', '"cross"'))
    message = refused(domainbert, tmp_path / "pairs.toml", tmp_path, "corpus.options.whole=0")
    assert "objective 'affinity': pooling = 'cross' reads two halves with a token '|' between them; record '1'" in message


def test_regression_without_labels_is_refused(domainbert: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "pairs", "pairs:Pairs")
    (tmp_path / "pairs.toml").write_text(PAIRS)
    message = refused(domainbert, tmp_path / "pairs.toml", tmp_path, "corpus.options.labelled=0")
    assert "objective 'affinity': no training record of main has a label" in message


@pytest.mark.invariant
@pytest.mark.slow
def test_two_processes_learn_what_one_does(
    distilled: Path, recipe: Path, teacher: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """The projection lies outside what the distributed wrapper watches, so its gradient is averaged by us."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "domainbert", "pretrain", "--recipe", recipe]
    command += ["--teacher", teacher, "--output", tmp_path / "run", "distillation.phase=random", *GROUPS]
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    for mine, theirs in zip(values(tmp_path / "run"), values(distilled), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4)  # 14 steps of Adam on sums in another order
    heads = (load_file(folder / "checkpoints" / "step-14" / "objective_heads.safetensors") for folder in (tmp_path / "run", distilled))
    for one, other in zip(*(each.values() for each in heads), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
