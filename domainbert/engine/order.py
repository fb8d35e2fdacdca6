"""Which samples a step trains on: a function of (seed, step), with nothing to remember between steps.

A *sample* is a window of a record: records that fit in ``max_length`` are one sample each, longer ones are tiled anew every
epoch from a random phase, so that every token is seen exactly once an epoch and window borders move. Samples are visited in a
random order for each epoch; a *slot* is a place in that endless sequence. Steps take whole slots while they fit in the token
budget; the tail of an epoch joins the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domainbert.corruption.random_bits import Bits, below, key, permute, uniform

CHUNK = 1 << 15
_KEPT_CHUNKS = 3  # steps go forward, and a step rarely spans more than two
_ORDER, _PHASE, _MIX = 11, 12, 13  # purposes of keys that are no sample's; source numbers leave them out

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Samples:
    """Windows of records, one entry a sample.

    Args:
        source: number of the source.
        record: record number in the source's store.
        start: first token of the window in the record.
        length: tokens of the window, without special tokens; 0 for an empty window.
        keys: one key a sample, from (seed, source, epoch, sample): all its randomness.
    """

    source: Ints
    record: Ints
    start: Ints
    length: Ints
    keys: Bits

    def __len__(self) -> int:
        return len(self.record)

    def take(self, rows: Ints | NDArray[np.bool_]) -> "Samples":
        """Some of the samples, in the order given."""
        return Samples(self.source[rows], self.record[rows], self.start[rows], self.length[rows], self.keys[rows])


class Source:
    """The records of one store that training draws from.

    Args:
        number: the source's place in the recipe; part of its samples' keys.
        records: record numbers, ascending.
        lengths: their tokens, without special ones.
        capacity: most tokens of a sample, without special ones.
        seed: of the run.
    """

    def __init__(self, number: int, records: Ints, lengths: Ints, *, capacity: int, seed: int) -> None:
        self.number, self.records, self.lengths, self.capacity, self.seed = number, records, lengths, capacity, seed
        self._name = number if number < _ORDER else number + _MIX - _ORDER + 1  # in keys
        num_windows = np.where(lengths <= capacity, 1, -(-lengths // capacity) + 1)
        self._ends = np.cumsum(num_windows)
        self.num_samples = int(self._ends[-1]) if len(records) else 0
        self.num_tokens = int(lengths.sum())

    def locate(self, count: Ints) -> Samples:
        """The samples at places ``count`` of the source's endless sequence."""
        epoch, place = np.divmod(count, self.num_samples)
        sample = permute(place, self.num_samples, key(self.seed, _ORDER, self._name, epoch))
        row = np.searchsorted(self._ends, sample, side="right")
        total = self.lengths[row]
        window = sample - np.where(row > 0, self._ends[row - 1], 0)
        # Only records of several windows have a phase; the first window then ends at it.
        phase = below(key(self.seed, _PHASE, self._name, epoch), self.records[row], self.capacity)
        long = total > self.capacity
        start = np.where(long, np.minimum(np.maximum(phase + (window - 1) * self.capacity, 0), total), 0)
        end = np.where(long, np.minimum(phase + window * self.capacity, total), total)
        keys = np.broadcast_to(key(self.seed, self._name, epoch, sample), count.shape)
        return Samples(np.full(len(count), self.number), self.records[row], start, end - start, keys)


class Slots:
    """The endless sequence of samples of one stage, mixed from several sources by weight.

    Args:
        sources: where samples come from.
        weights: share of tokens from each source.
        begin: samples already taken from each source by earlier stages.
        seed: of the run.
        stage: number of the stage.

    ``chances`` are each source's share of the slots.
    """

    def __init__(self, sources: Sequence[Source], weights: Sequence[float], *, begin: Ints, seed: int, stage: int) -> None:
        self.sources = sources
        mean_tokens = np.array([source.num_tokens / max(1, source.num_samples) for source in sources])
        chances = np.asarray(weights, float) / np.maximum(mean_tokens, 1e-9)
        self.chances = (chances / chances.sum()).tolist()
        self._edges = np.cumsum(self.chances)
        self._key = key(seed, _MIX, stage)
        self._begin = [begin.astype(np.int64)]  # samples taken from each source before each chunk
        self._cache: dict[int, Samples] = {}

    def chunk(self, number: int) -> Samples:
        """Slots ``number * CHUNK`` to the next chunk."""
        if number not in self._cache:
            if len(self._cache) >= _KEPT_CHUNKS:
                self._cache.pop(min(self._cache))
            self._cache[number] = self._locate(number)
        return self._cache[number]

    def slots(self, start: int, end: int) -> Samples:
        """Slots ``start`` to ``end``."""
        first = start // CHUNK
        parts = [self.chunk(number) for number in range(first, (end - 1) // CHUNK + 1)]
        whole = parts[0] if len(parts) == 1 else _concatenate(parts)
        return whole.take(np.arange(start - first * CHUNK, end - first * CHUNK))

    def counts_before(self, slot: int) -> Ints:
        """Samples taken from each source before a slot, earlier stages included."""
        number, rest = divmod(slot, CHUNK)
        choices = self._choices(number)[:rest]
        return self._begin_of(number) + np.bincount(choices, minlength=len(self.sources))

    def _choices(self, number: int) -> Ints:
        if len(self.sources) == 1:
            return np.zeros(CHUNK, np.int64)
        numbers = number * CHUNK + np.arange(CHUNK)
        return np.minimum(np.searchsorted(self._edges, uniform(self._key, numbers), side="right"), len(self.sources) - 1)

    def _begin_of(self, number: int) -> Ints:
        while len(self._begin) <= number:
            taken = np.bincount(self._choices(len(self._begin) - 1), minlength=len(self.sources))
            self._begin.append(self._begin[-1] + taken)
        return self._begin[number]

    def _locate(self, number: int) -> Samples:
        choices, begin = self._choices(number), self._begin_of(number)
        parts, rows = [], []
        for index, source in enumerate(self.sources):
            chosen = np.flatnonzero(choices == index)
            parts.append(source.locate(begin[index] + np.arange(len(chosen))))
            rows.append(chosen)
        return _concatenate(parts).take(np.argsort(np.concatenate(rows)))


class StepPlan:
    """Cuts a stage's slots into steps of at most ``batch_tokens`` tokens.

    Args:
        slots: the stage's samples.
        batch_tokens: budget of one step, special tokens counted.
        num_special: special tokens around each sample.
    """

    def __init__(self, slots: Slots, *, batch_tokens: int, num_special: int) -> None:
        self.slots, self.batch_tokens, self.num_special = slots, batch_tokens, num_special
        self._starts = [0]
        self._open_tokens = 0  # tokens of the step that the last scanned chunk left open
        self._next_chunk = 0

    def step(self, number: int) -> Samples:
        """The samples of one step, counted from the stage's beginning; empty windows left out."""
        samples = self.slots.slots(self.start(number), self.start(number + 1))
        return samples.take(samples.length > 0)

    def start(self, number: int) -> int:
        """The slot at which a step begins."""
        while len(self._starts) <= number:
            self._scan()
        return self._starts[number]

    def steps_until(self, slot: int) -> int:
        """How many steps begin before a slot: the steps that take everything before it."""
        while self._starts[-1] < slot:
            self._scan()
        return int(np.searchsorted(self._starts, slot, side="left"))

    def _scan(self) -> None:
        """Find the steps that begin inside the next chunk."""
        length = self.slots.chunk(self._next_chunk).length
        tokens = np.where(length > 0, length + self.num_special, 0)
        ends = np.cumsum(tokens)
        first, before = self._next_chunk * CHUNK, -self._open_tokens
        while (fits := int(np.searchsorted(ends, before + self.batch_tokens, side="right"))) < CHUNK:
            self._starts.append(first + fits)
            before = int(ends[fits - 1]) if fits else 0
        self._open_tokens = int(ends[-1]) - before
        self._next_chunk += 1


def _concatenate(parts: Sequence[Samples]) -> Samples:
    return Samples(
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.record for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.keys for part in parts]),
    )
