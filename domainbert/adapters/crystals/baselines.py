"""What crystals are told apart by without an encoder: what they are made of, or in what cell, but not where the atoms are."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from domainbert.adapters.crystals.notation import SYMBOLS, Crystal, read_text

_PLACES = {symbol: place for place, symbol in enumerate(SYMBOLS)}


def composition() -> Any:
    """A transformer of crystal texts to the share of each element among the atoms, ``(N, 118)``."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(_composition)


def geometry() -> Any:
    """A transformer of crystal texts to space group, lengths, angles, sites and orbits of the conventional cell, ``(N, 9)``."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(_geometry)


def _composition(texts: Sequence[str]) -> Any:
    table = np.zeros((len(texts), len(SYMBOLS)))
    for row, text in enumerate(texts):
        for symbol, count in _read(text).composition().items():
            table[row, _PLACES[symbol]] = count
    return table / np.maximum(table.sum(1, keepdims=True), 1e-9)


def _geometry(texts: Sequence[str]) -> Any:
    crystals = map(_read, texts)
    return np.array([(each.number, *each.cell, each.num_sites, len(each.orbits)) for each in crystals], np.float64)


def _read(text: str) -> Crystal:
    """What a text says; of one that is no crystal, nothing."""
    try:
        return read_text(text)
    except ValueError:
        return Crystal(1, (0,) * 6, ())
