"""From sources to records: which reader reads a file, told by its content."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.biomedical.articles import Article, Ledger, article_records, trim
from domainbert.adapters.biomedical.medline import read_medline, scan_medline
from domainbert.adapters.biomedical.options import BiomedicalOptions
from domainbert.adapters.biomedical.pubmed import read_pubmed, scan_pubmed
from domainbert.corpus import hub
from domainbert.corpus.documents import MAX_CHARACTERS, Columns, Document, read_documents
from domainbert.corpus.entries import Entry, Fault
from domainbert.corpus.open import Source, expand, open_source, plain_suffix
from domainbert.errors import CorpusError

SUFFIXES = frozenset({".xml", ".nbib", ".medline", ".jsonl", ".ndjson", ".json", ".parquet", ".csv", ".tsv", ".txt"})
_LISTED = ("pubmed", "medline")  # formats whose records have PMIDs
_MEDLINE = re.compile(rb"(?:^|\n)PMID ?- ?\d")
_HTML = re.compile(rb"<(?:!doctype html|html)\b", re.IGNORECASE)


def read_biomedical(source: str, options: BiomedicalOptions, drops: Drops) -> Iterator[Record]:
    """The records of a path, folder, glob or ``hub:`` source.

    Files with PMIDs are gone through twice: first for which revision of each article counts, then for its text.

    Raises:
        CorpusError: something cannot be read, or is in no format that is read.
    """
    if source.startswith(hub.PREFIX):
        yield from _hub_records(source, options, drops)
        return
    formats = {path: _format(path, options) for path in expand(source, suffixes=SUFFIXES)}
    ledger = Ledger()
    counts = {path: _scan(path, kind, ledger, options) for path, kind in formats.items() if kind in _LISTED}
    number = 0
    for path, kind in formats.items():
        if kind in _LISTED:
            yield from _articles(path, kind, options, drops, ledger, number)
            number += counts[path]
        else:
            yield from _documents(path, kind, options, drops)


def detect_format(file: Source, options: BiomedicalOptions) -> str:
    """``pubmed``, ``medline``, ``jsonl``, ``table`` or ``lines``, by a file's first 64 KiB and its suffix.

    Raises:
        CorpusError: it is XML or HTML that is not PubMed's.
    """
    head = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<?xml") or re.match(rb"<!DOCTYPE (?!html)|<(?:Pubmed|Medline)[A-Za-z]*\b", head):
        return "pubmed"
    if _HTML.match(head):
        raise CorpusError(f"{file.path}: a web page, perhaps the error page of a failed download; PubMed's XML and MEDLINE's text are read")
    if _MEDLINE.search(head[:4096]):
        return "medline"
    return "auto" if not plain_suffix(file.path) == ".json" or head.startswith(b"{") else _refuse_array(file)


def _refuse_array(file: Source) -> str:
    raise CorpusError(f"{file.path}: one JSON value over the whole file; JSON lines are read: one object a line (jq -c '.[]' makes them)")


def _format(path: Path, options: BiomedicalOptions) -> str:
    if options.format != "auto":
        return options.format
    with open_source(path) as file:
        return detect_format(file, options)


def _scan(path: Path, kind: str, ledger: Ledger, options: BiomedicalOptions) -> int:
    """Note a file's PMIDs in the ledger; how many there are."""
    before = ledger.num_seen
    with open_source(path) as file:
        if kind == "pubmed":
            scan_pubmed(file, ledger)
        else:
            scan_medline(file, ledger, encoding=options.encoding)
    return ledger.num_seen - before


def _articles(path: Path, kind: str, options: BiomedicalOptions, drops: Drops, ledger: Ledger, before: int) -> Iterator[Record]:
    read: Callable[..., Iterator[Article]] = read_pubmed if kind == "pubmed" else read_medline
    number = before
    with open_source(path) as file:
        for article in read(file, encoding=options.encoding):
            number += bool(article.pmid)
            reason = ledger.verdict(article.pmid, number) if article.pmid else ""
            if reason:
                drops.add(reason, f"{path}:{article.place} (PMID {article.pmid})")
                continue
            article.retracted |= article.pmid in ledger.retracted
            yield from article_records(article, options, drops, file=path.name, path=str(path))
        if not file.num_records:
            raise CorpusError(f"{path}: no record of PubMed's in this file")


def _documents(path: Path, kind: str, options: BiomedicalOptions, drops: Drops) -> Iterator[Record]:
    extra = tuple(dict.fromkeys(name for name in (options.title_column, options.group_column) if name))
    columns = Columns(options.column, options.id_column, extra)
    with open_source(path) as file:
        for document in read_documents(file, drops, columns=columns, format=kind, encoding=options.encoding):
            yield from _record(document, path, options, drops)


def _record(document: Document, path: Path, options: BiomedicalOptions, drops: Drops) -> Iterator[Record]:
    title = document.fields.get(options.title_column, "").strip()
    text = trim(f"{title}\n{document.text}" if title else document.text, options, drops)
    if not text:
        drops.add("only_boilerplate", f"{path}:{document.line}")
        return
    drops.num_kept += 1
    group = document.fields.get(options.group_column, "") or document.id
    yield Record(document.id, text, group, {"file": path.name, "line": str(document.line)})


def _hub_records(source: str, options: BiomedicalOptions, drops: Drops) -> Iterator[Record]:
    entry = Entry("", 0)
    for event in hub.read_hub(source, column=options.column, id_column=options.id_column):
        if isinstance(event, Entry):
            entry = event
            continue
        place = f"{source}:{entry.line}"
        if isinstance(event, Fault):
            drops.add(event.reason, place)
            continue
        text = trim(event.decode(), options, drops)
        reason = "too_long" if len(text) > MAX_CHARACTERS else "" if text else "blank"
        if reason:
            drops.add(reason, place)
            continue
        drops.num_kept += 1
        yield Record(entry.id, text, entry.id, {"file": source, "line": str(entry.line)})
