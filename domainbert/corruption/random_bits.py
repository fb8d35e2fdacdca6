"""Random numbers as a function of what they are for: no generator, no state, no order of calls.

A key names a purpose (seed, epoch, sample, ...); counters under a key give independent 64-bit values. The mixer is the finaliser
of SplitMix64 (Steele, Lea and Flood 2014, section 3, with Stafford's variant 13 of the constants).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def key(*parts: Any) -> Bits:
    """A key for integers or integer arrays (broadcast against each other), each part changing it entirely."""
    state = np.zeros((), np.uint64)
    for part in parts:
        state = _mix(state ^ np.asarray(part).astype(np.uint64))
    return state


def draw(keys: Bits, counters: Any) -> Bits:
    """One 64-bit value for each (key, counter), broadcast against each other."""
    with np.errstate(over="ignore"):
        return _mix(keys + np.asarray(counters).astype(np.uint64) * _GOLDEN)


def uniform(keys: Bits, counters: Any) -> NDArray[np.float64]:
    """One number in [0, 1) for each (key, counter), with 53 random bits."""
    return (draw(keys, counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(keys: Bits, counters: Any, limit: int) -> NDArray[np.int64]:
    """One integer in [0, limit) for each (key, counter); ``limit`` below 2**32, bias below 2**-32."""
    high = draw(keys, counters) >> np.uint64(32)
    return ((high * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)


def permute(index: NDArray[np.int64], size: int, keys: Bits) -> NDArray[np.int64]:
    """Where each index goes in a random order of ``range(size)``, without building the order.

    A four-round Feistel network on the smallest even number of bits that holds ``size``; values outside the range walk on
    until they fall inside (Black and Rogaway 2002, section 3, cycle walking).

    Args:
        index: values in [0, size).
        size: number of elements of the order.
        keys: which order, one key or one for each index.
    """
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    value = index.astype(np.uint64)
    keys = np.broadcast_to(keys, value.shape)
    outside = np.ones(value.shape, bool)
    while outside.any():
        value[outside] = _feistel(value[outside], half, keys[outside])
        outside[outside] = value[outside] >= size
    return value.astype(np.int64)


def _feistel(value: Bits, half: np.uint64, keys: Bits) -> Bits:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = value >> half, value & mask
    for turn in range(4):
        left, right = right, left ^ (draw(keys, right + np.uint64(turn << 32)) & mask)
    return (left << half) | right


def _mix(value: Bits) -> Bits:
    with np.errstate(over="ignore"):
        value = value + _GOLDEN
        value = (value ^ (value >> np.uint64(30))) * _FIRST
        value = (value ^ (value >> np.uint64(27))) * _SECOND
        return value ^ (value >> np.uint64(31))
