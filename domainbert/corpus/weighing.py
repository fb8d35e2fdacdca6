"""Importance weights of a pool's records: how likely their n-grams are in a small sample, and how likely in the pool."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.corpus.density import Density
from domainbert.corpus.ngrams import NUM_BUCKETS, Grams, grams
from domainbert.corpus.prepare import Prepared
from domainbert.corpus.rows import Rows

Floats = NDArray[np.float64]


class Weighing:
    """How likely n-grams are in the sample and in the pool.

    Args:
        adapter: of both.
        counts: n-grams by bucket, of the sample and of the pool.
        num_sample: records.
        num_pool: records.
        density: of the pool.
    """

    def __init__(self, adapter: Adapter, counts: tuple[Floats, Floats], num_sample: int, num_pool: int, density: Density) -> None:
        self.adapter, self.num_sample, self.num_pool, self.density = adapter, num_sample, num_pool, density
        self.sample_p, self.pool_p = (probabilities(each) for each in counts)
        self.ratio = np.log(self.sample_p) - np.log(self.pool_p)

    @classmethod
    def of(cls, adapter: Adapter, pool: Prepared, sample: Prepared) -> "Weighing":
        """Counted in one pass over each."""
        counts, numbers, density = (np.zeros(NUM_BUCKETS), np.zeros(NUM_BUCKETS)), [0, 0], Density()
        for place, prepared in enumerate((sample, pool)):
            for rows in prepared.rows():
                its = grams(adapter, rows.texts())
                counts[place][:] += np.bincount(its.buckets_F(), minlength=NUM_BUCKETS)
                numbers[place] += len(rows.pieces)
                if place:
                    density.add(its)
        return cls(adapter, counts, numbers[0], numbers[1], density)

    def through(self, prepared: Prepared) -> Iterator[tuple[Rows, Grams]]:
        """Every record with its n-grams, in batches."""
        for rows in prepared.rows():
            yield rows, grams(self.adapter, rows.texts())

    def log_weights(self, its: Grams, diversity: float = 0.0) -> Floats:
        """Log importance weight of each record, less ``diversity`` times the log of its density."""
        weights = its.sums_N(self.ratio[its.buckets_F()])
        if diversity:
            weights -= diversity * np.log(self.density.of(its))
        return weights


def probabilities(counts: Floats) -> Floats:
    """Of the buckets; each is seen once more than it was, so that what a small sample lacks is not impossible (Laplace)."""
    smoothed: Floats = (counts + 1) / (counts.sum() + len(counts))
    return smoothed
