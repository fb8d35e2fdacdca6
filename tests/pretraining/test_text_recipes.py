"""Recipes of text, those of paper size: a few steps at a shrunken size, on records of their sample, end in a folder that anyone loads."""

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path

import pytest

from domainbert.adapters.registry import load_adapter

Program = Callable[..., subprocess.CompletedProcess[str]]

SIZE = ["training.max_length=64", "training.batch_tokens=1024", "training.micro_batch_tokens=512"]
SMALL = ["model.scratch.hidden_size=32", "model.scratch.num_layers=1", "model.scratch.num_heads=2"]
LOADED_WITHOUT_US = """
import sys
sys.modules["domainbert"] = None
from transformers import AutoModelForMaskedLM, AutoTokenizer
model, tokenizer = (each.from_pretrained(sys.argv[1]) for each in (AutoModelForMaskedLM, AutoTokenizer))
inputs = tokenizer(sys.argv[2], return_tensors="pt")
print(tokenizer.unk_token_id in inputs.input_ids, tuple(model(**inputs).logits.shape[1:]) == (inputs.input_ids.shape[1], len(tokenizer)))
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Records of an adapter's sample in a file, thinned out."""

    def write(name: str) -> Path:
        path = tmp_path_factory.mktemp(name) / "sample.jsonl"
        records = islice(load_adapter(name).sample(), 0, 12_000, 40 if name != "urls" else 8)
        path.write_text("".join(json.dumps({"text": record.text[:900]}) + "\n" for record in records))
        return path

    return write


@pytest.fixture(scope="module")
def modernbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ModernBERT of random weights with a tokenizer of its own: what stands in for the paper's base."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    from domainbert.adapters.biomedical.options import BpeOptions
    from domainbert.tokenization.check import save_tokenizer

    adapter, folder = load_adapter("biomedical"), tmp_path_factory.mktemp("base")
    tokenizer = adapter.tokenizer("bpe", BpeOptions(2000), islice(adapter.sample(), 400), model_max_length=128)
    save_tokenizer(tokenizer, folder)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": len(tokenizer)}
    special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "cls", "sep", "bos", "eos")}
    AutoModelForMaskedLM.from_config(AutoConfig.for_model("modernbert", **shape, **special)).save_pretrained(folder)
    return folder


def run(domainbert: Program, output: Path, name: str, source: Path, *keys: str) -> dict:
    keys = (*SIZE, "training.evaluation_steps=100", "training.save_steps=100", "corpus.main.validation_fraction=0.2", *keys)
    domainbert("pretrain", "--recipe", name, "--corpus", source, "--output", output, *keys)
    return json.loads((output / "evaluation.json").read_text())


def loads_anywhere(model: Path, text: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED_WITHOUT_US, str(model), text], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("name", "keys", "text"),
    [
        ("urls", ["tokenizer.options.vocabulary_size=900"], "[DOMAIN]example.com[PATH]a/b[QUERY]x=1"),
        ("french-camembertv2", ["tokenizer.options.vocabulary_size=1500", "tokenizer.options.emoji=false"], "Été\n\tl'arbre, 1987"),
    ],
)
def test_a_recipe_from_random_weights(domainbert, corpus, tmp_path, name, keys, text):
    output, source = tmp_path / "run", corpus(name.split("-")[0])
    result = run(domainbert, output, name, source, "training.max_steps=8", "training.learning_rate=1e-2", *SMALL, *keys)
    assert result["after"]["unit"]["bits"] < result["before"]["unit"]["bits"]
    loads_anywhere(output / "model", text)


def test_two_phases_on_a_modernbert(domainbert, corpus, modernbert, tmp_path):
    """Stable rate with 30 % hidden, then a decay over the whole second phase with 15 % hidden; the base's tokenizer stays."""
    output = tmp_path / "run"
    lengths = ("stage.broad.steps=11", "stage.narrow.steps=11", "stage.narrow.schedule.decay_steps=11")
    keys = ("--base", modernbert, "training.max_steps=22", *lengths)
    run(domainbert, output, "biomedical-modernbert", corpus("biomedical"), *keys)
    steps = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    rates = [step["learning_rate"] for step in steps]
    assert len(steps) == 22 and set(rates[:11]) == {3e-4}
    assert all(later < earlier for earlier, later in pairwise(rates[11:])) and rates[-1] < 0.1 * 3e-4
    shares = [sum(step["masked"] for step in part) / sum(step["tokens"] for step in part) for part in (steps[:11], steps[11:])]
    assert shares == pytest.approx([0.30, 0.15], abs=0.03)
    assert (output / "model" / "tokenizer.json").read_bytes() == (modernbert / "tokenizer.json").read_bytes()
    loads_anywhere(output / "model", "CD4⁺ T cells at 37 °C")
