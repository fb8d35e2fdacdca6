"""Whole words are hidden whole, whatever way a tokenizer marks where words begin."""

import sys
from pathlib import Path

import numpy as np
import pytest

from domainbert.engine.packing import BatchMaker
from domainbert.engine.steps import Steps
from domainbert.recipe.schema import Corruption, Stage, Training
from domainbert.tokenization.spans import read_vocabulary, token_spans

sys.path.insert(0, str(Path(__file__).parent))
from words import TOKENIZERS, Sentences, store


@pytest.mark.invariant
@pytest.mark.parametrize("kind", TOKENIZERS)
def test_a_word_is_hidden_whole_or_not_at_all(kind: str, tmp_path: Path) -> None:
    opened, adapter = store(tmp_path, TOKENIZERS[kind]()), Sentences()
    vocabulary = read_vocabulary(opened.tokenizer, adapter)
    training = Training(max_length=200, batch_tokens=4000, micro_batch_tokens=4000)
    corruption = Corruption(select="unit", rate=0.3, options={"unit": "word"}, mask=1.0, random=0.0)
    every = Steps(BatchMaker([opened], [adapter], vocabulary), ["main"], [Stage(steps=1, corruption=corruption)], training)
    samples = every._plans[0].step(0)
    batch = every.batch(0)
    starts = np.cumsum(batch.length_N) - batch.length_N
    words = hidden_words = 0
    for row, (start, length) in enumerate(zip(starts, batch.length_N, strict=True)):
        hidden = (batch.labels_T[start : start + length] >= 0)[1:-1]
        record = int(samples.record[row])
        ids = np.asarray(opened.tokens[opened.offsets[record] : opened.offsets[record + 1]], np.int64)
        spans = token_spans(opened.tokenizer, opened.text(record), ids, vocabulary)
        for begin, end in adapter.units(opened.text(record), "word"):
            inside = hidden[(spans[:, 0] < end) & (spans[:, 1] > begin)]
            assert len(inside) and inside.all() == inside.any()
            words, hidden_words = words + 1, hidden_words + int(inside.all())
    # All or nothing, as gaps between offsets give for two of these four, would hide a sample's words together.
    assert hidden_words / words == pytest.approx(0.3, abs=0.04)
    assert words > 500
