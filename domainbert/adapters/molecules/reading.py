"""From files of molecules to records."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.molecules.options import MoleculesOptions
from domainbert.corpus import hub
from domainbert.corpus.documents import Columns, read_documents
from domainbert.corpus.entries import Entry
from domainbert.corpus.open import Source, expand, open_source, plain_suffix
from domainbert.corpus.parallel import ordered_map
from domainbert.corpus.sdf import read_sdf
from domainbert.errors import CorpusError

if TYPE_CHECKING:
    from domainbert.adapters.molecules.chemistry import Verdict

    Judge = Callable[[Sequence[str], MoleculesOptions], list[Verdict]]

LINES_SUFFIXES = frozenset({".smi", ".smiles", ".ism", ".can", ".cxsmiles"})
SDF_SUFFIXES = frozenset({".sdf", ".sd", ".mol"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet", ".jsonl", ".ndjson"})
SHOWN_DROPS = 20  # of each reason
CHARACTERS_PER_ATOM = 40  # more than any spelling of an atom takes: a cheap bound before RDKit sees the text

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A molecule as its file gives it: a SMILES, or the molfile of an SD entry."""

    id: str
    text: str
    group: str
    file: str
    place: str


def read_molecules(source: str, options: MoleculesOptions, drops: Drops) -> Iterator[Record]:
    """The records of a path, folder, glob or ``hub:`` source.

    Raises:
        CorpusError: something cannot be read, or no molecule of a file is one for RDKit.
    """
    if source.startswith(hub.PREFIX):
        yield from judged(_from_hub(source, options), options, drops)
        return
    for path in molecule_files(source, options):
        with open_source(path) as file:
            is_sdf = _is_sdf(file, options)
            raws = _from_sdf(file, options) if is_sdf else _from_texts(file, options, drops)
            yield from judged(raws, options, drops, are_blocks=is_sdf)


def molecule_files(source: str, options: MoleculesOptions) -> list[Path]:
    """The files of a path, folder or glob that ``read_molecules`` reads; of a folder those of the format, whose suffix says so."""
    by_format = {
        "lines": LINES_SUFFIXES | {".txt"},
        "sdf": SDF_SUFFIXES,
        "table": TABLE_SUFFIXES - {".jsonl", ".ndjson"},
        "jsonl": frozenset({".jsonl", ".ndjson", ".json"}),
    }
    return expand(source, suffixes=by_format.get(options.format, LINES_SUFFIXES | SDF_SUFFIXES | TABLE_SUFFIXES))


def judged(raws: Iterable[_Raw], options: MoleculesOptions, drops: Drops, *, are_blocks: bool = False) -> Iterator[Record]:
    """The records of molecules that RDKit accepts, in order; the others are counted, and logged each with its place and RDKit's words."""
    from domainbert.adapters.molecules.chemistry import judge_blocks, judge_smiles

    work = partial(_judge_raws, judge_blocks if are_blocks else judge_smiles, options=options)
    for raw, verdict in ordered_map(work, raws, processes=options.processes):
        if verdict.reason:
            place = f"{raw.place} ({verdict.detail})"
            drops.add(verdict.reason, place)
            _log_drop(verdict.reason, place, drops)
            continue
        drops.num_kept += 1
        # A start, so that two molecules of one name in a row are two entries.
        yield Record(raw.id, verdict.text, raw.group or verdict.group, {"file": raw.file, "start": "0"})


def judge_entries(texts: Sequence[str], options: MoleculesOptions) -> "Iterator[Verdict]":
    """The verdict on each SMILES of a table."""
    from domainbert.adapters.molecules.chemistry import judge_smiles

    work = partial(judge_smiles, options=options)
    return (verdict for _, verdict in ordered_map(work, texts, processes=options.processes))


def _log_drop(reason: str, place: str, drops: Drops) -> None:
    """Each drop with its place, as long as a person would read them; afterwards for those who ask for more."""
    number = drops.counts[reason]
    _log.log(logging.INFO if number <= SHOWN_DROPS else logging.DEBUG, "dropped: %s: %s", reason, place)
    if number == SHOWN_DROPS:
        _log.info("dropped: %s: further ones are only counted (logging at level DEBUG names them)", reason)


def sample_texts(records: Iterable[Record]) -> Iterator[_Raw]:
    """The built-in sample, treated like a file."""
    for number, record in enumerate(records, start=1):
        yield _Raw(record.id, record.text, "", "sample", f"sample:{number}")


def _judge_raws(judge: "Judge", raws: Sequence[_Raw], *, options: MoleculesOptions) -> "list[Verdict]":
    return judge([raw.text for raw in raws], options)


def _is_sdf(file: Source, options: MoleculesOptions) -> bool:
    if options.format != "auto":
        return options.format == "sdf"
    return plain_suffix(file.path) in SDF_SUFFIXES or b"\nM  END" in file.head.replace(b"\r", b"\n")


def _from_sdf(file: Source, options: MoleculesOptions) -> Iterator[_Raw]:
    for entry in read_sdf(file, encoding=options.encoding):
        place = f"{file.path}:{entry.line}"
        name = entry.field(options.id_column) if options.id_column else entry.title
        group = _group(entry.field(options.group_column), place, options) if options.group_column else ""
        yield _Raw(name or f"{file.path.name}:{entry.line}", entry.block, group, file.path.name, place)


def _from_texts(file: Source, options: MoleculesOptions, drops: Drops) -> Iterator[_Raw]:
    columns = Columns(options.column, options.id_column, (options.group_column,) if options.group_column else ())
    longest = CHARACTERS_PER_ATOM * options.max_atoms
    documents = read_documents(file, drops, columns=columns, format=options.format, encoding=options.encoding, max_characters=longest)
    for document in documents:
        place = f"{file.path}:{document.line}"
        text, *rest = document.text.split(None, 1)
        group = _group(document.fields.get(options.group_column, ""), place, options) if options.group_column else ""
        name = document.id
        if rest and rest[0].startswith("|"):
            drops.trimmed["cxsmiles_extension"] += len(rest[0])
        elif rest and not options.id_column:
            name = rest[0].strip()
        yield _Raw(name, text, group, file.path.name, place)


def _from_hub(source: str, options: MoleculesOptions) -> Iterator[_Raw]:
    if options.group_column:
        raise CorpusError(f"{source}: the option group_column is not read from the Hub; save the data set as Parquet first")
    name, parts = "", list[bytes]()
    for event in hub.read_hub(source, column=options.column or "smiles", id_column=options.id_column):
        if isinstance(event, Entry):
            if name:
                yield _Raw(name, b"".join(parts).decode(), "", source, name)
            name, parts = event.id, []
        elif isinstance(event, bytes):
            parts.append(event)
    if name:
        yield _Raw(name, b"".join(parts).decode(), "", source, name)


def _group(value: str, place: str, options: MoleculesOptions) -> str:
    if not value.strip():
        raise CorpusError(
            f"{place}: nothing in {options.group_column!r}, which the option group_column names; every molecule needs a group"
        )
    return value.strip()
