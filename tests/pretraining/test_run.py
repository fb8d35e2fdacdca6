"""A run as its user sees it: the folder that it leaves, and that nothing in it needs us."""

import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

NUM_STEPS = 14
Program = Callable[..., subprocess.CompletedProcess[str]]

LOADED_WITHOUT_US = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name == "domainbert" or name.startswith("domainbert."):
            raise ImportError("domainbert is not here")
sys.meta_path.insert(0, Refuse())
import json, torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
model = AutoModelForMaskedLM.from_pretrained(sys.argv[1], trust_remote_code=False).eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=False)
text = "ACGTACGTAC" + tokenizer.mask_token * 6 + "ACGTACGT"
inputs = tokenizer(text, return_tensors="pt")
with torch.no_grad():
    logits = model(**inputs).logits[0]
masked = inputs.input_ids[0] == tokenizer.mask_token_id
print(json.dumps({"filled": tokenizer.decode(logits[masked].argmax(-1)), "masked": int(masked.sum()), "class": type(model).__name__}))
"""


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_the_run_folder_is_complete(finished: Path) -> None:
    present = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    model = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "domainbert.json", "README.md"}
    assert {path.removeprefix("model/") for path in present if path.startswith("model/")} == model
    assert {"recipe.json", "metrics.jsonl", "evaluation.json", "plots/loss.png"} <= present
    recipe = json.loads((finished / "recipe.json").read_text())
    assert recipe["recipe"]["training"]["batch_tokens"] == 600
    assert len(recipe["stores"]["main"]["sources"][0]["sha256"]) == 64
    assert recipe["versions"]["transformers"] and len(recipe["fingerprint"]) == 64


def test_metrics_hold_each_steps_own_values(finished: Path) -> None:
    logged = lines(finished)
    assert [line["step"] for line in logged] == list(range(1, NUM_STEPS + 1))
    keys = {"tokens", "masked", "loss", "loss_mlm", "learning_rate", "grad_norm", "tokens_per_second", "mfu", "peak_memory_bytes"}
    assert all(keys <= line.keys() and all(map(math.isfinite, line.values())) for line in logged)
    assert [line["step"] for line in logged if "validation_bits_per_base" in line] == [6, 12, 14]
    assert logged[0]["learning_rate"] == pytest.approx(1.5e-3) and logged[2]["learning_rate"] == pytest.approx(3e-3)
    assert logged[-1]["loss"] < logged[0]["loss"]
    assert all(line["packing_efficiency"] == 1.0 and 0 <= line["data_wait"] < 1 for line in logged)


def test_evaluation_has_company(finished: Path) -> None:
    evaluation = json.loads((finished / "evaluation.json").read_text())
    assert evaluation["after"]["single"]["bits"] < evaluation["before"]["single"]["bits"]
    assert set(evaluation["after"]) == {"single", "block"}
    hidden = evaluation["baselines"]["same_letters_hidden"]
    for kind in ("single", "block"):
        # Every figure of one kind is over the very same hidden letters.
        assert {score["num_letters"] for score in hidden[kind]} == {evaluation["after"][kind]["num_letters"]}
    assert evaluation["held_out"]["groups"] == ["two"]
    assert 0 <= evaluation["held_out"]["share_in_repeats_seen_in_training"] < 0.2


def test_the_model_loads_and_fills_masks_without_domainbert(finished: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_WITHOUT_US, str(finished / "model")], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["masked"] == 6 and answer["class"] == "ModernBertForMaskedLM"
    assert len(answer["filled"]) == 6 and set(answer["filled"]) <= set("ACGT")
    written = json.loads((finished / "model" / "tokenizer_config.json").read_text())
    assert written["tokenizer_class"] == "PreTrainedTokenizerFast" and written["model_max_length"] == 64


@pytest.mark.invariant
def test_no_pickle_and_no_training_arguments(finished: Path) -> None:
    names = [path.name for path in finished.rglob("*")]
    assert "training_args.bin" not in names
    assert not [path for path in (finished / "model").rglob("*") if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]
    assert not [path for path in (finished / "stores").rglob("*") if path.suffix in {".pt", ".pth", ".pkl"}]


def test_a_finished_run_is_left_as_it_is(finished: Path, domainbert: Program) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file() and path.name != ".lock"}
    domainbert("resume", finished)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_used_output_folder_is_refused(finished: Path, recipe: Path, domainbert: Program) -> None:
    done = domainbert("pretrain", "--recipe", recipe, "--output", finished, status=2)
    assert "resume" in done.stderr and str(finished) in done.stderr


def test_a_run_continues_a_model_with_its_own_tokenizer(finished: Path, recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    output = tmp_path / "more"
    domainbert("pretrain", "--recipe", recipe, "--base", finished / "model", "--output", output, "stage[0].steps=6")
    evaluation = json.loads((output / "evaluation.json").read_text())
    first = json.loads((finished / "evaluation.json").read_text())
    assert evaluation["before"]["single"]["bits"] == pytest.approx(first["after"]["single"]["bits"], rel=1e-5)
    assert evaluation["base"] == str(finished / "model")
    old, new = (load_file(folder / "model" / "model.safetensors") for folder in (finished, output))
    assert old.keys() == new.keys()
    tokenizers = [(folder / "model" / "tokenizer.json").read_text() for folder in (finished, output)]
    assert tokenizers[0] == tokenizers[1]


def test_a_base_whose_contract_is_broken_is_refused(
    finished: Path, recipe: Path, domainbert: Program, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    base = shutil.copytree(finished / "model", tmp_path / "base")
    contract = json.loads((base / "domainbert.json").read_text())
    contract["examples"][0]["ids"][1] += 1
    (base / "domainbert.json").write_text(json.dumps(contract))
    done = domainbert("pretrain", "--recipe", recipe, "--base", base, "--output", tmp_path / "run", status=2)
    assert "domainbert.json" in done.stderr
    contract["libraries"]["tokenizers"] = "0.0.1"
    (base / "domainbert.json").write_text(json.dumps(contract))
    domainbert("pretrain", "--recipe", recipe, "--base", base, "--output", tmp_path / "run2", "training.max_steps=2")
    assert "versions differ" in caplog.text


@pytest.mark.parametrize("architecture", ["bert", "esm"])
@pytest.mark.parametrize("tokenizer", ["kmer", "bpe"])
def test_every_architecture_and_tokenizer_runs(
    architecture: str, tokenizer: str, recipe: Path, domainbert: Program, tmp_path: Path
) -> None:
    options = {"kmer": "k=3", "bpe": "vocabulary_size=40"}[tokenizer]
    domainbert(
        "pretrain", "--recipe", recipe, "--output", tmp_path / "run", "model.scratch.config={}",
        f"model.scratch.architecture={architecture}",
        f"tokenizer.kind={tokenizer}", f"tokenizer.options.{options}", "stage[0].steps=6", 'stage[0].corruption.select="unit"',
        'stage[0].corruption.options={unit = "kmer"}',
    )  # fmt: skip
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert list(evaluation["after"]) == ["block"] and evaluation["after"]["block"]["num_letters"] > 50


def test_max_steps_shortens_every_stage_and_its_schedule(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "run", "training.max_steps=7")
    logged = lines(tmp_path / "run")
    assert [line["step"] for line in logged] == list(range(1, 8))
    # Half of 2 steps of warm-up and half of 4 of decay.
    assert [line["learning_rate"] / 3e-3 for line in logged] == pytest.approx([1, 1, 1, 1, 1, 1 - (1 / 3) ** 0.5, 1 - (2 / 3) ** 0.5])


def test_a_store_is_a_source(finished: Path, recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    options = ("--corpus", finished / "stores" / "main", "training.max_steps=2")
    domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "run", *options)
    assert not (tmp_path / "run" / "stores").exists()
    assert lines(tmp_path / "run")[0]["loss"] == pytest.approx(lines(finished)[0]["loss"], rel=1e-6)


def test_a_store_of_another_tokenizer_than_the_bases_is_refused(finished: Path, recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    domainbert("corpus", "build", "--adapter", "dna", recipe.parent / "genome.fa", "--tokenizer", "kmer", "--output", tmp_path / "store")
    options = ("--base", finished / "model", "--corpus", tmp_path / "store", "--output", tmp_path / "run")
    done = domainbert("pretrain", "--recipe", recipe, *options, status=2)
    assert "was not made with the tokenizer of" in done.stderr


def test_a_failed_corpus_leaves_the_name_free(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    (tmp_path / "protein.fa").write_text(">p\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ\n")
    for source, status in ((tmp_path / "protein.fa", 2), (recipe.parent / "genome.fa", 0)):
        options = ("--corpus", source, "--output", tmp_path / "run", "training.max_steps=2")
        done = domainbert("pretrain", "--recipe", recipe, *options, status=status)
        assert status == 0 or "not DNA" in done.stderr


def test_a_diverging_run_stops_before_it_saves(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    options = ("--output", tmp_path / "run", "training.learning_rate=9.9", "training.max_grad_norm=0", "training.save_steps=1",
               "model.scratch.architecture=bert", "model.scratch.config={initializer_range = 1e18}")  # fmt: skip
    done = domainbert("pretrain", "--recipe", recipe, *options, status=2)
    assert "lower training.learning_rate" in done.stderr
    assert re.search(r"in step \d+, on \d+ samples: main: (one|two) from token \d+", done.stderr)
    for weights in (tmp_path / "run" / "checkpoints").glob("step-*/model.safetensors"):
        assert all(bool(tensor.isfinite().all()) for tensor in load_file(weights).values())


def test_bf16_trains_and_is_measured_as_its_users_run_it(recipe: Path, finished: Path, domainbert: Program, tmp_path: Path) -> None:
    domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "run", "training.precision=bf16")
    mine, wanted = lines(tmp_path / "run"), lines(finished)
    # bf16 has 8 bits: the loss of the first step agrees to about a hundredth.
    assert mine[0]["loss"] == pytest.approx(wanted[0]["loss"], rel=0.02) and mine[0]["loss"] != wanted[0]["loss"]
    before = [json.loads((folder / "evaluation.json").read_text())["before"] for folder in (tmp_path / "run", finished)]
    assert before[0] == before[1]  # measured in the precision of the weights, not of training
    domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "fp16", "training.precision=fp16", status=2)


def test_no_room_for_a_checkpoint_is_named(recipe: Path, environment: dict[str, str], tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))"
    limited = f"{limit}; from domainbert.cli.app import main; main()"
    command = [sys.executable, "-c", limited, "pretrain", "--recipe", str(recipe), "--output", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2, done.stderr
    assert "no room left" in done.stderr and "step-4" in done.stderr
    assert not list((tmp_path / "run" / "checkpoints").glob("step-*"))


def test_the_best_weights_are_published_where_the_recipe_says_so(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    # The second stage's learning rate undoes what the first one learned.
    options = ("training.publish=best", "training.evaluation_steps=3", "training.keep_checkpoints=1", "training.max_grad_norm=0",
               "stage[0].steps=6", "stage[0].schedule={shape = \"constant\"}", "stage[0].corruption.rate=0.3")  # fmt: skip
    undoing = '\n[[stage]]\nname = "undo"\nsteps = 8\n[stage.schedule]\nshape = "constant"\npeak = 60.0\n'
    recipe = shutil.copy(recipe, tmp_path / "two.toml")
    recipe.write_text(recipe.read_text() + undoing)
    folder = tmp_path / "run"
    domainbert("pretrain", "--recipe", recipe, "--output", folder, *options)
    scores = {line["step"]: line["validation_bits_per_base"] for line in lines(folder) if "validation_bits_per_base" in line}
    best = min(scores, key=scores.get)
    assert best != NUM_STEPS, "this run was meant to get worse"
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {f"step-{best}", f"step-{NUM_STEPS}"}
    kept, published = (load_file(folder / path / "model.safetensors") for path in (f"checkpoints/step-{best}", "model"))
    assert all(bool((kept[name] == published[name]).all()) for name in published)
    assert json.loads((folder / "evaluation.json").read_text())["after"]["single"]["bits"] == pytest.approx(scores[best], rel=0.02)


@pytest.mark.parametrize(
    "options",
    [
        ("training.optimizer=stable_adamw",),
        ("training.optimizer=muon", "training.learning_rate=1e-3"),
        ("training.gradient_checkpointing=true", "training.micro_batch_tokens=auto"),
    ],
    ids=["stable_adamw", "muon", "checkpointing"],
)
def test_ways_of_training_learn(options: tuple[str, ...], recipe: Path, finished: Path, domainbert: Program, tmp_path: Path) -> None:
    domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "run", *options)
    mine, usual = lines(tmp_path / "run"), lines(finished)
    # Neither the optimizer nor the layout changes the first step's loss.
    assert mine[0]["loss"] == pytest.approx(usual[0]["loss"], rel=1e-5)
    assert mine[-1]["loss"] < mine[0]["loss"] - 0.1
    if "training.micro_batch_tokens=auto" in options:
        assert json.loads((tmp_path / "run" / "recipe.json").read_text())["micro_batch_tokens"] == 600
        # The same run in other micro-batches, with activations computed twice: the same losses.
        assert [line["loss"] for line in mine] == pytest.approx([line["loss"] for line in usual], rel=1e-5)


@pytest.mark.invariant
def test_a_finished_run_is_extended_and_its_past_stays(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    domainbert("pretrain", "--recipe", recipe, "--output", folder, "training.max_steps=7")
    before = lines(folder)
    domainbert("resume", folder, "--steps", 6, status=2)
    domainbert("resume", folder, "--steps", 12)
    after = lines(folder)
    assert after[:7] == before
    assert [line["step"] for line in after] == list(range(1, 13))
    assert (folder / "evaluation-step-7.json").exists() and (folder / "evaluation.json").exists()
    recorded = json.loads((folder / "recipe.json").read_text())["recipe"]
    assert [(stage["name"], stage["steps"]) for stage in recorded["stage"]] == [("mlm", 7), ("more", 5)]
    assert after[7]["learning_rate"] == pytest.approx(3e-3)  # warmed up again: one step of five, as one of seven before
    unchanged = (folder / "model" / "model.safetensors").stat().st_mtime_ns
    domainbert("resume", folder, "--steps", 12)
    assert (folder / "model" / "model.safetensors").stat().st_mtime_ns == unchanged


def test_an_unfinished_run_is_not_extended(recipe: Path, domainbert: Program, finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "run")
    (folder / "evaluation.json").unlink()
    assert "finish it first" in domainbert("resume", folder, "--steps", 20, status=2).stderr


def test_trackers_that_are_not_there_are_named(recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    done = domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "run", 'training.report_to=["trackio"]', status=2)
    assert "trackio" in done.stderr and "install" in done.stderr
    done = domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "run", 'training.report_to=["wandbb"]', status=2)
    assert "did you mean" in done.stderr and "wandb" in done.stderr


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["stage.mlm.steps=0"], "stage[0] must have exactly one of steps, tokens and epochs above 0; it has none"),
        (["stage.mlm.schedule.decay_steps=15"], "decay_steps = 15: longer than the stage's steps = 14"),
        (["stage.mlm.steps=0", "stage.mlm.tokens=3000"], "decay_steps = 4: longer than the stage's tokens = 3000, which are 5 steps"),
        (["stage.mlm.steps=0", "stage.mlm.epochs=0.2"], "stage 'mlm' is 4 steps long on this corpus, and has warmup_steps = 2 and"),
        (["stage.mlm.mix={mian = 1.0}"], "stage[0].mix.mian names no corpus to train on; there are: main: did you mean 'main'?"),
    ],
)
def test_stages_that_cannot_be_are_named(keys: list[str], message: str, recipe: Path, domainbert: Program, tmp_path: Path) -> None:
    done = domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "run", *keys, status=2)
    assert message in " ".join(done.stderr.split())
