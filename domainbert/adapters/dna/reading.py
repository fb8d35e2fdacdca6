"""Which reader reads a file, told by its content."""

import codecs
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.dna.options import DnaOptions
from domainbert.adapters.dna.pieces import cut_entries
from domainbert.corpus import hub
from domainbert.corpus.entries import Entry, Event
from domainbert.corpus.fasta import read_fasta
from domainbert.corpus.genbank import read_genbank
from domainbert.corpus.lines import read_lines
from domainbert.corpus.open import Source, expand, open_source, plain_suffix
from domainbert.corpus.table import read_table
from domainbert.errors import CorpusError

FASTA_SUFFIXES = frozenset({".fa", ".fas", ".fasta", ".fna", ".ffn", ".frn", ".fsa", ".seq"})
GENBANK_SUFFIXES = frozenset({".gb", ".gbk", ".gbff", ".genbank", ".seq"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})
LINES_SUFFIXES = frozenset({".txt", ".seq", ".lines"})

_LINE_OF_LETTERS = re.compile(rb"\s*[A-Za-z*.-]+[ \t]*(?:\n|$)")
_FOREIGN = {
    b"@": "FASTQ or SAM; convert FASTQ to FASTA first",
    b"ID   ": "an EMBL or Swiss-Prot flat file; convert it to FASTA or GenBank first",
    b"##": "an annotation or variant file, without sequence",
    b"<": "a web page or XML, perhaps the error page of a failed download",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself (git lfs pull)",
}


def read_dna(source: str, options: DnaOptions, drops: Drops) -> Iterator[Record]:
    """The records of a path, folder, glob or ``hub:`` source.

    Raises:
        CorpusError: something cannot be read or is not nucleotide sequence.
    """
    _require_encoding(options.encoding)
    if source.startswith(hub.PREFIX):
        events = hub.read_hub(source, column=options.column, id_column=options.id_column)
        yield from cut_entries(events, path=source, name=source, options=options, drops=drops, soft_mask=False)
        return
    for path in dna_files(source, options):
        with open_source(path) as file:
            kind = options.format if options.format != "auto" else detect_format(file, has_column=bool(options.column))
            events = read_events(file, kind, options)
            soft_mask = kind == "fasta"
            yield from cut_entries(events, path=str(path), name=path.name, options=options, drops=drops, soft_mask=soft_mask)


def dna_files(source: str, options: DnaOptions) -> list[Path]:
    """The files of a path, folder or glob that ``read_dna`` reads."""
    return expand(source, suffixes=folder_suffixes(options))


def cut_sample(sample: Iterable[Record], options: DnaOptions, drops: Drops) -> Iterator[Record]:
    """The built-in sample, treated like a file."""
    events = (event for number, record in enumerate(sample, start=1) for event in (Entry(record.id, number), record.text.encode()))
    return cut_entries(events, path="sample", name="sample", options=options, drops=drops, soft_mask=False)


def folder_suffixes(options: DnaOptions) -> frozenset[str]:
    """The files that are taken from a folder: those of ``format``; FASTA and GenBank (and tables, with a column) for ``auto``.

    A ``.txt`` may be a read-me as well as sequences: it is taken from a folder with ``format = "lines"`` only.
    """
    auto = FASTA_SUFFIXES | GENBANK_SUFFIXES | (TABLE_SUFFIXES if options.column else frozenset())
    by_format = {"fasta": FASTA_SUFFIXES, "genbank": GENBANK_SUFFIXES, "table": TABLE_SUFFIXES, "lines": LINES_SUFFIXES}
    return by_format.get(options.format, auto)


def detect_format(file: Source, *, has_column: bool = False) -> str:
    """``fasta``, ``genbank``, ``table`` or ``lines``, by a file's first 64 KiB; its suffix decides where those cannot.

    Raises:
        CorpusError: it is none of them.
    """
    head = file.head.removeprefix(b"\xef\xbb\xbf").lstrip().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    suffix = plain_suffix(file.path)
    signs = (
        ("table", file.is_parquet),
        ("fasta", head.startswith((b">", b";"))),
        ("genbank", head.startswith(b"LOCUS ") or b"\nLOCUS  " in head),
        ("table", suffix in TABLE_SUFFIXES or has_column),
        ("fasta", b"\n>" in head or suffix in FASTA_SUFFIXES - GENBANK_SUFFIXES),  # its reader names the text before the first >
        ("genbank", suffix in GENBANK_SUFFIXES - FASTA_SUFFIXES),
        ("lines", _LINE_OF_LETTERS.match(head) is not None),
    )
    for kind, holds in signs:
        if holds:
            return kind
    shown = head.split(b"\n")[0][:40].decode("utf-8", "replace")
    guess = next((f", which looks like {what}" for mark, what in _FOREIGN.items() if head.startswith(mark)), "")
    raise CorpusError(
        f"{file.path}: begins with {shown!r}{guess}; FASTA, GenBank, one sequence a line, CSV, TSV and Parquet are read "
        "(the option format says which, if it cannot be told by the content)"
    )


def read_events(file: Source, kind: str, options: DnaOptions) -> Iterator[Event]:
    """The entries of one file by the reader of its format."""
    if kind == "fasta":
        return read_fasta(file, encoding=options.encoding)
    if kind == "genbank":
        return read_genbank(file)
    if kind == "lines":
        return read_lines(file)
    return read_table(file, column=options.column, id_column=options.id_column, encoding=options.encoding)


def _require_encoding(encoding: str) -> None:
    try:
        if "ACGT>\n".encode(codecs.lookup(encoding).name) == b"ACGT>\n":
            return
    except LookupError:
        pass
    raise CorpusError(f"option encoding = {encoding!r}: Python must know it and ASCII must be ASCII in it, e.g. 'utf-8' or 'latin-1'")
