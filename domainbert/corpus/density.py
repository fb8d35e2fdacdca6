"""How crowded a text's neighbourhood is, in one pass and constant memory: a RACE sketch.

Coleman and Shrivastava 2020 (arXiv 1912.02283), and Coleman et al. 2022 (One-pass diversified sampling, ICML), who sample a stream
with weights of one over such a density. Each of ``NUM_ROWS`` tables counts how often a hash came up under which two texts collide with a
probability of the square of the Jaccard similarity of their n-grams; the mean count estimates the sum of those similarities.
"""

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.ngrams import Grams
from domainbert.corpus.shingles import mixed

NUM_ROWS, NUM_COLUMNS = 8, 1 << 16
_SALTS = mixed(np.arange(1, 2 * NUM_ROWS + 1, dtype=np.uint64))
_JOIN = np.uint64(0x9E3779B97F4A7C15)


class Density:
    """Counts over a stream of texts."""

    def __init__(self) -> None:
        self._counts = np.zeros((NUM_ROWS, NUM_COLUMNS), np.int64)

    def add(self, grams: Grams) -> None:
        """Count some texts."""
        for row, column_N in enumerate(_columns(grams)):
            np.add.at(self._counts[row], column_N, 1)

    def of(self, grams: Grams) -> NDArray[np.float64]:
        """About how many of the counted texts are like each; 1 and more for a text that was counted."""
        columns_RN = _columns(grams)
        found: NDArray[np.float64] = np.take_along_axis(self._counts, columns_RN, 1).mean(0)
        return found


def _columns(grams: Grams) -> NDArray[np.int64]:
    """Where each text is counted, by row: two minima of its hashes, taken together."""
    ends = np.cumsum(grams.count_N)
    filled = grams.count_N > 0
    starts = (ends - grams.count_N)[filled]
    minima = np.zeros((len(_SALTS), len(grams.count_N)), np.uint64)
    for place, salt in enumerate(_SALTS):
        if len(starts):
            minima[place, filled] = np.minimum.reduceat(mixed(grams.hashes_F ^ salt), starts)
    joined = mixed(minima[::2] * _JOIN + minima[1::2])
    return (joined % np.uint64(NUM_COLUMNS)).astype(np.int64)
