"""From lists, tables and logs to records."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.urls.canonical import host_of, opaque_scheme
from domainbert.adapters.urls.host import group_of, is_name
from domainbert.adapters.urls.options import UrlsOptions
from domainbert.corpus import hub
from domainbert.corpus.documents import Columns, Document, read_documents
from domainbert.corpus.entries import Entry
from domainbert.corpus.open import expand, open_source

KIND = "kind"  # in Record.meta: which part of a mixed corpus a record is from
_LISTS = frozenset({".txt", ".lst", ".list", ".urls"})
_TABLES = frozenset({".csv", ".tsv", ".parquet", ".log"})
_JSON = frozenset({".jsonl", ".ndjson", ".json"})

Canonicalize = Callable[[str], str]


def read_urls(source: str, options: UrlsOptions, drops: Drops, canonicalize: Canonicalize) -> Iterator[Record]:
    """The records of a path, folder, glob or ``hub:`` source; ``canonicalize`` is the adapter's, for groups.

    Raises:
        CorpusError: something cannot be read, or lacks the columns.
    """
    if source.startswith(hub.PREFIX):
        yield from records_of(_hub_documents(source, options), source, options, drops, canonicalize)
        return
    extra = (options.kind_column,) if options.kind_column else ()
    columns = Columns(options.column, options.id_column, extra)
    for path in url_files(source, options):
        with open_source(path) as file:
            documents = read_documents(
                file,
                drops,
                columns=columns,
                format=options.format,
                encoding=options.encoding,
                max_characters=options.max_characters,
            )
            yield from records_of(documents, str(path), options, drops, canonicalize)


def url_files(source: str, options: UrlsOptions) -> list[Path]:
    """The files of a path, folder or glob; of a folder those of the format (a log only where a column is named)."""
    by_format = {"lines": _LISTS, "table": _TABLES, "jsonl": _JSON, "log": frozenset({".log"})}
    suffixes = by_format.get(options.format, _LISTS | _JSON | (_TABLES if options.column else _TABLES - {".log"}))
    return expand(source, suffixes=suffixes)


def records_of(
    documents: Iterable[Document], place: str, options: UrlsOptions, drops: Drops, canonicalize: Canonicalize
) -> Iterator[Record]:
    """Documents as records; what names no place or cannot exist is dropped with a reason."""
    by_label: dict[str, dict[str, str]] = {"": {"file": Path(place).name}}
    for document in documents:
        kind, host = host_of(canonicalize(document.text))
        if not host or (kind == "DOMAIN" and not is_name(host)):
            scheme = opaque_scheme(document.text)
            drops.add(f"{scheme}_url" if scheme else "malformed_host" if host else "no_host", f"{place}:{document.line}")
            continue
        drops.num_kept += 1
        label = document.fields.get(options.kind_column, "")
        if label not in by_label:
            by_label[label] = by_label[""] | {KIND: label}
        yield Record(document.id, document.text, group_of(host, kind), by_label[label])


def _hub_documents(source: str, options: UrlsOptions) -> Iterator[Document]:
    """Rows of a data set; they have no kinds."""
    entry = Entry("", 0)
    for event in hub.read_hub(source, column=options.column, id_column=options.id_column):
        if isinstance(event, Entry):
            entry = event
        elif isinstance(event, bytes):
            yield Document(entry.id, event.decode(), entry.line)
