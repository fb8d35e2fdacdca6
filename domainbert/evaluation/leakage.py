"""Leak figures: how much of the held-out text was seen in training, letter for letter."""

# L letters of a text, W strings that begin in it, K different strings of the held-out side

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

MULTIPLIER = 0x9E3779B97F4A7C15  # odd, 2**64 / golden ratio: Knuth, The Art of Computer Programming 3, section 6.4
CHUNK = 2**18  # letters hashed at a time
MAX_FILTER_BITS = 28  # 256 MB of flags at most


def repeat_share(
    train: Iterable[str], held_out: Sequence[str], *, length: int = 31, mirror: Callable[[str], str | None] | None = None
) -> float:
    """Share of held-out letters that lie in some string of ``length`` letters which also occurs in training.

    Only the held-out side is kept (about 130 bytes a letter); training text is streamed. Strings are compared by 64-bit hashes: among 10**7
    held-out and 10**10 training strings fewer than one in 100 runs meets a false match. Strings across two training texts do not count.

    Args:
        train: canonical training texts.
        held_out: canonical held-out texts.
        length: letters that must agree.
        mirror: another reading of a text, of the same length (``adapter.mirror``); a string counts as seen in either reading.
    """
    num_letters = sum(map(len, held_out))
    if num_letters == 0:
        return 0.0
    readings = [(text, _readings(text, length, mirror)) for text in held_out]
    keys_K, place = np.unique(np.concatenate([hashes for _, pair in readings for hashes in pair]), return_inverse=True)
    seen = _seen(keys_K, train, length)[place]
    num_repeated, start = 0, 0
    for text, pair in readings:
        inside_L = np.zeros(len(text) + 1, np.int64)  # +1 where a seen string begins, -1 behind its end
        for hashes_W, step in zip(pair, (1, -1), strict=False):
            begins = np.flatnonzero(seen[start : start + hashes_W.size][::step])
            inside_L[begins] += 1
            inside_L[begins + length] -= 1
            start += hashes_W.size
        num_repeated += int(np.count_nonzero(np.cumsum(inside_L)))
    return num_repeated / num_letters


def _readings(text: str, length: int, mirror: Callable[[str], str | None] | None) -> list[Hashes]:
    """Hashes of the strings of a text and, where there is one, of its other reading."""
    other = mirror(text) if mirror else None
    assert other is None or len(other) == len(text)
    return [np.concatenate([np.empty(0, np.uint64), *string_hashes(reading, length)]) for reading in (text, other) if reading is not None]


def _seen(keys_K: Hashes, train: Iterable[str], length: int) -> NDArray[np.bool_]:
    """Which of the sorted keys occur among the strings of the training texts."""
    seen_K = np.zeros(keys_K.size, np.bool_)
    bits = min(max(int(keys_K.size).bit_length() + 4, 10), MAX_FILTER_BITS)
    shift = np.uint64(64 - bits)
    possible = np.zeros(2**bits, np.bool_)
    possible[keys_K >> shift] = True
    for text in train:
        for hashes_W in string_hashes(text, length):
            candidates = hashes_W[possible[hashes_W >> shift]]
            nearest = np.minimum(np.searchsorted(keys_K, candidates), keys_K.size - 1)
            seen_K[nearest[keys_K[nearest] == candidates]] = True
    return seen_K


def string_hashes(text: str, length: int) -> Iterator[Hashes]:
    """The strings of ``length`` letters in order, each as a number in base ``MULTIPLIER`` modulo 2**64, in chunks."""
    letters: NDArray[Any]
    if text.isascii():
        letters = np.frombuffer(text.encode("ascii"), np.uint8)
    else:
        letters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    for start in range(0, letters.size - length + 1, CHUNK):
        chunk = letters[start : start + CHUNK + length - 1].astype(np.uint64)
        value, width = chunk, 1
        for bit in f"{length:b}"[1:]:  # by doubling, as in fast exponentiation
            value = value[:-width] * np.uint64(pow(MULTIPLIER, width, 2**64)) + value[width:]
            width *= 2
            if bit == "1":
                value = value[:-1] * np.uint64(MULTIPLIER) + chunk[width:]
                width += 1
        yield value
