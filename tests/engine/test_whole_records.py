"""Records that mean nothing in pieces: left out where they do not fit, counted, and never cut."""

import json
import logging

import numpy as np
import pytest

from domainbert.adapters.crystals import CrystalAdapter
from domainbert.adapters.dna import DnaAdapter
from domainbert.corpus.build import build_store
from domainbert.engine.packing import BatchMaker
from domainbert.engine.steps import Steps
from domainbert.errors import CorpusError
from domainbert.evaluation.held_out import HeldOut
from domainbert.recipe.schema import Corpus, Corruption, Stage, Training
from domainbert.tokenization.spans import read_vocabulary

LENGTHS = (10, 31, 32, 90, 25)


class WholeDna(DnaAdapter):
    whole_records = True


def store(folder, adapter, source, kind, **corpus):
    options = adapter.tokenizer_kinds[kind]()
    return build_store(
        adapter, Corpus(sources=(str(source),), **corpus), folder / "store", seed=0,
        make_tokenizer=lambda records: adapter.tokenizer(kind, options, records, model_max_length=32),
    )  # fmt: skip


def fasta(folder, lengths=LENGTHS):
    rng = np.random.default_rng(0)
    path = folder / "x.fa"
    path.write_text("".join(f">r{length}\n{''.join(rng.choice(list('ACGT'), length))}\n" for length in lengths))
    return path


def steps(built, adapter, *, max_length=32, corruption=None):
    vocabulary = read_vocabulary(built.tokenizer, adapter)
    training = Training(max_length=max_length, batch_tokens=max(256, max_length), micro_batch_tokens=max(256, max_length))
    stage = Stage(steps=20, corruption=corruption or Corruption())
    return Steps(BatchMaker([built], [adapter], vocabulary), ["main"], [stage], training)


@pytest.mark.invariant
def test_records_that_must_stay_whole_are_left_out_and_counted(tmp_path, caplog):
    built = store(tmp_path, WholeDna(), fasta(tmp_path), "character", validation_fraction=0.0)
    with caplog.at_level(logging.WARNING):
        whole = steps(built, WholeDna())
    assert whole.num_too_long == {"main": 2}
    assert "2 of 5 training records are longer than max_length 32" in caplog.text
    seen = {int(length) - 1 for number in range(20) for length in whole.batch(number).length_N}
    assert seen == {10, 25, 31}
    assert steps(built, WholeDna(), max_length=256).num_too_long == {}
    assert steps(built, DnaAdapter()).num_too_long == {}
    with pytest.raises(CorpusError, match="5 are longer than max_length"):
        steps(built, WholeDna(), max_length=8)


def test_held_out_records_too(tmp_path):
    built = store(tmp_path, WholeDna(), fasta(tmp_path), "character", role="validation")
    vocabulary = read_vocabulary(built.tokenizer, WholeDna())
    whole = HeldOut([built], WholeDna(), vocabulary, max_length=32, micro_batch_tokens=256)
    cut = HeldOut([built], DnaAdapter(), vocabulary, max_length=32, micro_batch_tokens=256)
    assert (whole.num_too_long, cut.num_too_long) == (2, 0)
    assert sorted(len(window.text) for window in whole.windows) == [10, 25, 31]
    assert sum(len(window.text) for window in cut.windows) == sum(LENGTHS)


@pytest.mark.parametrize(("unit", "marks"), [("element", "A"), ("number", "nxf."), ("symmetry", "smw")])
def test_only_units_of_one_sort_are_hidden(tmp_path, unit, marks):
    adapter = CrystalAdapter()
    path = tmp_path / "x.json"
    site = [{"species": [{"element": symbol, "occu": 1}], "abc": place} for symbol, place in (("Cs", [0, 0, 0]), ("Cl", [0.5] * 3))]
    lattice = {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}
    path.write_text(json.dumps({"@class": "Structure", "lattice": lattice, "sites": site}))
    built = store(tmp_path, adapter, path, "symbol", validation_fraction=0.0)
    corruption = Corruption(select="unit", rate=0.5, options={"unit": unit, "only": True})
    every = steps(built, adapter, max_length=64, corruption=corruption)
    labels = np.concatenate([every.batch(number).labels_T for number in range(20)])
    tokens = set(built.tokenizer.convert_ids_to_tokens(np.unique(labels[labels >= 0]).tolist()))
    assert tokens and all(token[0] in marks if marks != "A" else token[0].isupper() for token in tokens)
    free = steps(built, adapter, max_length=64, corruption=Corruption(select="unit", rate=0.5, options={"unit": unit}))
    assert len({*np.unique(np.concatenate([free.batch(number).labels_T for number in range(20)]))} - {-100}) > len(tokens)
