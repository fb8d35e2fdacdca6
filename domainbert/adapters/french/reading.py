"""French files to records: which reader reads a file, and long texts in windows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.french.authors import Authors, metadata_files, stem
from domainbert.adapters.french.options import FrenchOptions
from domainbert.corpus import hub
from domainbert.corpus.conllu import Sentence, is_conllu, read_conllu
from domainbert.corpus.documents import Columns, detect, read_documents
from domainbert.corpus.entries import Entry, Fault
from domainbert.corpus.open import Source, expand, open_source, plain_suffix
from domainbert.corpus.prose import read_paragraphs, windows
from domainbert.errors import CorpusError

LONGEST_TEXT = 1 << 26  # characters of one cell or line of JSON
PROSE_SUFFIXES = frozenset({".txt", ".text", ".md", ""})
_SUFFIXES = {
    "prose": PROSE_SUFFIXES - {""},
    "lines": PROSE_SUFFIXES - {""},
    "jsonl": frozenset({".jsonl", ".ndjson", ".json"}),
    "table": frozenset({".csv", ".tsv", ".parquet"}),
    "conllu": frozenset({".conllu", ".conll"}),
}
_TOLD_BY_SUFFIX = _SUFFIXES["prose"] | _SUFFIXES["jsonl"] | _SUFFIXES["conllu"] | {".parquet"}


def read_french(source: str, options: FrenchOptions, drops: Drops) -> Iterator[Record]:
    """The records of a path, folder, glob or ``hub:`` source.

    Raises:
        CorpusError: something cannot be read, or holds no text.
    """
    if source.startswith(hub.PREFIX):
        yield from _hub(source, options, drops)
        return
    authors, num_kept = Authors(), drops.num_kept
    for path in french_files(source, options):
        with open_source(path) as file:
            kind = options.format if options.format != "auto" else detect_format(file, options)
            if kind == "prose":
                yield from _prose(file, authors, options, drops)
            elif kind == "conllu":
                yield from _treebank(file, options, drops)
            else:
                yield from _documents(file, kind, options, drops)
    if drops.num_kept == num_kept and not drops.counts:
        raise CorpusError(f"{source}: there is no text in it")


def french_files(source: str, options: FrenchOptions) -> list[Path]:
    """The files of a path, folder or glob that ``read_french`` reads; CSV and TSV of a folder only where a column is named."""
    tables = _SUFFIXES["table"] if options.column else frozenset()
    return expand(source, suffixes=_SUFFIXES.get(options.format, _TOLD_BY_SUFFIX | tables))


def all_files(source: str, options: FrenchOptions) -> list[Path]:
    """The same and the tables of authors beside them."""
    files = french_files(source, options)
    return files + [path for path in metadata_files(files) if path not in files] if options.group == "author" else files


def detect_format(file: Source, options: FrenchOptions) -> str:
    """``prose``, ``lines``, ``jsonl``, ``table`` or ``conllu``."""
    if plain_suffix(file.path) in _SUFFIXES["conllu"] or is_conllu(file.head):
        return "conllu"
    kind = detect(file, Columns(options.column))
    if kind == "lines":
        return "prose"
    return "table" if kind == "parquet" else kind


def cut_sample(sample: Iterable[Record], options: FrenchOptions, drops: Drops) -> Iterator[Record]:
    """The built-in sample, treated like a file."""
    for record in sample:
        drops.num_kept += 1
        yield from _cut(record, options)


def _cut(whole: Record, options: FrenchOptions) -> Iterator[Record]:
    """One text as records of at most ``window`` characters."""
    if len(whole.text) <= options.window:
        yield replace(whole, meta={"start": "0", **whole.meta})
        return
    for window in windows(((1, paragraph) for paragraph in whole.text.split("\n")), options.window):
        yield replace(whole, text=window.text, meta={"start": str(window.start), **whole.meta})


def _prose(file: Source, authors: Authors, options: FrenchOptions, drops: Drops) -> Iterator[Record]:
    name = stem(file.path)
    group = authors(file.path) if options.group == "author" else name
    is_empty = True
    for window in windows(read_paragraphs(file, drops, encoding=options.encoding), options.window):
        file.num_records += 1
        drops.num_kept += is_empty
        is_empty = False
        yield Record(name, window.text, group, {"start": str(window.start), "file": file.path.name})
    if is_empty:
        drops.add("blank", str(file.path))


def _documents(file: Source, kind: str, options: FrenchOptions, drops: Drops) -> Iterator[Record]:
    columns = Columns(options.column, options.id_column, (options.group_column,) if options.group_column else ())
    documents = read_documents(file, drops, columns=columns, format=kind, encoding=options.encoding, max_characters=LONGEST_TEXT)
    for document in documents:
        drops.num_kept += 1
        group = document.fields.get(options.group_column) or document.id
        yield from _cut(Record(document.id, document.text, group, {"file": file.path.name}), options)


def _treebank(file: Source, options: FrenchOptions, drops: Drops) -> Iterator[Record]:
    """Documents of a treebank, its sentences on lines of their own; single sentences where it names no documents."""
    name = file.path.name

    def key(sentence: Sentence) -> str:
        drops.num_kept += 1
        return sentence.document or sentence.id

    for document, sentences in groupby(read_conllu(file, drops, encoding=options.encoding), key):
        for window in windows(((sentence.line, sentence.text) for sentence in sentences), options.window):
            yield Record(document, window.text, document, {"start": str(window.start), "file": name})


def _hub(source: str, options: FrenchOptions, drops: Drops) -> Iterator[Record]:
    id = ""
    for event in hub.read_hub(source, column=options.column, id_column=options.id_column):
        if isinstance(event, Entry):
            id = event.id
        elif isinstance(event, Fault) or not event.strip():
            drops.add(event.reason if isinstance(event, Fault) else "blank", f"{source} {id}")
        else:
            drops.num_kept += 1
            yield from _cut(Record(id, event.decode(), id, {"file": source}), options)
