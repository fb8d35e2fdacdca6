"""The text of samples, and where their tokens lie in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domainbert.corpus.store import TokenStore
from domainbert.engine.order import Ints, Samples
from domainbert.tokenization.spans import Vocabulary, token_spans


@dataclass(frozen=True, slots=True)
class Window:
    """One sample as text.

    Args:
        text: canonical text from the sample's first character to its last.
        spans: start and end character in it of each token, special ones left out.
    """

    text: str
    spans: Ints


def read_windows(stores: Sequence[TokenStore], vocabulary: Vocabulary, samples: Samples) -> list[Window]:
    """The text of each sample.

    Args:
        stores: that samples' ``source`` counts in.
        vocabulary: of the tokenizer that made them.
        samples: not empty each.
    """
    rows = zip(samples.source.tolist(), samples.record.tolist(), samples.start.tolist(), samples.length.tolist(), strict=True)
    return [_read(stores[source], vocabulary, record, start, length) for source, record, start, length in rows]


def _read(store: TokenStore, vocabulary: Vocabulary, record: int, start: int, length: int) -> Window:
    begin, end = int(store.offsets[record]), int(store.offsets[record + 1])
    ids = np.asarray(store.tokens[begin:end], np.int64)
    first, last = int(store.text_offsets[record]), int(store.text_offsets[record + 1])
    if vocabulary.concatenates:
        widths = vocabulary.widths[ids]
        if widths.sum() == last - first:  # a byte a character, and no other character than the tokens'
            own = np.cumsum(widths[start : start + length])
            offset = first + int(widths[:start].sum())
            text = store.text_bytes[offset : offset + int(own[-1])].tobytes().decode("ascii")
            return Window(text, np.stack((own - widths[start : start + length], own), axis=1))
    text = store.text(record)
    spans = token_spans(store.tokenizer, text, ids, vocabulary)[start : start + length]
    offset = int(spans[0, 0])
    return Window(text[offset : int(spans[-1, 1])], spans - offset)
