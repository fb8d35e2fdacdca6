"""Keeps of a large pool the records that are most like a small sample of the domain: importance resampling on hashed n-grams.

DSIR, Xie et al. 2023 (arXiv 2302.03169). Sample and pool are bags of n-grams with probabilities p and q; a record with counts z has the
importance weight log w = sum z log(p / q). Gumbel top-k (section 3.2 there) draws k records without replacement in proportion to w. The
diversity term divides w by the density of the record's neighbourhood in the pool, to a power. Memory does not grow with the pool, which
is staged on disk and gone through three times.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Record
from domainbert.corpus.density import Density
from domainbert.corpus.ngrams import NUM_BUCKETS, Grams, grams, spelled
from domainbert.corpus.prepare import Prepared, prepare
from domainbert.corpus.rows import Rows
from domainbert.corpus.shingles import mixed
from domainbert.corpus.staging import Report
from domainbert.durable import whole_file
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

FORMATS = (".jsonl", ".fa", ".txt")
_SHOWN = 10  # n-grams that the report names
_ENOUGH = 100  # occurrences of an n-gram's bucket that give it its name
_CHUNK = 1 << 20
_TOP = 48

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Choice:
    """How much is kept, and how.

    Args:
        keep: records; below 1 a share of the pool.
        diversity: power of the density that weights are divided by; 0 for the importance alone.
        seed: of the draw.
    """

    keep: float
    diversity: float = 0.0
    seed: int = 0


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
        divergence: Kullback-Leibler divergence of the sample's n-grams from the pool's and from the kept ones', in nats (section 5 of Xie
            et al. 2023: what it falls by goes with what is gained downstream).
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


def select(adapter: Adapter, pool: Corpus, sample: Corpus, output: Path, *, choice: Choice, report: Report) -> Selection:
    """Write the kept records of a pool, in the pool's order, as canonical text; the file is whole or absent.

    Args:
        adapter: reads both.
        pool: what is chosen from.
        sample: what it is to be like.
        output: ``.jsonl`` (with id, group and log weight), ``.fa`` or ``.txt`` (one record a line).
        choice: how much is kept.
        report: called with a phase and the characters done in it.

    Raises:
        CorpusError: a source cannot be read, or the pool holds fewer records than are to be kept.
    """
    with TemporaryDirectory(prefix="domainbert-") as place, whole_file(output) as partial:
        folders = Path(place) / "pool", Path(place) / "sample"
        for folder in folders:
            folder.mkdir()
        small = prepare(adapter, sample, folders[1], seed=choice.seed, report=report)
        large = prepare(adapter, pool, folders[0], seed=choice.seed, report=report)
        weighing = Weighing.of(adapter, large, small)
        keys = np.memmap(Path(place) / "keys", np.float64, "w+", shape=(weighing.num_pool,))
        done = 0
        for rows, its in weighing.through(large):
            keys[done : done + len(rows.pieces)] = weighing.log_weights(its, choice.diversity) + gumbel(choice.seed, done, len(rows.pieces))
            done += len(rows.pieces)
        wanted = round(choice.keep if choice.keep >= 1 else choice.keep * weighing.num_pool)
        if not 1 <= wanted <= weighing.num_pool:
            raise CorpusError(f"{wanted:,} records are to be kept, the pool has {weighing.num_pool:,}; change --keep")
        return _write(partial, output.suffix, weighing, large, keys, wanted)


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


def gumbel(seed: int, start: int, count: int) -> Floats:
    """Standard Gumbel noise of ``count`` records from number ``start`` on: a function of seed and number."""
    bits = mixed(np.arange(start, start + count, dtype=np.uint64) + mixed(np.array([seed + 1], np.uint64)))
    noise: Floats = -np.log(-np.log((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53 + 2.0**-54))
    return noise


class Border:
    """Which keys are the ``wanted`` largest: those above a border, and of those equal to it the first ones.

    Found by counting 16 bits at a time, so that memory does not grow with the keys.
    """

    def __init__(self, keys: Floats, wanted: int) -> None:
        self._border, self._equal = 0, wanted
        for shift in (48, 32, 16, 0):
            counts = np.zeros(1 << 16, np.int64)
            for start in range(0, len(keys), _CHUNK):
                bits = _sortable(keys[start : start + _CHUNK])
                here = bits if shift == _TOP else bits[bits >> np.uint64(shift + 16) == self._border]
                counts += np.bincount((here >> np.uint64(shift) & np.uint64(0xFFFF)).astype(np.int64), minlength=1 << 16)
            above = np.cumsum(counts[::-1])
            place = int(np.searchsorted(above, self._equal))
            self._equal -= int(above[place - 1]) if place else 0
            self._border = self._border << 16 | (0xFFFF - place)

    def inside(self, keys: Floats) -> Flags:
        """Whether each of the next keys is among them; to be asked in order."""
        bits = _sortable(keys)
        equal = bits == self._border
        taken: Flags = (bits > self._border) | (equal & (np.cumsum(equal) <= self._equal))
        self._equal -= int((taken & equal).sum())
        return taken


def _sortable(keys: Floats) -> NDArray[np.uint64]:
    """Whole numbers in the order of the keys."""
    bits = np.ascontiguousarray(keys).view(np.uint64)
    return np.where(bits >> np.uint64(63) == 1, ~bits, bits | np.uint64(1 << 63))


def _write(partial: Path, format: str, weighing: Weighing, pool: Prepared, keys: Floats, wanted: int) -> Selection:
    """The kept records, and what there is to say of them."""
    border, tally, names = Border(keys, wanted), Tally(), Names(weighing)
    done = 0
    with partial.open("w", encoding="utf-8") as file:
        for rows, its in weighing.through(pool):
            kept = border.inside(keys[done : done + len(rows.pieces)])
            done += len(rows.pieces)
            weights = weighing.log_weights(its)
            tally.add(rows, its, kept, weights, weighing.density.of(its))
            names.add(rows, its)
            for record, weight in zip(rows.where(kept).records() if kept.any() else (), weights[kept], strict=True):
                file.write(_spell(record, float(weight), format))
    return tally.selection(weighing, pool, names)


def _spell(record: Record, weight: float, format: str) -> str:
    if format == ".fa":
        return f">{record.id} {record.group}\n{record.text}\n"
    if format == ".txt":
        return " ".join(record.text.split()) + "\n"
    fields = {"id": record.id, "text": record.text, "group": record.group, "log_weight": round(weight, 6)}
    return json.dumps(fields, ensure_ascii=False) + "\n"


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


def _pair(values: "NDArray[Any]") -> dict[str, Any]:
    return {"pool": values[0].item(), "kept": values[1].item()}


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
