"""Structures of files, folders, archives, tables and data sets; each converted in other processes."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.crystals.options import CrystalOptions
from domainbert.adapters.crystals.structures import Converted, Raw, convert
from domainbert.corpus import hub
from domainbert.corpus.archive import is_tar, read_members
from domainbert.corpus.documents import Columns, read_documents
from domainbert.corpus.entries import Entry
from domainbert.corpus.open import Source, expand, open_source, plain_suffix
from domainbert.corpus.parallel import ordered_map
from domainbert.errors import CorpusError

SUFFIXES = frozenset({".cif", ".vasp", ".poscar", ".json", ".jsonl", ".csv", ".tsv", ".parquet", ".tar", ".tgz"})
MAX_STRUCTURE = 16 << 20  # bytes of one structure's text
ALONE, CHUNK = 256, 32  # structures: about four seconds' work, half a second's

_BLOCK = re.compile(r"^data_(\S*)", re.MULTILINE | re.IGNORECASE)
_TEXT_FIELD = re.compile(r"^;.*?^;", re.MULTILINE | re.DOTALL)
_FORMATS = "CIF, POSCAR, pymatgen JSON, JSON lines, tables with a CIF column and tar archives of CIFs are read"


def read_crystals(source: str, options: CrystalOptions, drops: Drops) -> Iterator[Record]:
    """The records of a path, folder, glob or ``hub:`` source.

    Raises:
        CorpusError: something cannot be read or holds no structures.
    """
    work = partial(convert, max_sites=options.max_sites, occupancy_tolerance=options.occupancy_tolerance)
    raws = read_raw(source, options, drops)
    for raw, converted in ordered_map(work, raws, processes=options.processes, chunk=CHUNK, alone=ALONE):
        if converted.reason:
            drops.add(converted.reason, raw.place)
            continue
        drops.num_kept += 1
        drops.altered.update(converted.altered)
        yield _record(raw, converted, options)


def read_raw(source: str, options: CrystalOptions, drops: Drops) -> Iterator[Raw]:
    """Every structure as its file spells it."""
    if source.startswith(hub.PREFIX):
        yield from _hub_rows(source, options, drops)
        return
    for path in crystal_files(source):
        with open_source(path, archives=True) as file:
            kind = options.format if options.format != "auto" else detect_format(file)
            found = 0
            for raw in _readers(kind, file, options, drops):
                found += 1
                yield raw
            if not found and not drops.counts:
                raise CorpusError(f"{path}: no structure in this file; {_FORMATS}")


def convert_entries(texts: Sequence[str], options: CrystalOptions) -> Iterator[tuple[str, Converted | None]]:
    """Each structure that a table's cell or a JSON line holds, converted; with nothing where a text is no such structure."""
    raws = [Raw(_kind_of_text(text), text, "", "", "") for text in texts]
    work = partial(convert, max_sites=options.max_sites, occupancy_tolerance=options.occupancy_tolerance)
    known = (raw for raw in raws if raw.kind)
    converted = ordered_map(work, known, processes=options.processes, chunk=CHUNK, alone=ALONE)
    for raw in raws:
        yield raw.data, next(converted)[1] if raw.kind else None


def crystal_files(source: str) -> list[Path]:
    """The files of a path, folder or glob."""
    return expand(source, suffixes=SUFFIXES)


def detect_format(file: Source) -> str:
    """``tar``, ``table``, ``json``, ``jsonl``, ``poscar`` or ``cif``, by content, then by name.

    Raises:
        CorpusError: it is none of them.
    """
    suffix, head = plain_suffix(file.path), file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if is_tar(file.head):
        return "tar"
    if file.is_parquet or suffix in {".csv", ".tsv"}:
        return "table"
    if head.startswith((b"{", b"[")):
        line = head.partition(b"\n")[0].rstrip()
        return "jsonl" if suffix == ".jsonl" or (suffix != ".json" and _is_json(line)) else "json"
    kind = _kind_by_name(file.path.name)
    if kind == "poscar" or (kind != "cif" and _BLOCK.search(head.decode("latin-1")) is None and _looks_like_poscar(head)):
        return "poscar"
    if kind == "cif" or _BLOCK.search(head.decode("latin-1")):
        return "cif"
    shown = head.split(b"\n")[0][:40].decode("utf-8", "replace")
    raise CorpusError(f"{file.path}: begins with {shown!r}; {_FORMATS} (the option format says which)")


def cif_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Name and text of each data block of a CIF file."""
    text = _TEXT_FIELD.sub(lambda match: match[0].replace("\ndata_", "\ndata-"), text)  # in a text field it begins no block
    starts = [match.start() for match in _BLOCK.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        block = text[start:end]
        name = _BLOCK.match(block)
        yield name[1] if name else "", block


def _readers(kind: str, file: Source, options: CrystalOptions, drops: Drops) -> Iterator[Raw]:
    name, path = file.path.name, str(file.path)
    if kind == "tar":
        for member, data in read_members(file, drops):
            file_kind = _kind_by_name(PurePosixPath(member).name)
            if file_kind:
                yield from _structures(file_kind, data, PurePosixPath(member).name, member, f"{path}: {member}", drops)
    elif kind == "table":
        columns = Columns(text=options.column, id=options.id_column)
        documents = read_documents(file, drops, columns=columns, format="table", encoding=options.encoding, max_characters=MAX_STRUCTURE)
        for document in documents:
            yield from _structures("cif", document.text.encode(), document.id, name, f"{path}:{document.line}", drops)
    elif kind == "jsonl":
        with file.text("utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                file.num_records += 1
                if line.strip():
                    yield Raw("json", line, f"{name}:{number}", name, f"{path}:{number}")
    else:
        data = b"".join(_bounded(file))
        yield from _structures(kind, data, name, name, path, drops)


def _bounded(file: Source) -> Iterator[bytes]:
    size = 0
    for block in file.blocks():
        size += len(block)
        if size > MAX_STRUCTURE:
            raise CorpusError(f"{file.path}: over {MAX_STRUCTURE >> 20} MiB in one file; split it, or use JSON lines or tar")
        yield block


def _structures(kind: str, data: bytes, name: str, file: str, place: str, drops: Drops) -> Iterator[Raw]:
    """The structures of one file's text; a data block without atoms is counted as trimmed beside one with atoms."""
    if kind == "json":
        yield from _json_structures(data, name, file, place)
        return
    text = data.decode("latin-1")
    if kind == "poscar":
        yield Raw("poscar", text, name, file, place)
        return
    blocks = list(cif_blocks(text))
    with_atoms = [(block_name, block) for block_name, block in blocks if "_atom_site_" in block]
    if not with_atoms:
        drops.add("no_atom_sites" if blocks else "no_data_block", place)
    else:
        drops.trimmed.update(
            {"data_block_without_atoms": sum(len(block) for _, block in blocks) - sum(len(block) for _, block in with_atoms)}
        )
        drops.trimmed += type(drops.trimmed)()  # leaves out zeros
    for number, (block_name, block) in enumerate(with_atoms, start=1):
        one = len(with_atoms) == 1
        yield Raw("cif", block, name if one else f"{name}:{block_name}", file, place if one else f"{place}: block {number}")


def _json_structures(data: bytes, name: str, file: str, place: str) -> Iterator[Raw]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{place}: is not JSON ({error})") from None
    if not isinstance(content, list):
        yield Raw("json", json.dumps(content), name, file, place)
        return
    for number, item in enumerate(content, start=1):
        yield Raw("json", json.dumps(item), f"{name}:{number}", file, f"{place}: item {number}")


def _hub_rows(source: str, options: CrystalOptions, drops: Drops) -> Iterator[Raw]:
    entry = Entry("", 0)
    for event in hub.read_hub(source, column=options.column, id_column=options.id_column):
        if isinstance(event, Entry):
            entry = event
        elif isinstance(event, bytes):
            yield from _structures("cif", event, entry.id, source, f"{source}: row {entry.line}", drops)
        else:
            drops.add(event.reason, f"{source}: row {entry.line}")


def _record(raw: Raw, converted: Converted, options: CrystalOptions) -> Record:
    group = converted.elements if options.group == "elements" else converted.formula
    meta = {"file": raw.file, "formula": converted.formula, "kind": "disordered" if converted.disordered else "ordered"}
    if converted.altered:
        meta["altered"] = " ".join(converted.altered)
    return Record(raw.id, converted.text, group, meta)


def _kind_by_name(name: str) -> str:
    lower = name.lower()
    if lower.startswith(("poscar", "contcar")) or lower.endswith((".vasp", ".poscar")):
        return "poscar"
    return {".cif": "cif", ".json": "json"}.get(plain_suffix(Path(name)), "")


def _kind_of_text(text: str) -> str:
    if text.lstrip().startswith("{"):
        return "json"
    if "_atom_site_" in text:
        return "cif"
    return "poscar" if _looks_like_poscar(text.encode()) else ""


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _looks_like_poscar(head: bytes) -> bool:
    """A title, a scale, then three vectors."""
    lines = head.decode("latin-1").split("\n")[1:5]
    try:
        return [len([float(word) for word in line.split()[:3]]) for line in lines] == [1, 3, 3, 3]
    except ValueError:
        return False
