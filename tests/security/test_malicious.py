"""Inputs made to do harm: nothing of them runs, is followed, or fills the machine."""

import json
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
import zstandard

from domainbert.adapters.base import Drops
from domainbert.adapters.dna import DnaAdapter
from domainbert.corpus.open import open_source
from domainbert.engine.model import load_base, load_base_tokenizer
from domainbert.errors import CorpusError, DomainBertError, ModelError, RecipeError
from domainbert.publishing.scan import ALLOWED
from domainbert.recipe.load import load_recipe

CANARY = "canary"


class Touch:
    """Unpickled, it makes a file."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (_touch, (CANARY, "x"))


def _touch(path: str, text: str) -> None:
    Path(path).write_text(text)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def base(folder: Path) -> Path:
    """A tiny model folder."""
    from transformers import BertConfig, BertForMaskedLM

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8, "max_position_embeddings": 66}
    BertForMaskedLM(BertConfig(vocab_size=16, **sizes)).save_pretrained(folder)
    adapter = DnaAdapter()
    kinds = type(adapter).tokenizer_kinds
    adapter.tokenizer("character", kinds["character"](), iter(()), model_max_length=64).save_pretrained(folder)
    return folder


def test_pickled_weights_are_not_loaded(place: Path) -> None:
    model = base(place / "base")
    (model / "model.safetensors").unlink()
    with (model / "pytorch_model.bin").open("wb") as file:
        pickle.dump(Touch(), file)
    with pytest.raises(ModelError, match="safetensors"):
        load_base(str(model))
    assert not (place / CANARY).exists()


def test_code_beside_a_model_is_not_run(place: Path) -> None:
    model = base(place / "base")
    config = json.loads((model / "config.json").read_text())
    auto = {"AutoConfig": "modeling_x.Config", "AutoModelForMaskedLM": "modeling_x.Model"}
    (model / "config.json").write_text(json.dumps({**config, "auto_map": auto, "model_type": "no-such-type"}))
    (model / "modeling_x.py").write_text(f"open({CANARY!r}, 'w')\n")
    with pytest.raises(ModelError):
        load_base(str(model))
    assert not (place / CANARY).exists()


@pytest.mark.parametrize("size", [2**62, 10**9])
def test_weights_whose_header_lies_are_refused(place: Path, size: int) -> None:
    model = base(place / "base")
    (model / "model.safetensors").write_bytes(struct.pack("<Q", size) + b"{}" + b" " * 100)
    with pytest.raises(ModelError, match="base"):
        load_base(str(model))


@pytest.mark.parametrize("shard", ["../secret.safetensors", "/etc/hostname", "..\\secret.safetensors"])
def test_shards_outside_the_folder_are_not_read(place: Path, shard: str) -> None:
    model = base(place / "base")
    (model / "model.safetensors").rename(place / "secret.safetensors")
    names = ["bert.embeddings.word_embeddings.weight"]
    (model / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, shard)}))
    with pytest.raises(ModelError, match="no safetensors file of this folder"):
        load_base(str(model))


def test_optimizer_state_with_a_pickle_runs_nothing(place: Path) -> None:
    with Path("optimizer.pt").open("wb") as file:
        pickle.dump(Touch(), file)
    with pytest.raises(pickle.UnpicklingError):
        torch.load("optimizer.pt", weights_only=True)
    assert not (place / CANARY).exists()


def test_a_tokenizer_that_is_no_json_is_named(place: Path) -> None:
    model = base(place / "base")
    (model / "tokenizer.json").write_bytes(pickle.dumps(Touch()))
    with pytest.raises(DomainBertError):
        load_base_tokenizer(str(model))
    assert not (place / CANARY).exists()


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archives_are_not_unpacked(place: Path, kind: str) -> None:
    Path("evil").write_text(">a\nACGT\n")
    path = place / f"genomes.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write("evil", "../../evil.fa")
    else:
        with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w") as archive:
            archive.add("evil", "../../evil.fa")
    with pytest.raises(CorpusError, match="archive"):
        list(DnaAdapter().records(str(path), drops=Drops()))
    assert {entry.name for entry in place.iterdir()} == {"evil", path.name}


def test_a_zstd_bomb_is_refused_in_little_memory(place: Path) -> None:
    import resource

    path = place / "bomb.fa.zst"
    compressor = zstandard.ZstdCompressor().compressobj()
    with path.open("wb") as file:
        file.write(compressor.compress(b">a\n"))
        for _ in range(200):
            file.write(compressor.compress(b"N" * (1 << 20)))
        file.write(compressor.flush())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open_source(path) as source, pytest.raises(CorpusError, match="unpack"):
        for _ in source.blocks():
            pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@pytest.mark.parametrize(
    "line",
    [
        'adapter = "os:system"',
        'adapter = "domainbert.adapters.dna:DnaAdapter"',
        'adapter = "../dna"',
        '[corpus]\nname = "../../outside"',
        '[model.scratch]\narchitecture = "evil.module.Model"',
        '[corpus.options]\n__class__ = "x"',
        '[[stage]]\nname = "a/b"\nsteps = 1',
    ],
)
def test_recipes_import_nothing(place: Path, line: str) -> None:
    head = "" if line.startswith("adapter") else 'adapter = "dna"\n'
    Path("evil.toml").write_text(f'{head}{line}\n[tokenizer]\nkind = "character"\n')
    with pytest.raises(RecipeError):
        load_recipe("./evil.toml")


def test_recipes_interpolate_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "sesame")
    Path("evil.toml").write_text(
        'adapter = "dna"\n[tokenizer]\nkind = "character"\n[corpus]\nsources = ["${SECRET_OF_MINE}", "{os.environ}", "$(id)"]\n'
    )
    assert load_recipe("./evil.toml").corpus[0].sources == ("${SECRET_OF_MINE}", "{os.environ}", "$(id)")


def test_only_plain_names_are_published() -> None:
    for name in (
        "../model.safetensors",
        "x/model.safetensors",
        "plots/../x.png",
        "plots/a/b.png",
        ".git/config",
        "config.json\n",
        "model.bin",
    ):
        assert not ALLOWED.fullmatch(name), name


def test_tokens_do_not_reach_the_logs(place: Path) -> None:
    token = "hf_" + "aB3" * 12
    program = (
        "import logging, domainbert.cli.app as app\n"
        "app.redact_logs()\n"
        "logging.basicConfig()\n"
        f"logging.getLogger('huggingface_hub').warning('Bearer %s and %s', 'unusual-token', '{token}')\n"
        "logging.getLogger('x').warning('password %s', 'plain-secret-in-variable')\n"
    )
    environment = {**os.environ, "HF_TOKEN": "plain-secret-in-variable"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert "<token> and <token>" in done.stderr and "password <token>" in done.stderr


def test_crashes_show_no_token(place: Path) -> None:
    token = "hf_" + "aB3" * 12
    program = f"import sys, domainbert.cli.app as a\ndef b(): raise KeyError('{token}')\na.app = b\na.main()\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "KeyError" in done.stderr and token not in done.stderr
