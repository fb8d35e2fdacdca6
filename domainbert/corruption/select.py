"""Which positions are hidden: a function of the sample's key, its tokens and the rate; nothing else.

T tokens of a batch of samples laid end to end, N samples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainbert.corruption.random_bits import Bits, key, uniform

_CHOOSE, _ROUND = 1, 2


@dataclass(frozen=True, slots=True)
class Candidates:
    """Tokens of a batch of samples, and which of them may be hidden.

    Args:
        sample_T: sample number of each token, ascending from 0.
        position_T: place of each token in its sample.
        target_T: whether the token may be hidden.
        weight_T: how readily it is chosen, 0..1; ``None`` for 1 everywhere.
        unit_T: number of the unit that each token belongs to, unique within the batch and ascending; ``None`` where
            every token is its own.
        key_N: one key a sample.
    """

    sample_T: NDArray[np.int64]
    position_T: NDArray[np.int64]
    target_T: NDArray[np.bool_]
    weight_T: NDArray[np.float64] | None
    unit_T: NDArray[np.int64] | None
    key_N: Bits


@dataclass(frozen=True, slots=True)
class UniformOptions:
    """``select = "uniform"``: every token alike."""


@dataclass(frozen=True, slots=True)
class UnitOptions:
    """``select = "unit"``: whole units of the adapter, such as a k-mer or a word.

    Args:
        unit: one of the adapter's.
        only: whether nothing outside such units is hidden; else a token that lies in none is a unit of its own.
    """

    unit: str = ""
    only: bool = False


@dataclass(frozen=True, slots=True)
class CompanionOptions:
    """``select = "companion"``: whole tokens of a companion's tokenizer, so that both models hide the same characters."""

    companion: str = "teacher"


def select_uniform(candidates: Candidates, rate_N: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Hide a share of each sample's targets, each as likely as its weight says.

    A sample of n targets hides n times the rate, rounded up or down at random so that the mean is exact.

    Args:
        candidates: the tokens.
        rate_N: share of its targets that each sample hides, 0..1.

    Returns:
        Whether each token is hidden, ``(T,)``.
    """
    chosen = np.zeros(len(candidates.sample_T), bool)
    rows = np.flatnonzero(candidates.target_T)
    weight = None if candidates.weight_T is None else candidates.weight_T[rows]
    chosen[rows] = _share(candidates.sample_T[rows], candidates.position_T[rows], weight, candidates.key_N, rate_N)
    return chosen


def select_unit(candidates: Candidates, rate_N: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Hide a share of each sample's units: every target of a chosen unit, so that no half of it gives the rest away."""
    if candidates.unit_T is None:
        return select_uniform(candidates, rate_N)
    chosen = np.zeros(len(candidates.sample_T), bool)
    rows = np.flatnonzero(candidates.target_T)
    units, first, inverse = np.unique(candidates.unit_T[rows], return_index=True, return_inverse=True)
    if not len(units):
        return chosen
    weight = None
    if candidates.weight_T is not None:
        # A unit is as readily chosen as its least wanted token, or a down-weighted base would come in with its neighbours.
        weight = np.minimum.reduceat(candidates.weight_T[rows], first)
    picked = _share(candidates.sample_T[rows][first], candidates.position_T[rows][first], weight, candidates.key_N, rate_N)
    chosen[rows] = picked[inverse]
    return chosen


def _share(
    sample: NDArray[np.int64],
    position: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
    key_N: Bits,
    rate_N: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Choose ``rate`` of each sample's entries, those with the smallest random number.

    Weights below 1 count as less than an entry, so the number chosen falls with them, and they are chosen later.
    """
    num_samples = len(key_N)
    value = uniform(key(key_N, _CHOOSE)[sample], position)
    counts = np.bincount(sample, weights=weight, minlength=num_samples)
    wanted = np.floor(counts * rate_N + uniform(key(key_N, _ROUND), 0)).astype(np.int64)
    if weight is not None:
        # Efraimidis and Spirakis 2006, algorithm A: the largest u**(1/w) are a weighted sample without replacement.
        with np.errstate(divide="ignore"):
            value = np.where(weight > 0, -np.log1p(-value) / weight, np.inf)
    order = np.lexsort((value, sample))
    starts = np.concatenate(([0], np.cumsum(np.bincount(sample, minlength=num_samples))))
    rank = np.empty(len(sample), np.int64)
    rank[order] = np.arange(len(sample)) - starts[sample[order]]
    chosen: NDArray[np.bool_] = (rank < wanted[sample]) & np.isfinite(value)
    return chosen


Select = Callable[[Candidates, NDArray[np.float64]], NDArray[np.bool_]]

SELECTORS: dict[str, type[Any]] = {"uniform": UniformOptions, "unit": UnitOptions, "companion": CompanionOptions}
SELECT: dict[str, Select] = {"uniform": select_uniform, "unit": select_unit, "companion": select_unit}
