"""From samples to what the model reads: tokens laid end to end, corrupted, cut into micro-batches without padding.

T tokens of the batch, N samples, S selected positions.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.corpus.store import TokenStore
from domainbert.corruption.random_bits import key, uniform
from domainbert.corruption.replace import replace
from domainbert.corruption.select import SELECT, Candidates
from domainbert.engine.order import Ints, Samples
from domainbert.engine.windows import Window, read_windows
from domainbert.recipe.schema import Corruption, Ramp
from domainbert.tokenization.spans import Vocabulary, read_vocabulary, second_halves

if TYPE_CHECKING:
    from domainbert.engine.reading import Reader, Reading

_SPARED = 6  # of keys, beside those of select, replace and companions


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples as the model reads them, with special tokens.

    Args:
        input_ids_T: corrupted ids.
        labels_T: what is to be predicted at selected positions, -100 elsewhere: the original ids of hidden tokens, or the tokens behind.
        position_T: place of each token in its sample.
        length_N: tokens of each sample, special ones included.
        source_N: number of each sample's source; ``None`` where nobody asks.
        label_N: label of each sample that is a whole record, nan for none; ``None`` where nobody asks.
        others: the same samples as companions read them, by the companion's name.
        second_N: place in each sample where its second half begins, 0 for none; ``None`` where nobody asks.
    """

    input_ids_T: Ints
    labels_T: Ints
    position_T: Ints
    length_N: Ints
    source_N: Ints | None = None
    label_N: NDArray[np.float64] | None = None
    others: Mapping[str, "Reading"] = field(default_factory=dict)
    second_N: Ints | None = None

    @property
    def num_selected(self) -> int:
        """Positions to predict."""
        return int(np.count_nonzero(self.labels_T >= 0))

    @property
    def sample_T(self) -> Ints:
        """Number of the sample that each token belongs to."""
        return np.repeat(np.arange(len(self.length_N)), self.length_N)

    def visible(self) -> "Batch":
        """The tokens that are not hidden, in their places; companions' readings are left out."""
        kept = self.labels_T < 0
        length_N = np.bincount(self.sample_T[kept], minlength=len(self.length_N))
        return Batch(self.input_ids_T[kept], self.labels_T[kept], self.position_T[kept], length_N)

    def take(self, rows: Ints) -> "Batch":
        """Some of the samples, in the order given."""
        starts = np.cumsum(self.length_N) - self.length_N
        index = ranges(starts[rows], self.length_N[rows])
        return Batch(
            self.input_ids_T[index], self.labels_T[index], self.position_T[index], self.length_N[rows],
            None if self.source_N is None else self.source_N[rows],
            None if self.label_N is None else self.label_N[rows],
            {name: reading.take(rows) for name, reading in self.others.items()},
            None if self.second_N is None else self.second_N[rows],
        )  # fmt: skip


class BatchMaker:
    """Reads samples from token stores and corrupts them.

    Args:
        stores: the stores that samples' ``source`` counts in.
        adapters: the adapter of each store, for its units.
        vocabulary: of the tokenizer that made the stores.
        readers: of the companions, by name.
    """

    def __init__(
        self,
        stores: Sequence[TokenStore],
        adapters: Sequence[Adapter],
        vocabulary: Vocabulary,
        readers: "Mapping[str, Reader] | None" = None,
    ) -> None:
        self.stores, self.adapters, self.vocabulary, self.readers = stores, adapters, vocabulary, readers or {}
        names = [adapter.name for adapter in adapters]
        # Each domain's own targets, where general text is mixed in by another adapter.
        own = dict.fromkeys(names, vocabulary)
        if len(own) > 1:
            own = {name: read_vocabulary(stores[0].tokenizer, adapter) for name, adapter in zip(names, adapters, strict=True)}
        self._domains = [(each, np.array(names) == name) for name, each in own.items()]

    def clean(self, samples: Samples) -> tuple[Ints, Ints]:
        """Ids of the samples laid end to end, with special tokens, and the length of each sample."""
        prefix, suffix = len(self.vocabulary.prefix), len(self.vocabulary.suffix)
        length_N = samples.length + prefix + suffix
        ids_T = np.empty(int(length_N.sum()), np.int64)
        starts = np.cumsum(length_N) - length_N
        for offset, token in enumerate(self.vocabulary.prefix):
            ids_T[starts + offset] = token
        for offset, token in enumerate(self.vocabulary.suffix):
            ids_T[starts + prefix + samples.length + offset] = token
        for number, store in enumerate(self.stores):
            rows = samples.source == number
            first = store.offsets[samples.record[rows]].astype(np.int64) + samples.start[rows]
            ids_T[ranges(starts[rows] + prefix, samples.length[rows])] = store.tokens[ranges(first, samples.length[rows])]
        return ids_T, length_N

    def corrupted(
        self, samples: Samples, corruption: Corruption, *, progress: float, companions: Collection[str] = (), labelled: bool = False
    ) -> Batch:
        """The samples with some of their targets hidden.

        Args:
            samples: which windows.
            corruption: how.
            progress: how much of the stage is done, 0..1, for a rate that changes.
            companions: which of them read the samples too.
            labelled: whether labels are wanted, and where second halves begin.
        """
        ids_T, length_N = self.clean(samples)
        sample_T = np.repeat(np.arange(len(length_N)), length_N)
        position_T = ranges(np.zeros_like(length_N), length_N)
        windows = read_windows(self.stores, self.vocabulary, samples) if companions or corruption.select != "uniform" else []
        readings = {name: self.readers[name].read(samples, windows, prefix=len(self.vocabulary.prefix)) for name in companions}
        target_T = self._targets(ids_T, samples.source[sample_T]) & self._content(position_T, length_N, sample_T)
        if corruption.options.get("only"):
            target_T &= self._in_units(samples, windows, str(corruption.options["unit"]))
        label_N = self._labels(samples) if labelled else None
        if label_N is not None and corruption.spare:
            spared_N = np.isfinite(label_N) & (uniform(key(samples.keys, _SPARED), 0) < corruption.spare)
            target_T &= ~spared_N[sample_T]
        candidates = Candidates(
            sample_T,
            position_T,
            target_T,
            self._weights(samples, length_N),
            None if corruption.select == "uniform" else self._units(samples, windows, readings, corruption),
            samples.keys,
        )
        chosen_T = SELECT[corruption.select](candidates, sample_rates(corruption.rate, samples, progress))
        corrupted_T = ids_T
        for vocabulary, sources in self._domains:
            corrupted_T = replace(
                corrupted_T,
                chosen_T=chosen_T & sources[samples.source][sample_T],
                sample_T=sample_T,
                position_T=position_T,
                key_N=samples.keys,
                mask=corruption.mask,
                random=corruption.random,
                mask_id=self.vocabulary.mask_id,
                alphabet=vocabulary.alphabet,
            )
        starts = np.cumsum(length_N) - length_N
        return Batch(
            corrupted_T, np.where(chosen_T, ids_T, -100), position_T, length_N, samples.source,
            label_N,
            {name: reading.hidden_with(chosen_T, starts, self.readers[name].mask_id) for name, reading in readings.items()},
            self._second_halves(ids_T, length_N, samples.source) if labelled else None,
        )  # fmt: skip

    def following(self, samples: Samples) -> Batch:
        """The samples as they are; the label of each position is the token behind it, where that one is a target.

        Args:
            samples: which windows.
        """
        ids_T, length_N = self.clean(samples)
        sample_T = np.repeat(np.arange(len(length_N)), length_N)
        position_T = ranges(np.zeros_like(length_N), length_N)
        target_T = self._targets(ids_T, samples.source[sample_T]) & self._content(position_T, length_N, sample_T) & (position_T > 0)
        labels_T = np.full_like(ids_T, -100)
        labels_T[:-1] = np.where(target_T[1:], ids_T[1:], -100)
        return Batch(ids_T, labels_T, position_T, length_N, samples.source)

    def _targets(self, ids_T: Ints, source_T: Ints) -> NDArray[np.bool_]:
        """Whether each token may be hidden and predicted in the domain of its source."""
        target_T = np.zeros(len(ids_T), bool)
        for vocabulary, sources in self._domains:
            target_T |= sources[source_T] & vocabulary.targets[ids_T]
        return target_T

    def _content(self, position_T: Ints, length_N: Ints, sample_T: Ints) -> NDArray[np.bool_]:
        """Whether a token is the sample's own, not one of the special tokens around it."""
        prefix, suffix = len(self.vocabulary.prefix), len(self.vocabulary.suffix)
        content: NDArray[np.bool_] = (position_T >= prefix) & (position_T < (length_N - suffix)[sample_T])
        return content

    def _weights(self, samples: Samples, length_N: Ints) -> NDArray[np.float64] | None:
        if all(store.weights is None for store in self.stores):
            return None
        weight_T = np.ones(int(length_N.sum()))
        starts = np.cumsum(length_N) - length_N + len(self.vocabulary.prefix)
        for number, store in enumerate(self.stores):
            if store.weights is not None:
                rows = samples.source == number
                first = store.offsets[samples.record[rows]].astype(np.int64) + samples.start[rows]
                stored = store.weights[ranges(first, samples.length[rows])]
                weight_T[ranges(starts[rows], samples.length[rows])] = stored / 255.0
        return weight_T

    def _labels(self, samples: Samples) -> NDArray[np.float64]:
        """Labels of the samples that are whole records; a part of a record has none."""
        label_N = np.full(len(samples), np.nan)
        for number, store in enumerate(self.stores):
            rows = np.flatnonzero(samples.source == number)
            record = samples.record[rows]
            whole = samples.length[rows] == store.num_tokens(record)
            label_N[rows[whole]] = store.labels[record[whole]]
        return label_N

    def _second_halves(self, ids_T: Ints, length_N: Ints, source_N: Ints) -> Ints:
        """Where the second half of each sample begins by the separator of its source's domain, 0 for none."""
        second_N = np.zeros_like(length_N)
        for vocabulary, sources in self._domains:
            second_N = np.where(sources[source_N], second_halves(ids_T, length_N, vocabulary), second_N)
        return second_N

    def _in_units(self, samples: Samples, windows: Sequence[Window], unit: str) -> NDArray[np.bool_]:
        """Whether each token touches a unit."""
        prefix, suffix = np.zeros(len(self.vocabulary.prefix), bool), np.zeros(len(self.vocabulary.suffix), bool)
        parts: list[NDArray[np.bool_]] = []
        for row, window in enumerate(windows):
            units = self.adapters[int(samples.source[row])].units(window.text, unit)
            parts += [prefix, tokens_in(window.spans, units), suffix]
        return np.concatenate(parts)

    def _units(
        self, samples: Samples, windows: Sequence[Window], readings: "Mapping[str, Reading]", corruption: Corruption
    ) -> Ints:
        """Number of the unit that each token lies in; units that share a token are one."""
        prefix, suffix = len(self.vocabulary.prefix), len(self.vocabulary.suffix)
        parts: list[Ints] = []
        last = 0
        for row, window in enumerate(windows):
            if corruption.select == "companion":
                units = readings[str(corruption.options["companion"])].spans[row]
            else:
                units = self.adapters[int(samples.source[row])].units(window.text, str(corruption.options["unit"]))
            numbers = group_tokens(window.spans, units)
            parts += [np.full(prefix, last), last + 1 + numbers, np.full(suffix, last + int(numbers[-1]) + 2)]
            last += int(numbers[-1]) + 2
        return np.concatenate(parts)


def tokens_in(spans: Ints, units: Ints) -> NDArray[np.bool_]:
    """Whether each token touches a unit; arguments as for ``group_tokens``."""
    first = np.searchsorted(units[:, 1], spans[:, 0], side="right")
    last = np.searchsorted(units[:, 0], spans[:, 1], side="left") - 1
    inside: NDArray[np.bool_] = last >= first
    return inside


def group_tokens(spans: Ints, units: Ints) -> Ints:
    """Number each token by the unit it touches; units that a token straddles become one group, as do tokens of one unit.

    Args:
        spans: start and end character of each token, ascending, ``(T, 2)``.
        units: start and end character of each unit, ascending, ``(U, 2)``.

    Returns:
        Group numbers, ascending from 0, ``(T,)``. A token outside all units is a group of its own.
    """
    first = np.searchsorted(units[:, 1], spans[:, 0], side="right")
    last = np.searchsorted(units[:, 0], spans[:, 1], side="left") - 1
    outside = ~tokens_in(spans, units)
    joins_previous = np.zeros(len(spans), bool)
    reach = np.maximum.accumulate(np.where(outside, -1, last))
    joins_previous[1:] = ~outside[1:] & (first[1:] <= reach[:-1])
    return np.cumsum(~joins_previous) - 1


def micro_batches(batch: Batch, *, budget: int, num_ranks: int = 1) -> list[list[Ints]]:
    """Deal a batch's samples to ranks and micro-batches.

    Samples of like length come together, which is what per-sequence attention is fastest on. Every rank gets the same number of
    micro-batches (collective operations need that); a rank with nothing left gets an empty one.

    Args:
        batch: the step.
        budget: most tokens of a micro-batch; a longer sample has one to itself.
        num_ranks: processes that share the step.

    Returns:
        For each rank its micro-batches as sample numbers.
    """
    by_length = np.argsort(batch.length_N, kind="stable").tolist()
    dealt = [_pack(by_length[rank::num_ranks], batch.length_N, budget) for rank in range(num_ranks)]
    most = max(len(mine) for mine in dealt)
    return [mine + [np.empty(0, np.int64)] * (most - len(mine)) for mine in dealt]


def _pack(rows: list[int], length_N: Ints, budget: int) -> list[Ints]:
    """Cut a process's samples into micro-batches that fit the budget."""
    packs: list[list[int]] = []
    room = 0
    for row in rows:
        if packs and length_N[row] <= room:
            packs[-1].append(row)
        else:
            packs.append([row])
            room = budget
        room -= int(length_N[row])
    return [np.array(pack) for pack in packs]


def sample_rates(rate: float | Ramp, samples: Samples, progress: float) -> NDArray[np.float64]:
    """Share of targets that each sample hides."""
    if not isinstance(rate, Ramp):
        return np.full(len(samples), rate)
    if rate.shape == "linear":
        return np.full(len(samples), rate.start + (rate.end - rate.start) * progress)
    return rate.start + (rate.end - rate.start) * uniform(samples.keys, 0)


def ranges(starts: Ints, lengths: Ints) -> Ints:
    """``start, start + 1, ...`` for each pair, end to end."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(total)
