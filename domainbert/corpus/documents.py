"""Short texts, each held in memory as a whole: lines, tables and JSON lines, for domains whose entries are not sequences of megabytes."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from domainbert.adapters.base import Drops
from domainbert.corpus.open import Source, plain_suffix
from domainbert.corpus.table import MAX_CELL
from domainbert.errors import CorpusError

TEXT_COLUMNS = ("text", "abstract", "sentence", "sequence", "smiles", "url", "domain")  # tried in this order where none is named
MAX_CHARACTERS = 1 << 20
_BATCH_ROWS = 1024
_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
_TABLE_SUFFIXES = frozenset({".csv", ".tsv"})
_NO_FIELDS: Mapping[str, str] = {}
_FIELDS = re.compile(rb"^#fields[:\t]", re.IGNORECASE | re.MULTILINE)


class Document(NamedTuple):
    """One text and where it stood.

    Args:
        id: from the id column, else ``<file name>:<line>``.
        text: without the blanks around it; never empty.
        line: in its file, from 1 (a row number in Parquet).
        fields: the other columns that were asked for, by name.
    """

    id: str
    text: str
    line: int
    fields: Mapping[str, str] = _NO_FIELDS


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table, or keys of JSON objects, are read. A whole number is a column of a file without a header, from 1.

    Args:
        text: by default the first of ``TEXT_COLUMNS`` that is there, or the only one.
        id: by default rows are numbered.
        extra: further ones.
    """

    text: str = ""
    id: str = ""
    extra: tuple[str, ...] = ()


def read_documents(
    source: Source,
    drops: Drops,
    *,
    columns: Columns | None = None,
    format: str = "auto",
    encoding: str = "utf-8",
    max_characters: int = MAX_CHARACTERS,
) -> Iterator[Document]:
    """The texts of one file, streaming.

    Args:
        source: an open file.
        drops: counts blank texts, texts that are too long, rows without the column and lines that are not JSON. Who reads counts
            what is kept.
        columns: of tables and JSON lines.
        format: ``lines``, ``table``, ``jsonl``, ``log`` or ``auto``, which goes by content and suffix.
        encoding: of everything but Parquet; one in which ASCII is ASCII.
        max_characters: longer texts are dropped.

    Raises:
        CorpusError: the file is damaged or binary, is not in ``encoding``, or has no such column.
    """
    columns = columns or Columns()
    kind = detect(source, columns) if format == "auto" else "parquet" if source.is_parquet else format
    if kind == "lines" and columns.id:
        raise CorpusError(f"{source.path}: is read as lines, which have no column {columns.id!r} of ids; set the option format = 'table'")
    rows = {"lines": _lines, "table": _table, "jsonl": _jsonl, "log": _log, "parquet": _parquet}[kind]
    file = source.path.name
    for line, values in rows(source, columns, encoding, drops):
        source.num_records += 1
        text = values[0]
        reason = _fault(text, max_characters)
        if reason:
            drops.add(reason, f"{source.path}:{line}")
            continue
        assert text is not None
        name = values[1] if columns.id else None
        extra = {key: value or "" for key, value in zip(columns.extra, values[2:], strict=False)} if columns.extra else _NO_FIELDS
        yield Document(name or f"{file}:{line}", text.strip(), line, extra)


def detect(source: Source, columns: Columns) -> str:
    """``parquet``, ``jsonl``, ``log``, ``table`` or ``lines``."""
    suffix, head = plain_suffix(source.path), source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if source.is_parquet:
        return "parquet"
    if suffix in _JSON_SUFFIXES or (head.startswith(b'{"') and b"}\n" in head):
        return "jsonl"
    if head.startswith(b"#") and _FIELDS.search(head):
        return "log"
    return "table" if suffix in _TABLE_SUFFIXES or columns.text else "lines"


def choose(names: Sequence[str], wanted: str, *, place: str, what: str = "column") -> int:
    """Number of the wanted column, from 0.

    Raises:
        CorpusError: there is none, or none is named and it cannot be told; lists them.
    """
    if wanted in names:
        return names.index(wanted)
    if wanted.isdigit() and 0 < int(wanted) <= len(names):
        return int(wanted) - 1
    if not wanted:
        usual = [names.index(name) for usual in TEXT_COLUMNS for name in names if name.strip().lower() == usual]
        if usual or len(names) == 1:
            return (usual or [0])[0]
    wish = f"no {what} {wanted!r}" if wanted else f"which {what} holds the text? Set the option column"
    raise CorpusError(f"{place}: {wish}; there are: {', '.join(map(repr, names))}")


Rows = Iterator[tuple[int, list[str | None]]]
"""Line, then text, id and extra columns; ``None`` where a row has no such cell."""


def _lines(source: Source, columns: Columns, encoding: str, drops: Drops) -> Rows:
    for line, text in decoded_lines(source, encoding):
        yield line, [text]


def _table(source: Source, columns: Columns, encoding: str, drops: Drops) -> Rows:
    csv.field_size_limit(MAX_CELL)
    numbered, lines = columns.text.isdigit(), decoded_lines(source, encoding)
    _, first = next(lines, (1, ""))
    delimiter = "\t" if plain_suffix(source.path) == ".tsv" else max(",\t;", key=first.count)
    if numbered and delimiter not in first:
        delimiter = " "  # logs without a header, such as Squid's, are aligned with blanks
    # Tabs need no quotes, and files with them rarely mean any.
    quoting: Any = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    blanks = delimiter == " "
    head = next(csv.reader([first], delimiter=delimiter, quoting=quoting, skipinitialspace=blanks))
    names = [str(number) for number in range(1, len(head) + 1)] if numbered else [name.strip() for name in head]
    wanted = [choose(names, name, place=f"{source.path}:1") for name in (columns.text, columns.id or columns.text, *columns.extra)]
    body = (f"{text}\n" for _, text in lines)
    reader = csv.reader(body, delimiter=delimiter, quoting=quoting, skipinitialspace=blanks)
    if numbered:
        yield 1, [head[index] for index in wanted]
    try:
        for row in reader:
            if row:
                yield reader.line_num + 1, [row[index] if index < len(row) else None for index in wanted]
    except csv.Error as error:
        why = f"{error} (a quote that is not closed, or a cell too long)"
        raise CorpusError(f"{source.path}: after row {source.num_records}: {why}") from None


def _log(source: Source, columns: Columns, encoding: str, drops: Drops) -> Rows:
    """Logs that name their columns in a comment: the W3C's extended format (``#Fields: date cs-uri``) and Zeek's (tabs instead)."""
    wanted: list[int] = []
    delimiter = " "
    for line, text in decoded_lines(source, encoding):
        if text[:7].lower() == "#fields":
            delimiter = "\t" if "\t" in text else " "
            names = text[8:].split()
            place = f"{source.path}:{line}"
            wanted = [choose(names, name, place=place) for name in (columns.text, columns.id or columns.text, *columns.extra)]
        if not text or text.startswith("#"):
            continue
        if not wanted:
            raise CorpusError(f"{source.path}:{line}: a row before the line #Fields, which names the columns; is the log cut off?")
        row = next(csv.reader([text], delimiter=delimiter)) if '"' in text and delimiter == " " else text.split(delimiter)
        cells = [row[index] if index < len(row) else None for index in wanted]
        yield line, [None if cell == "-" else cell for cell in cells]


def _jsonl(source: Source, columns: Columns, encoding: str, drops: Drops) -> Rows:
    names: list[str] = []
    for line, text in decoded_lines(source, encoding):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            drops.add("not_a_json_object", f"{source.path}:{line}")
            continue
        if not names:
            keys = [key for key, value in row.items() if isinstance(value, str)]
            place = f"{source.path}:{line}"
            chosen = columns.text if columns.text in row else keys[choose(keys, columns.text, place=place, what="key")]
            names = [chosen, columns.id or chosen, *columns.extra]
        yield line, [_cell(row.get(name)) for name in names]


def _parquet(source: Source, columns: Columns, encoding: str, drops: Drops) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(source.path, pre_buffer=False)
        names = file.schema_arrow.names
        wanted = [
            names[choose(names, name, place=str(source.path))] for name in (columns.text, columns.id or columns.text, *columns.extra)
        ]
        number = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(dict.fromkeys(wanted)), use_threads=False):
            cells = [batch.column(name).to_pylist() for name in wanted]
            for row in zip(*cells, strict=True):
                number += 1
                yield number, [_cell(value) for value in row]
    except (pa.ArrowInvalid, OSError) as error:
        raise CorpusError(f"{source.path}: a damaged Parquet file, after row {source.num_records} ({error}); download it again") from None


def _cell(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _fault(text: str | None, max_characters: int) -> str:
    """Why a text is left out; empty for a good one."""
    if text is None:
        return "missing_value"
    if not text or text.isspace():
        return "blank"
    return "too_long" if len(text) > max_characters else ""


def decoded_lines(source: Source, encoding: str) -> Iterator[tuple[int, str]]:
    """Lines without their ends, counted from 1; of a line of ``MAX_CELL`` bytes and more, only that it is so long is kept."""
    number, offset, held = 1, 0, b""
    for block in source.blocks():
        whole, newline, rest = (held + block).rpartition(b"\n")
        if newline:
            lines = _decode(source, whole, offset, encoding).split("\n")
            yield from enumerate(lines, start=number)
            number, offset, held = number + len(lines), offset + len(whole) + 1, rest
        else:
            held = rest if len(rest) <= MAX_CELL else b"." * MAX_CELL  # too long whatever it says
    if held:
        yield number, _decode(source, held, offset, encoding)


def _decode(source: Source, data: bytes, offset: int, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"{source.path}: byte 0x{data[error.start]:02x} at byte {offset + error.start} (line {line} of the block after record "
            f"{source.num_records}) is not {encoding}; set the option encoding, e.g. encoding = 'latin-1'"
        ) from None
    except LookupError:
        raise CorpusError(f"option encoding = {encoding!r}: Python knows no such encoding") from None
