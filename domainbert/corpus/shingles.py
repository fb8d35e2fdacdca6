"""Hashes of every stretch of a fixed length in a text: what near-duplicates and evaluation texts are recognised by."""

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, 2**64 / golden ratio


def shingles(data: bytes, width: int) -> Hashes:
    """A hash of each run of ``width`` bytes, which is a power of two, or half as much again; none where there are fewer."""
    if len(data) < width:
        return np.empty(0, np.uint64)
    size, hashes = 1, mixed(np.frombuffer(data, np.uint8).astype(np.uint64) + np.uint64(1))
    while 2 * size <= width:
        hashes = hashes[: len(hashes) - size] * _FACTOR + hashes[size:]
        size *= 2
    rest = width - size
    if rest:
        hashes = hashes[: len(hashes) - rest] * _FACTOR + hashes[rest:]
    return mixed(hashes)


def mixed(values: Hashes) -> Hashes:
    """Spread the bits: the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
