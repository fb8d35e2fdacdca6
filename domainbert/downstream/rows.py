"""Reads a task's files: tables, JSON lines, Parquet, CoNLL, CoNLL-U, labelled residues, or the domain's own formats."""

import glob
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domainbert.adapters.base import Adapter, Drops
from domainbert.corpus.documents import Columns, read_documents
from domainbert.corpus.open import Source, plain_suffix
from domainbert.downstream.task import COLD, SAMPLE, Task
from domainbert.errors import CorpusError
from domainbert.recipe.fields import build
from domainbert.recipe.problems import Problems

CONLLU_FORM, CONLLU_COLUMNS = 1, ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled example, raw.

    Args:
        place: file and line.
        file: key of its file in the task.
        text: of a text task.
        second: the other half of a pair.
        labels: as spelled, one a label column.
        group: from its column or record.
        time: from its column.
        split: from its column.
        words: of a token task.
        tags: one a word.
        cold: names of the halves of a pair that the adapter holds out, separated by blanks.
        second_group: of the other half of a pair.
    """

    place: str
    file: str
    text: str = ""
    second: str = ""
    labels: tuple[str, ...] = ()
    group: str = ""
    time: str = ""
    split: str = ""
    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cold: str = ""
    second_group: str = ""


def read_rows(task: Task, adapter: Adapter, drops: Drops) -> list[Row]:
    """Every row of a task's files.

    Raises:
        CorpusError: a file is missing or damaged, or has no such column.
    """
    rows: list[Row] = []
    for key, path in _paths(task):
        with _unpacked(path, task.reading.member) as opened:
            found = list(_READERS[_format(task, opened)](opened, key, task, adapter, drops))
        if not found:
            raise CorpusError(f"{path}: no row is left of it ({_reasons(drops) or 'it holds none'})")
        rows += found
    return _listed(rows, task) if task.split.by == "ids" else rows


def _paths(task: Task) -> Iterator[tuple[str, Path]]:
    """Every file with its key; a name may be a glob, and of records a folder or the built-in sample."""
    records = task.reading.format == "records"
    for key, name in task.files.items():
        if records and (name == SAMPLE or (Path(task.folder) / name).is_dir()):
            yield key, Path(SAMPLE) if name == SAMPLE else Path(task.folder) / name
            continue
        found = sorted(Path(task.folder).glob(name)) if glob.has_magic(name) else [Path(task.folder) / name]
        if not found or not found[0].is_file():
            raise CorpusError(f"task {task.name!r}: files.{key} = {name!r}: no such file in {task.folder or '.'}")
        yield from ((key, path) for path in found)


def _format(task: Task, path: Path) -> str:
    if task.reading.format != "auto":
        return task.reading.format
    return {".conllu": "conllu", ".conll": "conll"}.get(plain_suffix(path), "conll" if task.kind == "tokens" else "table")


def _table(path: Path, key: str, task: Task, adapter: Adapter, drops: Drops) -> Iterator[Row]:
    label = key.removeprefix("label:") if key.startswith("label:") else None
    extra = tuple(dict.fromkeys(name for name in (*_label_columns(task, label), *_others(task)) if name))
    with Source(path) as source:
        # Other columns are asked for even when the text is found without a name, so the kind of file decides.
        kind = "jsonl" if task.reading.format == "jsonl" else "auto"
        columns = Columns(task.text, "", extra)
        for document in read_documents(source, drops, columns=columns, format=kind, encoding=task.reading.encoding):
            value = document.fields.get
            labels = (label,) if label is not None else tuple(value(name, "") for name in task.labels)
            yield Row(
                f"{path.name}:{document.line}", key, document.text, value(task.second, ""), labels,
                value(task.group, ""), value(task.time, ""), value(task.split.column, ""),
            )  # fmt: skip


def _objects(path: Path, key: str, task: Task, adapter: Adapter, drops: Drops) -> Iterator[Row]:
    """JSON objects; texts of several parts are joined, and without a column of texts each object is an entry as it stands."""
    label = key.removeprefix("label:") if key.startswith("label:") else None
    for place, name, item in _json_objects(path, task.reading.encoding):
        wanted = (task.text, *_label_columns(task, label), *_others(task))
        if lost := [column for column in wanted if column and column not in item]:
            raise CorpusError(f"{place}: no key {lost[0]!r}; there are: {', '.join(map(repr, item))}")
        value = {column: _joined(item[column]) for column in wanted if column}.get
        labels = (label,) if label is not None else tuple(value(column, "") for column in task.labels)
        text = value(task.text, "") if task.text else json.dumps(item)
        own = name if task.split.by == "ids" else ""
        yield Row(
            place, key, text, value(task.second, ""), labels, value(task.group, ""), value(task.time, ""), value(task.split.column, own)
        )


def _json_objects(path: Path, encoding: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Place, id and content of each object of a file: one a line, or all in one object by their ids."""
    with Source(path) as source, source.text(encoding) as lines:
        text = lines.read()
    try:
        whole = json.loads(text)
        items = [(f"{path.name}: {name}", name, item) for name, item in whole.items()] if isinstance(whole, dict) else []
    except (ValueError, RecursionError):
        items = list(_json_lines(path, text))
    if not items or not all(isinstance(item, dict) for _, _, item in items):
        raise CorpusError(f"{path}: neither one JSON object a line nor one object of objects by their ids")
    yield from items


def _json_lines(path: Path, text: str) -> Iterator[tuple[str, str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{path.name}:{number}"
            try:
                yield place, place, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CorpusError(f"{place}: is not JSON ({error})") from None


def _joined(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _listed(rows: list[Row], task: Task) -> list[Row]:
    """Rows with the split whose file lists their id."""
    by_id: dict[str, str] = {}
    for split, name in task.split.ids.items():
        path = Path(task.folder) / name
        if not path.is_file():
            raise CorpusError(f"task {task.name!r}: split.ids.{split} = {name!r}: no such file in {task.folder or '.'}")
        with Source(path) as source, source.text(task.reading.encoding) as lines:
            text = lines.read()
        listed = json.loads(text) if text.lstrip().startswith("{") else text.split("\n")
        by_id |= dict.fromkeys((each.strip() for each in listed if each.strip()), split)
    lost = by_id.keys() - {row.split for row in rows}
    if lost:
        raise CorpusError(f"task {task.name!r}: {len(lost):,} of {len(by_id):,} ids of split.ids are no row's, such as {min(lost)!r}")
    return [replace(row, split=by_id.get(row.split, "train")) for row in rows]


def _records(path: Path, key: str, task: Task, adapter: Adapter, drops: Drops) -> Iterator[Row]:
    """The domain's own files; what they label is in the record."""
    label = key.removeprefix("label:") if key.startswith("label:") else None
    problems = Problems(f"task {task.name!r}")
    options = build(adapter.Options, task.reading.options, "reading.options", problems)
    problems.raise_any()
    reader = type(adapter)(options) if task.reading.options else adapter
    half = task.split.by.removeprefix(COLD)  # whose groups matter
    for number, record in enumerate(reader.records(str(path), drops=drops)):
        own = "" if record.label is None else str(record.label)
        labels = (label,) if label is not None else tuple(str(record.meta.get(name, own)) for name in task.labels)
        meta = record.meta.get
        yield Row(
            f"{path.name}: {record.id or number}", key, record.text, record.second.text if record.second else "", labels,
            str(meta(f"{half}_group", record.group)), str(meta(task.time, "")), str(meta(task.split.column, "")),
            cold=str(meta("cold", "")), second_group=record.second.group if record.second else "",
        )  # fmt: skip


def _conll(path: Path, key: str, task: Task, adapter: Adapter, drops: Drops) -> Iterator[Row]:
    """One word a line with its tag last, blank lines between sentences; ``-DOCSTART-`` lines begin a document."""
    document = 0
    for place, lines in _paragraphs(path, task.reading.encoding):
        if lines[0].startswith("-DOCSTART-"):
            document += 1
            continue
        cells = [line.split("\t") if "\t" in line else line.split() for line in lines]
        short = next((number for number, cell in enumerate(cells) if len(cell) < 2), None)  # noqa: PLR2004  # word and tag
        if short is not None:
            raise CorpusError(f"{path.name}:{place + short}: {lines[short]!r} is no word with a tag")
        words, tags = tuple(cell[0] for cell in cells), tuple(cell[-1] for cell in cells)
        yield Row(f"{path.name}:{place}", key, words=words, tags=tags, group=f"{path.name}#{document}" if document else "")


def _conllu(path: Path, key: str, task: Task, adapter: Adapter, drops: Drops) -> Iterator[Row]:
    """Words of Universal Dependencies; a word of several (``du``) is left to its parts, empty nodes are left out."""
    wanted = task.labels[0] if task.labels != ("label",) else "UPOS"
    if wanted not in CONLLU_COLUMNS:
        raise CorpusError(f"task {task.name!r}: labels = [{wanted!r}]; CoNLL-U has {', '.join(CONLLU_COLUMNS)}")
    column = CONLLU_COLUMNS.index(wanted)
    for place, lines in _paragraphs(path, task.reading.encoding):
        cells = [line.split("\t") for line in lines if not line.startswith("#")]
        if bad := next((cell for cell in cells if len(cell) != len(CONLLU_COLUMNS)), None):
            raise CorpusError(f"{path.name}: the sentence at line {place} has a line of {len(bad)} columns, not {len(CONLLU_COLUMNS)}")
        plain = [cell for cell in cells if cell[0].isdigit()]
        if plain:
            tags = tuple(cell[column] for cell in plain)
            yield Row(f"{path.name}:{place}", key, words=tuple(cell[CONLLU_FORM] for cell in plain), tags=tags)


def _residues(path: Path, key: str, task: Task, adapter: Adapter, drops: Drops) -> Iterator[Row]:
    """FASTA of labels beside FASTA of sequences, one letter a residue (FLIP): ``member`` names ``sequences,labels,mask``."""
    names = [name.strip() for name in task.reading.member.split(",")]
    with zipfile.ZipFile(path) as archive:
        files = [dict(_fasta(archive.read(name).decode())) for name in names]
    sequences, labels, masks = (*files, {})[:3]
    headers = {header.split()[0]: header for header in labels}
    for name, sequence in sequences.items():
        header = headers.get(name.split()[0], "")
        tags, mask = labels.get(header, ""), masks.get(name, "1" * len(sequence))
        if len(tags) != len(sequence):
            drops.add("no_labels" if not tags else "labels_of_another_length", f"{path.name}: {name}")
            continue
        flags = dict(part.split("=") for part in header.split()[1:] if "=" in part)
        split = "validation" if flags.get("VALIDATION") == "True" else flags.get("SET", "")
        shown = tuple(tag if known == "1" else "" for tag, known in zip(tags, mask, strict=True))
        yield Row(f"{path.name}: {name}", key, words=tuple(sequence), tags=shown, split=split)


def _fasta(text: str) -> Iterator[tuple[str, str]]:
    for entry in text.split(">")[1:]:
        header, _, body = entry.partition("\n")
        yield header.strip(), body.replace("\n", "")


def _paragraphs(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines that are not blank, with the number of the first."""
    held: list[str] = []
    with Source(path) as source, source.text(encoding) as lines:
        number = 0
        try:
            for number, raw in enumerate(lines, start=1):
                line = raw.rstrip("\n")
                if line.strip():
                    held.append(line)
                elif held:
                    yield number - len(held), held
                    held = []
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path}: after line {number}: not {encoding} ({error.reason}); set reading.encoding") from None
        if held:
            yield number + 1 - len(held), held


_READERS = {
    "table": _table,
    "jsonl": _table,
    "objects": _objects,
    "records": _records,
    "conll": _conll,
    "conllu": _conllu,
    "residues": _residues,
}


@contextmanager
def _unpacked(path: Path, member: str) -> Iterator[Path]:
    """The file itself, or a member of a zip archive in a folder of its own for the while."""
    if not member or "," in member:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="domainbert-") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                unpacked = Path(folder) / Path(member).name
                unpacked.write_bytes(archive.read(member))
        except (zipfile.BadZipFile, KeyError) as error:
            raise CorpusError(f"{path}: {error}; reading.member names a file inside a zip archive") from None
        yield unpacked


def _label_columns(task: Task, label: str | None) -> Iterable[str]:
    return () if label is not None else task.labels


def _others(task: Task) -> Iterable[str]:
    return (task.second, task.group, task.time, task.split.column if task.split.by in ("column", "ids") else "")


def _reasons(drops: Drops) -> str:
    return ", ".join(f"{reason} {count:,}, first at {drops.first[reason]}" for reason, count in drops.counts.items())
