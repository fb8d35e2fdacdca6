"""Two tokenizations of one text: which tokens of either share characters.

P pairs of tokens.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def overlaps(spans: Ints, others: Ints) -> tuple[Ints, Ints, Ints]:
    """Pairs of tokens that share at least one character.

    Args:
        spans: start and end character of each token, starts and ends each ascending, ``(T, 2)``; tokens may share characters, as the
            pieces of one character do, or have none.
        others: likewise of the other tokenization.

    Returns:
        Token, other token and number of shared characters of each pair, by token, ``(P,)`` each.
    """
    first = np.searchsorted(others[:, 1], spans[:, 0], side="right")
    last = np.searchsorted(others[:, 0], spans[:, 1], side="left")
    counts = np.where(spans[:, 1] > spans[:, 0], np.maximum(last - first, 0), 0)
    token_P = np.repeat(np.arange(len(spans)), counts)
    other_P = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(len(token_P))
    shared_P = np.minimum(spans[token_P, 1], others[other_P, 1]) - np.maximum(spans[token_P, 0], others[other_P, 0])
    real = shared_P > 0  # a token without characters may stand between two that have some
    return token_P[real], other_P[real], shared_P[real]
