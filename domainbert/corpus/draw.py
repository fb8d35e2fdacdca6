"""A draw without replacement in proportion to weights: the largest keys of log weight and Gumbel noise, with constant memory."""

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.shingles import mixed

_CHUNK = 1 << 20
_TOP = 48

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


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
