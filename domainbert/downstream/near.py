"""Near duplicates between two sets of texts: candidates by MinHash bands, each confirmed by comparing all its strings.

Broder 1997 for the sketch; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4, for the bands.
"""

# S strings of a text, P permutations, N texts

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.evaluation.leakage import string_hashes

Hashes = NDArray[np.uint64]

BANDS, ROWS = 10, 3  # a pair that shares 80 % of its strings is a candidate with probability 0.999, one that shares 30 % with 0.24
THRESHOLD = 0.8
MAX_CANDIDATES = 32  # of one text and band
_BITS = 24  # of information in a string of letters: twelve bases, six residues
_TEXT_LENGTH = 5
_MULTIPLIERS = np.random.default_rng(0).integers(1, 2**63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def string_length(adapter: Adapter) -> int:
    """Length of the strings that two texts are compared by."""
    if adapter.alphabet is None:
        return _TEXT_LENGTH
    return max(_TEXT_LENGTH, round(_BITS / math.log2(len(adapter.alphabet.letters))))


def nearest(
    left: Sequence[str], right: Sequence[str], *, length: int, mirror: Callable[[str], str | None] | None = None
) -> dict[int, tuple[int, float]]:
    """For each text of ``right`` that has one, the text of ``left`` that shares most of its strings with it.

    Args:
        left: canonical texts.
        right: canonical texts.
        length: of the strings.
        mirror: another reading of a text; either counts.

    Returns:
        number in ``left`` and shared share (intersection over union), by number in ``right``; pairs below ``THRESHOLD`` are left out.
    """
    strings = [_strings(text, length) for text in left]
    sketches = _sketches(strings)
    order = np.argsort(sketches, axis=0, kind="stable")
    ordered = np.take_along_axis(sketches, order, axis=0)
    found: dict[int, tuple[int, float]] = {}
    for number, text in enumerate(right):
        for reading in (text, mirror(text) if mirror else None):
            if reading is None:
                continue
            own = _strings(reading, length)
            for candidate in _candidates(_sketches([own])[0], ordered, order):
                share = _share(own, strings[candidate])
                if share >= THRESHOLD and share > found.get(number, (0, 0.0))[1]:
                    found[number] = (candidate, share)
    return found


def clusters(texts: Sequence[str], *, length: int, mirror: Callable[[str], str | None] | None = None) -> list[str]:
    """A name for each text, shared by texts that a chain of near duplicates links."""
    strings = [_strings(text, length) for text in texts]
    sketches = _sketches(strings)
    order = np.argsort(sketches, axis=0, kind="stable")
    ordered = np.take_along_axis(sketches, order, axis=0)
    parent = list(range(len(texts)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for number, text in enumerate(texts):
        other = mirror(text) if mirror else None
        for own in (strings[number], *(() if other is None else (_strings(other, length),))):
            for candidate in _candidates(_sketches([own])[0], ordered, order):
                if root(candidate) != root(number) and _share(own, strings[candidate]) >= THRESHOLD:
                    parent[root(number)] = root(candidate)
    return [f"near {root(number)}" for number in range(len(texts))]


def _strings(text: str, length: int) -> Hashes:
    """The distinct strings of a text; of a shorter one, itself."""
    parts = list(string_hashes(text, min(length, max(1, len(text)))))
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)


def _sketches(strings: Sequence[Hashes]) -> NDArray[np.uint64]:
    """``(N, BANDS)``: one number a band, equal where all its minima are."""
    minima = np.zeros((len(strings), BANDS * ROWS), np.uint64)
    for number, own in enumerate(strings):
        if len(own):
            mixed = own[:, None] * _MULTIPLIERS[None, :]
            mixed ^= mixed >> np.uint64(32)
            minima[number] = (mixed * np.uint64(0x9E3779B97F4A7C15)).min(0)
    banded = minima.reshape(len(strings), BANDS, ROWS)
    keys = banded[:, :, 0].copy()
    for row in range(1, ROWS):
        keys = keys * np.uint64(0x100000001B3) ^ banded[:, :, row]  # FNV's prime; a clash only costs one comparison
    return keys


def _candidates(sketch: Hashes, ordered: NDArray[np.uint64], order: NDArray[np.int64]) -> set[int]:
    found: set[int] = set()
    for band in range(BANDS):
        start = int(np.searchsorted(ordered[:, band], sketch[band]))
        stop = min(int(np.searchsorted(ordered[:, band], sketch[band], side="right")), start + MAX_CANDIDATES)
        found.update(order[start:stop, band].tolist())
    return found


def _share(one: Hashes, other: Hashes) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / max(1, len(one) + len(other) - shared)
