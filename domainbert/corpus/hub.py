"""Data sets of the Hugging Face Hub, streamed."""

import re
from collections.abc import Iterator
from typing import Any

from domainbert.corpus.entries import Event
from domainbert.corpus.table import choose_column, row_events
from domainbert.errors import CorpusError

PREFIX = "hub:"
_SOURCE = re.compile(r"hub:(?P<name>[^/:\s]+/[^/:\s]+)(?::(?P<config>[^/:\s]+))?(?:/(?P<split>[^/:\s]+))?")


def read_hub(source: str, *, column: str = "", id_column: str = "") -> Iterator[Event]:
    """One entry a row of ``hub:owner/name[:config][/split]``; without a split, ``train`` or the only one.

    Raises:
        CorpusError: no such data set, configuration, split or column, or it cannot be reached.
    """
    parts = _SOURCE.fullmatch(source)
    if parts is None:
        raise CorpusError(f"{source}: a Hub source is written hub:owner/name[:config][/split]")
    split, rows = _open(source, parts["name"], parts["config"], parts["split"])
    yield from row_events(_rows(source, rows, column, id_column), f"{parts['name']}/{split}")


def _open(source: str, name: str, config: str | None, split: str | None) -> tuple[str, Any]:
    import datasets

    try:
        splits = datasets.load_dataset(name, config, streaming=True)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise CorpusError(f"{source}: cannot be opened: {error}") from None
    chosen = split or ("train" if "train" in splits or len(splits) != 1 else next(iter(splits)))
    if chosen not in splits:
        raise CorpusError(f"{source}: no split {chosen!r}; there are: {', '.join(splits)}")
    return chosen, splits[chosen]


def _streamed(source: str, rows: Any) -> Iterator[dict[str, Any]]:
    import datasets

    number = 0
    try:
        for row in rows:
            yield row
            number += 1
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:  # Arrow's and the connection's among them
        raise CorpusError(f"{source}: reading failed after row {number}: {error}") from None


def _rows(source: str, rows: Any, column: str, id_column: str) -> Iterator[tuple[int, str | None, str | None]]:
    names: list[str] = []
    text_name = ""
    for number, row in enumerate(_streamed(source, rows), start=1):
        if not names:
            names = list(row)
            text_name = choose_column(names, column, place=source)
            if id_column:
                choose_column(names, id_column, place=source)
        text = row[text_name]
        if not isinstance(text, str | None):
            raise CorpusError(f"{source}: row {number}: column {text_name!r} holds {type(text).__name__}, text is needed")
        yield number, text, str(row[id_column]) if id_column else None
