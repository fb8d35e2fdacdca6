"""Drugs, targets and affinities in one stage, and what a run knows of the pairs that it did not see."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from domainbert.adapters.drug_target import DrugTargetAdapter
from domainbert.corpus.store import TokenStore
from domainbert.downstream.heads import pair_vectors, read_head
from domainbert.embedding.encoder import Encoder
from domainbert.engine.order import Samples
from domainbert.engine.packing import BatchMaker
from domainbert.errors import CorpusError
from domainbert.publishing.scan import scan
from domainbert.recipe.schema import Corruption
from domainbert.tokenization.spans import read_vocabulary

DRUGS = (
    "CCO c1ccccc1O C1CCCCC1N c1ccncc1 C1CCNCC1 c1ccsc1 c1ccoc1 C1CCOC1 c1ccc2ccccc2c1 C1CC1C c1cnc[nH]1 C1CCC1Cl CC(C)C c1ccnnc1 C1COCCO1 "
    "CCCN"
).split()
RECIPE = """
adapter = "drug_target"
[model.scratch]
hidden_size = 32
num_layers = 2
num_heads = 2
[tokenizer]
kind = "atom-residue"
[[corpus]]
name = "main"
sources = ["{folder}/pairs.csv"]
validation_groups = ["cold*"]
exclude_groups = ["mixed*"]
options = {{ cold = 0.4 }}
[[corpus]]
name = "drugs"
sources = ["{folder}/drugs.smi"]
validation_groups = ["cold*"]
options = {{ holds = "drugs", cold = 0.4 }}
[[corpus]]
name = "targets"
sources = ["{folder}/targets.txt"]
validation_fraction = 0.0
options = {{ holds = "targets", group = "target" }}
[training]
max_length = 64
batch_tokens = 1000
learning_rate = 5e-3
evaluation_steps = 0
save_steps = 0
[[stage]]
steps = 25
[stage.corruption]
spare = 0.5
[[stage.objective]]
kind = "mlm"
[[stage.objective]]
kind = "regression"
name = "affinity"
data = ["main"]
"""
TASK = """
kind = "regression"
files = { all = "pairs.csv" }
second = "target"
labels = ["affinity"]
metric = "mse"
censored = [5.0]
reading = { format = "records", options = { cold = 0.4 } }
split = { by = "cold-both" }
"""

CROSS = "stage.mlm.objective.regression.pooling=cross"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs")
    rng = random.Random(1)
    targets = ["".join(rng.choices("LAGVSERTIDPKQNFYMHWC", k=rng.randint(25, 40))) for _ in range(14)]
    rows = [(drug, target, max(5.0, 4.0 + 0.3 * len(drug) + 0.1 * target.count("K"))) for drug in DRUGS for target in targets]
    (path / "pairs.csv").write_text("drug,target,affinity\n" + "".join(f"{drug},{target},{label:.3f}\n" for drug, target, label in rows))
    (path / "drugs.smi").write_text("\n".join(DRUGS) + "\n")
    (path / "targets.txt").write_text("\n".join(targets) + "\n")
    (path / "recipe.toml").write_text(RECIPE.format(folder=path))
    (path / "task.toml").write_text(TASK)
    return path


@pytest.fixture(scope="module")
def run(folder: Path, domainbert: Run) -> Path:
    domainbert("pretrain", "--recipe", folder / "recipe.toml", "--output", folder / "run")
    return folder / "run"


def test_every_term_learns_in_one_stage(run: Path) -> None:
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for name in ("loss_mlm", "loss_affinity"):
        values = [line[name] for line in logged]
        assert np.mean(values[-5:]) < 0.9 * np.mean(values[:5])
    parts = json.loads((run / "evaluation.json").read_text())["after"]["unit"]["parts"]
    assert {"drug", "target", "kind pair", "kind unpaired drug"} <= parts.keys()


@pytest.mark.invariant
def test_nothing_held_out_is_trained_on(run: Path) -> None:
    main, drugs = (TokenStore(run / "stores" / name) for name in ("main", "drugs"))
    held_out = [main.record(int(index)) for index in main.indexes("validation")]
    trained = [main.record(int(index)) for index in main.indexes("train")]
    assert held_out and all(record.meta["cold"] == "drug target" for record in held_out)
    assert trained and all(record.meta["cold"] == "" for record in trained)
    for half in (0, 1):
        assert {record.text.split("|")[half] for record in held_out}.isdisjoint(record.text.split("|")[half] for record in trained)
    alone = {drugs.text(int(index)) for index in drugs.indexes("train")}
    assert alone and alone.isdisjoint(record.text.split("|")[0] for record in held_out)


@pytest.mark.invariant
def test_spared_samples_are_whole_and_others_keep_their_masks(run: Path) -> None:
    store, adapter = TokenStore(run / "stores" / "main"), DrugTargetAdapter()
    maker = BatchMaker([store], [adapter], read_vocabulary(store.tokenizer, adapter))
    records = store.indexes("train")
    zeros = np.zeros_like(records)
    samples = Samples(zeros, records, zeros, store.num_tokens(records).astype(np.int64), np.arange(len(records), dtype=np.uint64))

    def hidden(spare: float, *, labelled: bool = True) -> list[np.ndarray]:
        batch = maker.corrupted(samples, Corruption(spare=spare), progress=0.0, labelled=labelled)
        return [batch.take(np.array([row])).labels_T for row in range(len(records))]

    usual, some = hidden(0.0), hidden(0.5)
    spared = np.array([(labels < 0).all() for labels in some])
    assert spared.mean() == pytest.approx(0.5, abs=3 * 0.5 / len(records) ** 0.5)
    assert all(np.array_equal(one, other) for one, other, whole in zip(usual, some, spared, strict=True) if not whole)
    assert all((labels < 0).all() for labels in hidden(1.0))
    assert all(map(np.array_equal, hidden(0.5, labelled=False), usual)), "without a regression nothing is to be spared"


def test_the_runs_own_head_is_judged_on_pairs_that_it_never_saw(run: Path, folder: Path, domainbert: Run) -> None:
    done = domainbert("evaluate", run, "--task", folder / "task.toml", "--method", "head", "--seeds", 2, "--json")
    task = json.loads(done.stdout)["tasks"]["task"]
    findings = {finding["check"]: finding for finding in task["audit"]}
    store = TokenStore(run / "stores" / "main")
    held_out = [store.record(int(index)) for index in store.indexes("validation")]
    assert task["split"]["test"] == len(held_out)
    used = sum(task["split"][part] for part in ("train", "validation", "test"))
    assert findings["mixed_pairs"]["figures"]["mixed"] == len(DRUGS) * 14 - used > 0
    assert findings["pretraining_contamination"]["figures"]["test_texts_seen"] == 0
    state = load_file(run / "model" / "heads.safetensors")
    assert state.keys() == {f"affinity.{name}" for name in ("linear.weight", "linear.bias", "mean", "spread", "of_first")}, "as ever"
    weight, bias = state["affinity.linear.weight"][0], state["affinity.linear.bias"][0]
    model, tokenizer = AutoModel.from_pretrained(run / "model").eval(), AutoTokenizer.from_pretrained(run / "model")
    errors = []
    with torch.no_grad():
        for record in held_out:
            first = model(**tokenizer(record.text, return_tensors="pt")).last_hidden_state[0, 0]
            value = (first @ weight + bias) * state["affinity.spread"] + state["affinity.mean"]
            errors.append((value.item() - float(record.label or 0), float(record.label or 0)))
    squares = np.array([error**2 for error, _ in errors])
    measured = np.array([label != 5.0 for _, label in errors])
    scores = {line["role"]: line["scores"] for line in task["scores"]}
    assert scores["model"]["mse"]["mean"] == pytest.approx(squares.mean(), rel=1e-3)
    assert scores["model"]["mse_uncensored"]["mean"] == pytest.approx(squares[measured].mean(), rel=1e-3)
    assert "random" not in scores, "random weights have no head"


@pytest.fixture(scope="module")
def crossed(folder: Path, domainbert: Run) -> Path:
    """A run whose head reads the halves."""
    domainbert("pretrain", "--recipe", folder / "recipe.toml", "--output", folder / "crossed", CROSS, "stage.mlm.steps=12")
    return folder / "crossed"


def test_the_head_of_halves_is_judged_as_it_was_trained(crossed: Path, folder: Path, domainbert: Run) -> None:
    """By the library's attention, on the published folder alone."""
    done = domainbert("evaluate", crossed, "--task", folder / "task.toml", "--method", "head", "--seeds", 1, "--json")
    scores = {line["role"]: line["scores"] for line in json.loads(done.stdout)["tasks"]["task"]["scores"]}
    state = {name.removeprefix("affinity."): value for name, value in load_file(crossed / "model" / "heads.safetensors").items()}
    attention = torch.nn.MultiheadAttention(32, int(state["halves.num_heads"]), batch_first=True).eval()
    assert attention.num_heads == 2, "the model's own number"
    parts = {key: torch.cat([state[f"halves.{name}.{key}"] for name in ("query", "key", "value")]) for key in ("weight", "bias")}
    attention.load_state_dict({
        **{f"in_proj_{key}": value for key, value in parts.items()},
        **{f"out_proj.{key}": state[f"halves.out.{key}"] for key in parts},
    })  # fmt: skip
    model, tokenizer = AutoModel.from_pretrained(crossed / "model").eval(), AutoTokenizer.from_pretrained(crossed / "model")
    store = TokenStore(crossed / "stores" / "main")
    squares = []
    with torch.no_grad():
        for record in (store.record(int(index)) for index in store.indexes("validation")):
            encoded = tokenizer(record.text, return_tensors="pt")
            bar = tokenizer.convert_ids_to_tokens(encoded["input_ids"][0].tolist()).index("|")
            states = model(**encoded).last_hidden_state
            drug, target = states[:, :bar], states[:, bar:]
            found = torch.cat([attention(one[:, :1], other, other)[0][0, 0] for one, other in ((drug, target), (target, drug))])
            hidden = torch.tanh(state["halves.dense.weight"] @ found + state["halves.dense.bias"])
            value = (state["linear.weight"] @ hidden + state["linear.bias"]) * state["spread"] + state["mean"]
            squares.append((value.item() - float(record.label or 0)) ** 2)
    assert scores["model"]["mse"]["mean"] == pytest.approx(np.mean(squares), rel=1e-4)
    published = scan(crossed / "model")
    assert "heads.safetensors" in published.files and not published.problems


def test_a_run_with_a_head_of_halves_resumes_to_the_same_bits(crossed: Path, folder: Path, domainbert: Run, tmp_path: Path) -> None:
    again = tmp_path / "again"
    domainbert("pretrain", "--recipe", folder / "recipe.toml", "--output", again, CROSS, "stage.mlm.steps=12", "training.save_steps=5")
    for step in ("step-10", "step-12"):
        shutil.rmtree(again / "checkpoints" / step)
    shutil.rmtree(again / "model")
    domainbert("resume", again)
    for name in ("model.safetensors", "heads.safetensors"):
        assert (again / "model" / name).read_bytes() == (crossed / "model" / name).read_bytes()


def test_texts_that_a_head_of_halves_cannot_read(crossed: Path, folder: Path, domainbert: Run) -> None:
    (folder / "alone.toml").write_text(
        'text = "drug"\nkind = "regression"\nlabels = ["affinity"]\nfiles = { all = "pairs.csv" }\n[split]\nby = "random"\n'
    )
    done = domainbert("evaluate", crossed, "--task", folder / "alone.toml", "--method", "head", "--seeds", 1, status=2)
    assert "its head reads two halves with '|' between them, and 'C" in done.stderr


def test_long_pairs_are_cut_at_their_end(crossed: Path) -> None:
    encoder, head = Encoder.from_pretrained(crossed, max_length=20), read_head(str(crossed / "model"), 32)
    texts = ["CCO|MKVLAGSTRE", "C1CCCCC1N|" + "MKTAYIAKQR" * 3, "CCO|MKVLAGSTREMKT" + "W" * 40]  # of 3 + 1 + 13 and two special ones
    cut = [texts[0], texts[1][:18], texts[2][:18]]
    with torch.inference_mode():
        assert np.array_equal(pair_vectors(head, encoder, texts), pair_vectors(head, encoder, cut))
        with pytest.raises(CorpusError, match=r"'CCCCCCC.*' has none within 20 tokens"):
            pair_vectors(head, encoder, [texts[0], "C" * 18 + "|MK"])


def test_pairs_that_were_trained_on_are_noticed(run: Path, folder: Path, domainbert: Run) -> None:
    command = ("evaluate", run, "--task", folder / "task.toml", "--method", "head", "--seeds", 1, "--split", "random", "--json")
    task = json.loads(domainbert(*command).stdout)["tasks"]["task"]
    found = next(finding for finding in task["audit"] if finding["check"] == "pretraining_contamination")
    assert found["warns"] and 0 < found["figures"]["test_texts_seen"] < found["figures"]["test_texts"] == task["split"]["test"]
    assert found["figures"]["test_texts_seen_with_label"] == found["figures"]["test_texts_seen"], "the run learned their affinities"
    assert f"{found['figures']['test_texts_seen']} with a label" in found["text"]


def test_kernels_of_vectors_are_for_pairs(run: Path, folder: Path, domainbert: Run) -> None:
    command = ("evaluate", run, "--task", folder / "task.toml", "--method", "kernel", "--split", "random", "--seeds", 1, "--json")
    scores = {line["role"]: line["scores"]["mse"]["mean"] for line in json.loads(domainbert(*command).stdout)["tasks"]["task"]["scores"]}
    assert scores["model"] < 0.5 * scores["majority"], "every half is known, and affinities are sums"
    (folder / "alone.toml").write_text(
        'text = "drug"\nkind = "regression"\nlabels = ["affinity"]\nfiles = { all = "pairs.csv" }\n[split]\nby = "random"\n'
    )
    done = domainbert("evaluate", run, "--task", folder / "alone.toml", "--method", "kernel", status=2)
    assert "method 'kernel' is for numbers of pairs" in done.stderr


def test_a_head_that_is_not_there(run: Path, folder: Path, domainbert: Run, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "domainbert.json"):
        (tmp_path / name).write_bytes((run / "model" / name).read_bytes())
    done = domainbert("evaluate", tmp_path, "--task", folder / "task.toml", "--method", "head", status=2)
    assert "has no head of its own" in done.stderr
