"""How readily parts of a record are chosen as targets: spans in its meta, one byte a token in the store."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domainbert.errors import CorpusError
from domainbert.tokenization.spans import Vocabulary, token_spans

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

WEIGHTS = "target_weights"
FULL_WEIGHT = 255


def parse_spans(spans: str) -> list[tuple[int, int, float]]:
    """Start, end (characters) and weight (0..1) of each span of ``"a-b:w,c-d:w"``."""
    parsed = []
    for span in filter(None, spans.split(",")):
        try:
            place, weight = span.split(":")
            start, end = place.split("-")
            parsed.append((int(start), int(end), float(weight)))
        except ValueError:
            raise CorpusError(f"{WEIGHTS} {span!r} of a record is no span; expected START-END:WEIGHT") from None
    return parsed


def clip_spans(spans: str, start: int, end: int) -> str:
    """The spans of the part ``start`` to ``end`` of a record, counted from its start."""
    inside = [(max(a, start) - start, min(b, end) - start, weight) for a, b, weight in parse_spans(spans)]
    return ",".join(f"{a}-{b}:{weight:g}" for a, b, weight in inside if a < b)


def token_weights(
    tokenizer: "PreTrainedTokenizerFast",
    vocabulary: Vocabulary,
    texts: Sequence[str],
    spans: Sequence[str],
    ids: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Weight of each token, 255 for 1.0: the mean over its characters.

    Args:
        tokenizer: made ``ids``.
        vocabulary: of the tokenizer.
        texts: canonical texts.
        spans: of each text; empty for weight 1 everywhere.
        ids: tokens of all texts, end to end.
        counts: number of tokens of each text.
    """
    weights = np.full(len(ids), FULL_WEIGHT, np.uint8)
    ends = np.cumsum(counts).tolist()
    for text, text_spans, start, end in zip(texts, spans, [0, *ends], ends, strict=False):
        if text_spans:
            sums = np.concatenate(([0.0], np.cumsum(_character_weights(len(text), text_spans))))
            places = token_spans(tokenizer, text, ids[start:end], vocabulary)
            widths = np.maximum(1, places[:, 1] - places[:, 0])
            weights[start:end] = np.rint(FULL_WEIGHT * (sums[places[:, 1]] - sums[places[:, 0]]) / widths)
    return weights


def _character_weights(length: int, spans: str) -> NDArray[np.float64]:
    weights = np.ones(length)
    for start, end, weight in parse_spans(spans):
        weights[start:end] = weight
    return weights
