"""From files of proteins to records."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.proteins.options import ProteinsOptions
from domainbert.adapters.proteins.sequence import canonical_table, is_line_of_residues, is_standard, odd_letter, why_not_protein
from domainbert.corpus import hub
from domainbert.corpus.documents import Columns, read_documents
from domainbert.corpus.entries import Entry, Event, Fault
from domainbert.corpus.fasta import read_fasta
from domainbert.corpus.open import Source, expand, open_source, plain_suffix
from domainbert.corpus.uniprot import read_uniprot, read_uniprot_xml
from domainbert.errors import CorpusError

FASTA_SUFFIXES = frozenset({".fa", ".fas", ".fasta", ".faa", ".fsa", ".a2m", ".a3m", ".afa"})
UNIPROT_SUFFIXES = frozenset({".dat", ".swiss"})
XML_SUFFIXES = frozenset({".xml"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})
JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})
MAX_RESIDUES = 1 << 17  # the longest known protein chain has some 45,000

_FOREIGN = {
    b"LOCUS ": "a GenBank file; its CDS translations must be written as FASTA first",
    b"@": "FASTQ or SAM, which hold reads and no proteins",
    b"HEADER ": "a PDB file; a FASTA of its chains is needed",
    b"data_": "a CIF file; a FASTA of its chains is needed",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself (git lfs pull)",
}


@dataclass(frozen=True, slots=True)
class _Raw:
    """A protein as its file gives it. ``fault`` is what its reader says against it."""

    id: str
    text: str
    line: int
    group: str = ""
    fault: str = ""
    kind: str = ""


def read_proteins(source: str, options: ProteinsOptions, drops: Drops) -> Iterator[Record]:
    """The records of a path, folder, glob or ``hub:`` source.

    Raises:
        CorpusError: something cannot be read or is not protein sequence.
    """
    judge = Judge(options, drops)
    if source.startswith(hub.PREFIX):
        yield from judge(_joined(hub.read_hub(source, column=options.column, id_column=options.id_column)), path=source, name=source)
        return
    for path in protein_files(source, options):
        with open_source(path) as file:
            yield from judge(_raws(file, options, drops), path=str(path), name=path.name)


def sequence_group(canonical: str) -> str:
    """The group of a chain of which nothing but its sequence is known: a hash."""
    return blake2b(canonical.encode(), digest_size=8).hexdigest()


def protein_files(source: str, options: ProteinsOptions) -> list[Path]:
    """The files of a path, folder or glob that ``read_proteins`` reads; of a folder those whose suffix says so (tables with a column)."""
    tables = TABLE_SUFFIXES | JSON_SUFFIXES
    auto = FASTA_SUFFIXES | UNIPROT_SUFFIXES | XML_SUFFIXES | (tables if options.column else frozenset())
    by_format = {
        "fasta": FASTA_SUFFIXES,
        "uniprot": UNIPROT_SUFFIXES | {".txt"},
        "uniprot_xml": XML_SUFFIXES,
        "lines": frozenset({".txt", ".seq", ".lines"}),
        "table": TABLE_SUFFIXES,
        "jsonl": JSON_SUFFIXES | {".json"},
    }
    return expand(source, suffixes=by_format.get(options.format, auto))


class Judge:
    """Turns what files hold into records, and counts what must be dropped.

    Args:
        options: policies and limits.
        drops: is counted into.
    """

    def __init__(self, options: ProteinsOptions, drops: Drops) -> None:
        self._options, self._drops = options, drops
        self._table = canonical_table(options)
        self._clusters = _read_clusters(options) if options.clusters else {}

    def __call__(self, raws: Iterable[_Raw], *, path: str, name: str) -> Iterator[Record]:
        """The records of one file.

        Raises:
            CorpusError: every entry is a nucleic acid, or none is in the file of clusters.
        """
        reasons: Counter[str] = Counter()
        num_entries = num_clustered = 0
        for raw in raws:
            num_entries += 1
            text = raw.text.removesuffix("*")
            standard = is_standard(text)
            reason = raw.fault or why_not_protein(text, self._options)
            if reason:
                reasons[reason] += 1
                shown = f" ({odd_letter(text)!r})" if reason == "illegal_character" else ""
                self._drops.add(reason, f"{path}:{raw.line}{shown}")
                continue
            canonical = text if standard else text.translate(self._table)
            self._count(raw.text, text, canonical)
            cluster = self._cluster(raw.id)
            num_clustered += bool(cluster)
            group = cluster or raw.group or sequence_group(canonical)
            # A start, so that two proteins of one name in a row are two entries.
            meta = {"file": name, "start": "0"}
            yield Record(raw.id, canonical, group, {**meta, "kind": raw.kind} if raw.kind else meta)
        if not num_entries:
            raise CorpusError(f"{path}: there is no entry in it")
        if reasons["looks_like_nucleotides"] == num_entries:
            raise CorpusError(
                f"{path}: these are no proteins: all {num_entries} entries look like nucleic acids; give the translated sequences, "
                "or use the adapter dna"
            )
        if self._clusters and not num_clustered and num_entries > reasons.total():
            raise CorpusError(f"{path}: no entry is named in {self._options.clusters}, the option clusters; its second column holds ids")

    def _count(self, raw: str, text: str, canonical: str) -> None:
        self._drops.num_kept += 1
        if len(raw) > len(text):
            self._drops.trimmed["stop_at_end"] += 1
        if len(text) > len(canonical):
            self._drops.trimmed["gaps"] += len(text) - len(canonical)

    def _cluster(self, name: str) -> str:
        if not self._clusters:
            return ""
        parts = name.split("|")  # sp|P12345|NAME_SPECIES
        return self._clusters.get(name) or (self._clusters.get(parts[1], "") if len(parts) > 1 else "")


def sample_texts(records: Iterable[Record]) -> Iterator[_Raw]:
    """The built-in sample, treated like a file."""
    for number, record in enumerate(records, start=1):
        yield _Raw(record.id, record.text, number, record.group, kind=record.meta["kind"])


def detect_format(file: Source, *, has_column: bool = False) -> str:
    """The format of a file, by its first 64 KiB and its suffix.

    Raises:
        CorpusError: it is none that is read.
    """
    head = file.head.removeprefix(b"\xef\xbb\xbf").lstrip().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    suffix = plain_suffix(file.path)
    signs = (
        ("parquet", file.is_parquet),
        ("fasta", head.startswith((b">", b";"))),
        ("uniprot_xml", head.startswith(b"<?xml") and b"<uniprot" in head),
        ("uniprot", head.startswith(b"ID   ") and b"\nAC   " in head),
        ("jsonl", suffix in JSON_SUFFIXES),
        ("table", suffix in TABLE_SUFFIXES or has_column),
        ("fasta", b"\n>" in head or suffix in FASTA_SUFFIXES),  # its reader names the text before the first >
        ("lines", is_line_of_residues(head.split(b"\n")[0])),
    )
    for kind, holds in signs:
        if holds:
            return kind
    shown = head.split(b"\n")[0][:40].decode("utf-8", "replace")
    guess = next((f", which looks like {what}" for mark, what in _FOREIGN.items() if head.startswith(mark)), "")
    raise CorpusError(
        f"{file.path}: begins with {shown!r}{guess}; FASTA, UniProt flat files and XML, one sequence a line, CSV, TSV, JSON lines and "
        "Parquet are read (the option format says which, if it cannot be told by the content)"
    )


def _raws(file: Source, options: ProteinsOptions, drops: Drops) -> Iterator[_Raw]:
    """The entries of one file by the reader of its format."""
    kind = options.format if options.format != "auto" else detect_format(file, has_column=bool(options.column))
    if kind == "fasta":
        return _joined(read_fasta(file, encoding=options.encoding))
    if kind in ("uniprot", "uniprot_xml"):
        entries = (read_uniprot if kind == "uniprot" else read_uniprot_xml)(file)
        return (_Raw(entry.accession, entry.sequence, entry.line, entry.family) for entry in entries)
    return _from_texts(file, "auto" if kind == "parquet" else kind, options, drops)


def _joined(events: Iterable[Event]) -> Iterator[_Raw]:
    """Entries with their whole sequence; of one that is longer than any protein only the beginning, to tell what it is."""
    head: Entry | None = None
    parts: list[bytes] = []
    size, fault = 0, ""
    for event in events:
        if isinstance(event, bytes):
            if size <= MAX_RESIDUES:
                parts.append(event)
            size += len(event)
        elif isinstance(event, Fault):
            fault = event.reason
        else:
            if head is not None:
                yield _whole(head, parts, size, fault)
            head, parts, size, fault = event, [], 0, ""
    if head is not None:
        yield _whole(head, parts, size, fault)


def _whole(head: Entry, parts: list[bytes], size: int, fault: str) -> _Raw:
    text = b"".join(parts).decode("latin-1")
    if size > MAX_RESIDUES and not fault:
        fault = why_not_protein(text[:MAX_RESIDUES], ProteinsOptions()) or "too_long"
    return _Raw(head.id, text, head.line, fault=fault or ("" if head.id.strip() else "blank_id"))


def _from_texts(file: Source, kind: str, options: ProteinsOptions, drops: Drops) -> Iterator[_Raw]:
    extra = (options.group_column,) if options.group_column else ()
    columns = Columns(options.column, options.id_column, extra)
    documents = read_documents(file, drops, columns=columns, format=kind, encoding=options.encoding, max_characters=MAX_RESIDUES)
    for document in documents:
        group = document.fields.get(options.group_column, "").strip()
        if extra and not group:
            raise CorpusError(f"{file.path}:{document.line}: nothing in {extra[0]!r}, the option group_column; every protein needs a group")
        yield _Raw(document.id, document.text, document.line, group)


def _read_clusters(options: ProteinsOptions) -> dict[str, str]:
    with open_source(Path(options.clusters).expanduser()) as file:
        columns = Columns(text="2", id="1")
        return {row.text: row.id for row in read_documents(file, Drops(), columns=columns, format="table")}
