"""What stands where a token was hidden: the mask token, a token of the domain's own alphabet, or the token itself."""

import numpy as np
from numpy.typing import NDArray

from domainbert.corruption.random_bits import Bits, below, key, uniform

_SHARE, _TOKEN = 3, 4


def replace(
    ids_T: NDArray[np.int64],
    *,
    chosen_T: NDArray[np.bool_],
    sample_T: NDArray[np.int64],
    position_T: NDArray[np.int64],
    key_N: Bits,
    mask: float,
    random: float,
    mask_id: int,
    alphabet: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Corrupted copy of ``ids_T``.

    Args:
        ids_T: token ids of samples laid end to end.
        chosen_T: positions to corrupt.
        sample_T: sample number of each token.
        position_T: place of each token in its sample.
        key_N: one key a sample.
        mask: share of chosen positions that become the mask token.
        random: share that become a random token of ``alphabet``; the rest stays.
        mask_id: the mask token.
        alphabet: ids that may replace others; never special tokens.
    """
    corrupted = ids_T.copy()
    rows = np.flatnonzero(chosen_T)
    fate = uniform(key(key_N, _SHARE)[sample_T[rows]], position_T[rows])
    corrupted[rows[fate < mask]] = mask_id
    swapped = rows[(fate >= mask) & (fate < mask + random)]
    picks = below(key(key_N, _TOKEN)[sample_T[swapped]], position_T[swapped], len(alphabet))
    corrupted[swapped] = alphabet[picks]
    return corrupted
