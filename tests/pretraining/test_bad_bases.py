"""Bases that cannot be continued: each is named, exit status 2, and no run folder is left behind."""

import json
import time

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file
from transformers import BertConfig, BertForMaskedLM

from domainbert.adapters.dna import DnaAdapter

NUM_ENTRIES = 11  # six special ones and five bases


@pytest.fixture
def base(tmp_path):
    """Makes a tiny DNA model folder with some number of embedding rows."""

    def make(rows=NUM_ENTRIES, shard="10GB"):
        sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": 8}
        model = BertForMaskedLM(BertConfig(vocab_size=rows, max_position_embeddings=66, **sizes))
        model.save_pretrained(tmp_path / "base", max_shard_size=shard)
        adapter = DnaAdapter()
        adapter.tokenizer("character", None, (), model_max_length=64).save_pretrained(tmp_path / "base")
        return tmp_path / "base"

    return make


@pytest.fixture
def refused(domainbert, recipe, tmp_path):
    """Tries to continue a base and gives the message."""

    def run(base):
        done = domainbert("pretrain", "--recipe", recipe, "--base", base, "--output", tmp_path / "run", status=2)
        assert not (tmp_path / "run" / "stores").exists() and not (tmp_path / "run" / "model").exists()
        return " ".join(done.stderr.split())

    return run


def edit(path, **keys):
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


@pytest.mark.parametrize("rows", [NUM_ENTRIES - 1, 4])  # 4: fewer than the special tokens
def test_a_tokenizer_larger_than_the_embeddings(domainbert, recipe, base, tmp_path, rows):
    folder = base(rows)
    done = domainbert("pretrain", "--recipe", recipe, "--base", folder, "--output", tmp_path / "run", status=2)
    assert f"{folder}: the model has {rows} embedding rows, its tokenizer {NUM_ENTRIES} entries; not a pair" in done.stderr


def test_a_vocabulary_of_special_tokens_alone(base, refused):
    folder = base()
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    special = {token["content"] for token in content["added_tokens"]}
    content["model"]["vocab"] = {token: number for token, number in content["model"]["vocab"].items() if token in special}
    path.write_text(json.dumps(content))
    message = refused(folder)
    assert f"{folder} does not fit adapter 'dna'" in message and "100.0% of its tokens on the probes are unknown" in message


def test_a_base_with_code_of_its_own(base, refused, tmp_path):
    folder = base()
    edit(folder / "config.json", model_type="strange", auto_map={"AutoConfig": "own.Config", "AutoModelForMaskedLM": "own.Model"})
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    message = refused(folder)
    assert f"{folder}: needs code of its own" in message and "never run" in message and "modernbert" in message
    assert not (tmp_path / "ran").exists()


def test_a_pickled_base(base, refused):
    folder = base()
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert f"{folder}: has no weights as safetensors, only pickled ones (pytorch_model.bin)" in refused(folder)


def test_a_missing_shard(base, refused):
    folder = base(shard="2KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    shards[-1].unlink()
    assert f"{folder}: {shards[-1].name} is missing, one of {len(shards)} files that model.safetensors.index.json names" in refused(folder)


def test_an_id_that_cannot_be_reached_is_named_at_once(refused, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nothing listens on the discard port
    begin = time.monotonic()
    message = refused("nobody/nothing-within-reach")  # an id of its own: each is asked for once
    assert time.monotonic() - begin < 10  # the client's own retries take a minute
    assert "nobody/nothing-within-reach: is no folder here, and the Hub (http://127.0.0.1:9) cannot be reached" in message
    assert "HF_HUB_OFFLINE=1" in message


def test_an_id_that_is_not_in_the_cache_offline(refused):
    message = refused("nobody/nothing-at-all")
    assert "is neither a folder here nor a model that the Hub gave us" in message and "HF_HUB_OFFLINE=1" in message
