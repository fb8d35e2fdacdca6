"""Rewritten copies of training records, such as the other strand."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from domainbert.adapters.base import Adapter, Record
from domainbert.corpus.columns import origin_columns
from domainbert.corpus.rows import Rows
from domainbert.corpus.staging import PIECE
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus


class Views:
    """The views that a corpus asks for.

    Args:
        adapter: rewrites records.
        corpus: copies wanted of each view.
        seed: of the random ones; each copy draws from a generator of its own, in record order.
    """

    def __init__(self, adapter: Adapter, corpus: Corpus, seed: int) -> None:
        self.adapter = adapter
        self._generators = [
            (name, np.random.default_rng([seed, number, copy]))
            for number, name in enumerate(adapter.view_names)
            for copy in range(corpus.views.get(name, 0))
        ]

    def __call__(self, rows: Rows) -> Iterator[Rows]:
        """Each copy of the training records among ``rows``; what is held out has none, nor has a record whose view reads the same."""
        if not self._generators or rows.validation.all():
            return
        originals = rows.where(~rows.validation)
        records = originals.records()
        for name, rng in self._generators:
            views = [_named(self.adapter.view(name, record, rng), name) for record in records]
            changed = np.array([view.text != record.text for view, record in zip(views, records, strict=True)])
            if changed.any():
                kept = [view for view, differs in zip(views, changed, strict=True) if differs]
                yield self._rows(name, kept, originals.where(changed))

    def _rows(self, name: str, views: list[Record], originals: Rows) -> Rows:
        texts = [view.text.encode() for view in views]
        pieces = np.zeros(len(views), PIECE)
        pieces["characters"] = [len(view.text) for view in views]
        pieces["bytes"] = [len(text) for text in texts]
        origins = origin_columns(views)
        assert origins["group"].equals(originals.origins["group"]), f"view {name} of {self.adapter.name} changed a group"
        return Rows(origins, b"".join(texts), pieces, originals.validation)


def _named(record: Record, view: str) -> Record:
    """The record with the name of its view beside where it comes from."""
    return replace(record, meta={**record.meta, "view": view})


def require_views(adapter: Adapter, corpus: Corpus) -> None:
    """Raise ``CorpusError`` if the corpus asks for a view that the adapter lacks."""
    for name in corpus.views:
        if name not in adapter.view_names:
            known = ", ".join(adapter.view_names) or "none"
            raise CorpusError(f"corpus {corpus.name!r}: adapter {adapter.name!r} has no view {name!r}; it has {known}")
