"""``domainbert.json`` holds what a model's input is spelled with, and no more."""

import json
from pathlib import Path

import pytest

from domainbert.adapters.registry import load_adapter
from domainbert.embedding.loading import adapter_for
from domainbert.errors import ModelError
from domainbert.publishing.contract import FILE, Contract, check_contract

BENZENE = "c1ccccc1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    adapter = load_adapter("molecules", options={"form": "kekulised", "column": "2", "max_atoms": 50})
    Contract.of(adapter, adapter.tokenizer("atom", None, (), model_max_length=64)).write(tmp_path)
    return tmp_path


def test_options_of_spelling_are_kept_and_used_again(folder: Path) -> None:
    assert json.loads((folder / FILE).read_text())["options"] == {"form": "kekulised"}  # not how files were read
    adapter = adapter_for(folder)
    assert adapter.canonicalize(BENZENE) == load_adapter("molecules", options={"form": "kekulised"}).canonicalize(BENZENE) != BENZENE
    check_contract(folder, adapter, adapter.tokenizer("atom", None, (), model_max_length=64))


def test_other_options_are_refused_by_name(folder: Path) -> None:
    adapter = load_adapter("molecules")
    with pytest.raises(ModelError, match=r"form = 'kekulised', this run has the defaults; set the same under corpus\.options"):
        check_contract(folder, adapter, adapter.tokenizer("atom", None, (), model_max_length=64))


def test_options_that_no_adapter_knows_are_named(folder: Path) -> None:
    path = folder / FILE
    path.write_text(path.read_text().replace('"form"', '"from"'))
    with pytest.raises(ModelError, match="'from'"):
        adapter_for(folder)
