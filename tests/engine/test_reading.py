"""Invariants 2 and 6 with a companion: both models hide the same characters, whatever tokenizers they have."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from domainbert.engine.packing import Batch, BatchMaker
from domainbert.engine.reading import Reader
from domainbert.engine.steps import Steps
from domainbert.errors import RunError
from domainbert.recipe.schema import Corruption, Objective, Stage, Training
from domainbert.tokenization.spans import read_vocabulary

sys.path.insert(0, str(Path(__file__).parent))
import words
from genomes import ALIGN, GROUPS, dna, dna_steps

EVERYWHERE = frozenset({0, 1})


def visible_characters(batch: Batch, tokenizer) -> list[str]:
    """Each sample as its model's input shows it, a dot for a hidden character.

    Read off the ids alone, which is all that the model gets.
    """
    shown = []
    original = np.where(batch.labels_T >= 0, batch.labels_T, batch.input_ids_T)
    for start, length in zip(np.cumsum(batch.length_N) - batch.length_N, batch.length_N, strict=True):
        pieces = []
        for place in range(start + 1, start + length):
            token = tokenizer.convert_ids_to_tokens(int(original[place]))
            hidden = batch.input_ids_T[place] == tokenizer.mask_token_id
            pieces.append("." * len(token) if hidden else token)
        shown.append("".join(pieces))
    return shown


@pytest.mark.invariant
@pytest.mark.parametrize("phase", [False, True])
@pytest.mark.parametrize(("student", "options"), [("character", {}), ("kmer", {"k": 3}), ("kmer", {"k": 4}), ("kmer", {"k": 7})])
def test_no_hidden_base_is_in_any_input(student: str, options: dict[str, int], phase: bool, tmp_path: Path) -> None:
    steps, _ = dna_steps(tmp_path, student=student, phase=phase, corruption=GROUPS, **options)
    mine, theirs = steps.maker.stores[0].tokenizer, dna("kmer", k=6)
    hidden = total = 0
    for number in range(len(steps)):
        batch = steps.batch(number)
        for here, there in zip(visible_characters(batch, mine), visible_characters(batch.others["teacher"].batch, theirs), strict=True):
            assert here == there
            hidden, total = hidden + here.count("."), total + len(here)
    assert 0.2 < hidden / total < 0.45  # a 7-mer that straddles two 6-mers joins them to a group


@pytest.mark.parametrize("phase", [False, True])
def test_a_base_hidden_alone_hides_the_companions_token(phase: bool, tmp_path: Path) -> None:
    steps, _ = dna_steps(tmp_path, phase=phase, corruption=Corruption(rate=0.05, mask=1.0, random=0.0))
    mine, theirs = steps.maker.stores[0].tokenizer, dna("kmer", k=6)
    for number in range(len(steps)):
        batch = steps.batch(number)
        for here, there in zip(visible_characters(batch, mine), visible_characters(batch.others["teacher"].batch, theirs), strict=True):
            assert all(other == "." for own, other in zip(here, there, strict=True) if own == ".")


def test_the_grid_begins_at_a_random_base_that_follows_from_the_sample(tmp_path: Path) -> None:
    steps, _ = dna_steps(tmp_path, phase=True, corruption=GROUPS)
    batch = steps.batch(0)
    spans = batch.others["teacher"].spans
    begins = [int(own[np.argmax(own[:, 1] - own[:, 0] == 6), 0]) for own in spans]
    assert len(set(begins)) > 3
    again = steps.batch(0).others["teacher"].spans
    assert all((one == other).all() for one, other in zip(spans, again, strict=True))
    rows = np.array([3, 1])
    taken = batch.others["teacher"].take(rows)
    assert (taken.spans[1] == spans[1]).all() and taken.batch.length_N.tolist() == batch.others["teacher"].batch.length_N[rows].tolist()


def test_a_companion_reads_only_the_corpora_of_its_terms(tmp_path: Path) -> None:
    steps, _ = dna_steps(tmp_path, corruption=Corruption(rate=0.2), sources=frozenset({0}), objective=(replace(ALIGN, data=("main",)),))
    batch = steps.batch(0)
    read = batch.others["teacher"].batch.length_N > 0
    assert (read == (batch.source_N == 0)).all() and read.any() and not read.all()
    packed = steps[0]
    assert packed.counts["align"] == sum(len(micro.units["align"]) for micro in packed.micro_batches) > 0


@pytest.mark.invariant
@pytest.mark.parametrize("companion", words.TOKENIZERS)
@pytest.mark.parametrize("student", words.TOKENIZERS)
def test_any_two_tokenizers_hide_the_same_characters(student: str, companion: str, tmp_path: Path) -> None:
    store, adapter = words.store(tmp_path, words.TOKENIZERS[student]()), words.Sentences()
    tokenizer = words.wrapped(words.TOKENIZERS[companion]())
    reader = Reader("teacher", tokenizer, adapter, random_phase=False, max_length=None, sources=EVERYWHERE)
    maker = BatchMaker([store], [adapter], read_vocabulary(store.tokenizer, adapter), {"teacher": reader})
    stage = Stage(steps=1, corruption=GROUPS, objective=(Objective("align", companion="teacher", positions="visible"),))
    steps = Steps(maker, ["main"], [stage], Training(max_length=200, batch_tokens=3000, micro_batch_tokens=3000))
    batch = steps.batch(0)
    reading = batch.others["teacher"]
    row_P, other_P = reading.rows(np.cumsum(batch.length_N) - batch.length_N)
    mine, theirs = batch.labels_T >= 0, reading.batch.labels_T >= 0
    assert mine.any() and not mine.all()
    # No token of one that shares a character with a hidden one of the other is visible.
    assert (mine[row_P] == theirs[other_P]).all()
    # Only blanks, which WordPiece leaves out, may be a token of one and of no pair.
    for hidden, paired, text in ((mine, row_P, batch.labels_T), (theirs, other_P, reading.batch.labels_T)):
        escaped = np.setdiff1d(np.flatnonzero(hidden), paired)
        used = store.tokenizer if hidden is mine else tokenizer
        assert set("".join(used.convert_ids_to_tokens(text[escaped].tolist()))) <= set("Ġ▁")


def test_a_text_too_long_for_the_companion_is_named(tmp_path: Path) -> None:
    steps, reader = dna_steps(tmp_path, corruption=GROUPS)
    reader.max_length = 8
    with pytest.raises(RunError, match=r"companion 'teacher' takes 8 tokens, and a sample of \d+ characters"):
        steps.batch(0)
