"""Hashed n-grams of texts: what data selection compares corpora by.

Words and pairs of neighbouring words, as in Xie et al. 2023 (arXiv 2302.03169), in lower case; of a domain with an alphabet
runs of four and six letters. N texts, F n-grams of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.corpus.shingles import Hashes, mixed, shingles

NUM_BUCKETS = 10_000  # Xie et al. 2023
_RUNS = (4, 6)  # letters
_PAIR = np.uint64(0x100000001B3)


@dataclass(frozen=True, slots=True)
class Grams:
    """N-grams of some texts, text after text.

    Args:
        hashes_F: 64 bits each.
        count_N: how many each text has.
    """

    hashes_F: Hashes
    count_N: NDArray[np.int64]

    def buckets_F(self) -> NDArray[np.int64]:
        """Which of ``NUM_BUCKETS`` each falls into."""
        return (self.hashes_F % np.uint64(NUM_BUCKETS)).astype(np.int64)

    def sums_N(self, values_F: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of something over each text's n-grams."""
        owner_F = np.repeat(np.arange(len(self.count_N)), self.count_N)
        return np.bincount(owner_F, values_F, len(self.count_N)).astype(np.float64)


def grams(adapter: Adapter, texts: Sequence[str]) -> Grams:
    """The n-grams of canonical texts."""
    if adapter.alphabet is not None:
        each = [np.concatenate([shingles(text.encode(), width) for width in _RUNS]) for text in texts]
    else:
        each = [_of_words(words(adapter, text)) for text in texts]
    return Grams(np.concatenate([np.empty(0, np.uint64), *each]), np.array([len(hashes) for hashes in each], np.int64))


def spelled(adapter: Adapter, text: str) -> list[str]:
    """The n-grams of a text as people read them, in the order of ``grams``."""
    if adapter.alphabet is not None:
        data = text.encode()
        return [data[start : start + width].decode(errors="replace") for width in _RUNS for start in range(len(data) - width + 1)]
    found = words(adapter, text)
    return [*found, *(f"{one} {other}" for one, other in pairwise(found))]


def words(adapter: Adapter, text: str) -> list[str]:
    """The words of a text in lower case."""
    return [text[start:end].lower() for start, end in adapter.units(text, "word").tolist()]


def _of_words(found: list[str]) -> Hashes:
    ones = mixed(np.fromiter((crc32(word.encode()) for word in found), np.uint64, len(found)))
    return np.concatenate([ones, mixed(ones[:-1] * _PAIR + ones[1:])])
