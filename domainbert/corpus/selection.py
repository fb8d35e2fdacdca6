"""What was kept of a pool, and why: counts, figures, and the n-grams that say most."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.ngrams import NUM_BUCKETS, Grams, spelled
from domainbert.corpus.prepare import Prepared
from domainbert.corpus.rows import Rows
from domainbert.corpus.weighing import Weighing, probabilities

_SHOWN = 10  # n-grams that the report names
_ENOUGH = 100  # occurrences of an n-gram's bucket that give it its name

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Selection:
    """What was kept and why.

    Args:
        num_pool: records of the pool, duplicates left out.
        num_sample: records of the sample.
        num_kept: records kept.
        characters: of pool and kept.
        drops: entries of the pool left out before, by reason.
        log_weight: mean log importance weight an n-gram of the kept and of all.
        divergence: Kullback-Leibler divergence of the sample's n-grams from the pool's and from the kept ones', in nats (Xie et
            al. 2023: what it falls by goes with what is gained downstream).
        density: mean neighbours of a record, of the kept and of all.
        files: by file of the pool, records and records kept.
        wanted: n-grams that the sample has more of than the pool, those that say most first.
        unwanted: n-grams that the pool has more of.
    """

    num_pool: int
    num_sample: int
    num_kept: int
    characters: dict[str, int]
    drops: dict[str, int]
    log_weight: dict[str, float]
    divergence: dict[str, float]
    density: dict[str, float]
    files: dict[str, tuple[int, int]]
    wanted: tuple[str, ...] = field(default=())
    unwanted: tuple[str, ...] = field(default=())


class Tally:
    """Sums over all records and over the kept ones, in that order."""

    def __init__(self) -> None:
        self.records, self.characters, self.grams = np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(2, np.int64)
        self.weight, self.density = np.zeros(2), np.zeros(2)
        self.kept_counts = np.zeros(NUM_BUCKETS)
        self.files: tuple[Counter[str], Counter[str]] = Counter(), Counter()

    def add(self, rows: Rows, its: Grams, kept: Flags, weights: Floats, density: Floats) -> None:
        """Count a batch."""
        files = np.array([dict(meta or ()).get("file", "") for meta in rows.origins["meta"].to_pylist()])
        for place, mask in enumerate((np.ones(len(kept), bool), kept)):
            self.records[place] += mask.sum()
            self.characters[place] += rows.pieces["characters"][mask].sum(dtype=np.int64)
            self.grams[place] += its.count_N[mask].sum()
            self.weight[place] += weights[mask].sum()
            self.density[place] += density[mask].sum()
            self.files[place].update(files[mask].tolist())
        self.kept_counts += np.bincount(its.buckets_F()[np.repeat(kept, its.count_N)], minlength=NUM_BUCKETS)

    def selection(self, weighing: Weighing, pool: Prepared, names: "Names") -> Selection:
        """The report."""
        share = probabilities(self.kept_counts)
        p = weighing.sample_p
        divergence = {name: float((p * np.log(p / q)).sum()) for name, q in (("pool", weighing.pool_p), ("kept", share))}
        return Selection(
            num_pool=weighing.num_pool, num_sample=weighing.num_sample, num_kept=int(self.records[1]),
            characters=_pair(self.characters), drops=dict(pool.drops.counts),
            log_weight=_pair(self.weight / np.maximum(self.grams, 1)), divergence=divergence,
            density=_pair(self.density / np.maximum(self.records, 1)),
            files={name: (count, self.files[1][name]) for name, count in sorted(self.files[0].items())},
            wanted=names.of(p * weighing.ratio), unwanted=names.of(-weighing.pool_p * weighing.ratio),
        )  # fmt: skip


class Names:
    """What the n-grams of the buckets that say most are called: a bucket by the n-gram of it that the pool holds most often."""

    def __init__(self, weighing: Weighing) -> None:
        self._adapter = weighing.adapter
        says = weighing.sample_p * weighing.ratio, -weighing.pool_p * weighing.ratio
        self._sought = np.unique(np.concatenate([np.argsort(-each)[:_SHOWN] for each in says]))
        self._seen: dict[int, Counter[str]] = {int(bucket): Counter() for bucket in self._sought}

    def add(self, rows: Rows, its: Grams) -> None:
        """Look for them in a batch, as long as few have been seen."""
        buckets_F = its.buckets_F()
        sought_F = np.isin(buckets_F, self._sought)
        ends = np.cumsum(its.count_N)
        texts = rows.texts()
        for row in np.flatnonzero(its.sums_N(sought_F.astype(np.float64)) > 0).tolist():
            if min(counter.total() for counter in self._seen.values()) >= _ENOUGH:
                return
            here = range(int(ends[row] - its.count_N[row]), int(ends[row]))
            names = spelled(self._adapter, texts[row])
            for place, name in zip(here, names, strict=True):
                if sought_F[place] and self._seen[int(buckets_F[place])].total() < _ENOUGH:
                    self._seen[int(buckets_F[place])][name] += 1

    def of(self, says: Floats) -> tuple[str, ...]:
        """The names of the buckets with the largest values."""
        found = [self._seen.get(int(bucket), Counter()).most_common(1) for bucket in np.argsort(-says)[:_SHOWN]]
        return tuple(names[0][0] for names in found if names)


def _pair(values: "NDArray[Any]") -> dict[str, Any]:
    return {"pool": values[0].item(), "kept": values[1].item()}
