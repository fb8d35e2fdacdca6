"""Where a model and its companion can be compared: tokens that share characters and that both see, or that neither sees."""

import numpy as np
from numpy.typing import NDArray

from domainbert.objectives.base import Ints, Pairs, Tokens, Units


def compared(tokens: Tokens, *, positions: str, by_other: bool) -> Units:
    """Units of tokens that share characters with a companion's.

    Args:
        tokens: of a batch.
        positions: ``visible``, ``hidden`` or ``both``. A unit whose tokens are not all of one sort is in none of them.
        by_other: a unit is a token of the companion with the mean over the model's tokens; else a token of the model with the mean
            over the companion's. Means weigh tokens by the characters they share with the unit.
    """
    pairs = tokens.pairs
    assert pairs is not None, "the term has a companion"
    sample_P = tokens.sample_T[pairs.row_P]
    unit_P = pairs.other_P if by_other else pairs.row_P
    kept = np.flatnonzero(_agreed(tokens, pairs, unit_P, positions) & tokens.wanted_N[sample_P])
    kept = kept[np.argsort(unit_P[kept], kind="stable")]  # pieces of one character share it, so units need not ascend
    return Units.of(pairs.row_P[kept], unit_P[kept], sample_P[kept], weight_P=pairs.characters_P[kept], other_P=pairs.other_P[kept])


def _agreed(tokens: Tokens, pairs: Pairs, unit_P: Ints, positions: str) -> NDArray[np.bool_]:
    """Whether all tokens of each pair's unit are visible, or all hidden, as asked."""
    num_hidden = (tokens.labels_T[pairs.row_P] >= 0).astype(np.int64) + pairs.hidden_P
    size = int(unit_P.max()) + 1 if len(unit_P) else 0
    total, parts = np.bincount(unit_P, num_hidden, size)[unit_P], 2 * np.bincount(unit_P, minlength=size)[unit_P]
    visible, hidden = total == 0, total == parts
    agreed: NDArray[np.bool_] = {"visible": visible, "hidden": hidden, "both": visible | hidden}[positions]
    return agreed
