"""What URLs are told apart by without an encoder: strings of characters, and the suffix with a few lengths."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from domainbert.adapters.urls.canonical import host_of
from domainbert.adapters.urls.host import public_suffix


def suffix_and_lengths() -> Any:
    """A transformer of canonical texts: public suffix, and lengths and counts of characters of host and text."""
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    table = FunctionTransformer(_table)
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=5), [0]),
        (StandardScaler(), [1, 2, 3, 4, 5]),
        sparse_threshold=1.0,
    )
    return make_pipeline(table, columns)


def _table(texts: Sequence[str]) -> Any:
    rows = []
    for text in texts:
        kind, host = host_of(text)
        suffix = public_suffix(host) if kind == "DOMAIN" else kind
        digits = sum(character.isdigit() for character in host)
        rows.append((suffix, len(host), len(text), host.count("."), digits, host.count("-")))
    return np.array(rows, object)
