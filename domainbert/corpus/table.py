"""Tables: CSV, TSV and Parquet, row by row."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domainbert.corpus.entries import Entry, Event, Fault
from domainbert.corpus.open import Source, plain_suffix
from domainbert.errors import CorpusError

TEXT_COLUMNS = ("sequence", "seq", "text")  # tried in this order where no column is named
MAX_CELL = 64 << 20  # characters; a cell is held in memory, so a chromosome belongs into a FASTA file
_BATCH_ROWS = 256


def read_table(source: Source, *, column: str = "", id_column: str = "", encoding: str = "utf-8") -> Iterator[Event]:
    """One entry a row; ids from ``id_column``, else ``<file name>:<row>`` with rows counted from 1 below the header.

    Args:
        source: CSV, TSV (delimiter by suffix or from the header line) or Parquet.
        column: holds the text; by default ``sequence``, ``seq``, ``text`` or the only column.
        id_column: holds the ids.
        encoding: of CSV and TSV.

    Raises:
        CorpusError: no such column, the file is damaged, or not in ``encoding``.
    """
    rows = _parquet_rows if source.is_parquet else _csv_rows
    yield from row_events(rows(source, column, id_column, encoding), source.path.name, source)


def row_events(rows: Iterable[tuple[int, str | None, str | None]], name: str, source: Source | None = None) -> Iterator[Event]:
    """Rows ``(line, text, id)`` as entries; a row without text ends in a ``Fault``."""
    for number, (line, text, row_id) in enumerate(rows, start=1):
        yield Entry(f"{name}:{number}" if row_id is None else row_id, line)
        if text is None:
            yield Fault("missing_value", "the row has no such cell, or more cells than the header has names")
        else:
            yield text.strip().encode()
        if source:
            source.num_records = number


def choose_column(columns: Sequence[str], wanted: str, *, place: str) -> str:
    """The column that holds the text.

    Raises:
        CorpusError: there is no such column, or none is named and none is plain.
    """
    if wanted in columns:
        return wanted
    if not wanted:
        plain = [name for usual in TEXT_COLUMNS for name in columns if name.strip().lower() == usual]
        if plain or len(columns) == 1:
            return (plain or list(columns))[0]
    shown = ", ".join(repr(name) for name in columns)
    wish = f"no column {wanted!r}" if wanted else "which column holds the text? Set the option column"
    raise CorpusError(f"{place}: {wish}; the columns are: {shown}")


def _csv_rows(source: Source, column: str, id_column: str, encoding: str) -> Iterator[tuple[int, str | None, str | None]]:
    csv.field_size_limit(MAX_CELL)
    with source.text(encoding) as file, _named(source):
        header = file.readline()
        delimiter = _delimiter(source.path, header)
        names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
        text_index = names.index(choose_column(names, column, place=f"{source.path}:1"))
        id_index = names.index(choose_column(names, id_column, place=f"{source.path}:1")) if id_column else -1
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        for row in reader:
            if len(row) == len(names):
                yield reader.line_num + 1, row[text_index], row[id_index].strip() if id_column else None
            elif row:
                yield reader.line_num + 1, None, None


@contextmanager
def _named(source: Source) -> Iterator[None]:
    """The errors of reading text or CSV, with the file's name."""
    try:
        yield
    except csv.Error as error:
        seen = f"{error} (a quote that is not closed, or a cell too long)"
    except UnicodeDecodeError as error:
        seen = f"the text is not {error.encoding} (byte 0x{error.object[error.start]:02x}); set the option encoding"
    else:
        return
    raise CorpusError(f"{source.path}: after row {source.num_records}: {seen}")


def _delimiter(path: Path, header: str) -> str:
    if plain_suffix(path) == ".tsv":
        return "\t"
    return max(",\t;", key=header.count)


def _parquet_rows(source: Source, column: str, id_column: str, _encoding: str) -> Iterator[tuple[int, str | None, str | None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # The file is read by row groups, and within one by pages: without the buffer memory stays with the batch.
        file = pq.ParquetFile(source.path, pre_buffer=False)
        names = file.schema_arrow.names
        wanted = [choose_column(names, column, place=str(source.path))]
        if id_column:
            wanted.append(choose_column(names, id_column, place=str(source.path)))
        _require_text(file.schema_arrow.field(wanted[0]), source.path)
        number = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(dict.fromkeys(wanted)), use_threads=False):
            texts = batch.column(wanted[0]).to_pylist()
            ids: list[Any] = batch.column(wanted[-1]).to_pylist() if id_column else [None] * len(texts)
            for text, row_id in zip(texts, ids, strict=True):
                number += 1
                yield number, text, (str(row_id) if row_id is not None else "") if id_column else None
    except (pa.ArrowInvalid, OSError) as error:
        raise CorpusError(f"{source.path}: a damaged Parquet file, after row {source.num_records} ({error}); download it again") from None


def _require_text(field: Any, path: Path) -> None:
    import pyarrow as pa

    if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
        raise CorpusError(f"{path}: column {field.name!r} holds {field.type}, text is needed")
