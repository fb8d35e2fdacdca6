"""Canonical text of a corpus on disk, before anything is left out: the first of the two passes of a build.

    staged.txt     canonical text of every piece, end to end
    pieces.bin     a PIECE of each, in the same order
    entries.bin    an ENTRY of each entry
    origins.arrow  id, group, label, meta of each piece, in batches

An entry is a run of records with one id from one file (and ascending starts, where they have them); a piece is one record.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Drops, Record
from domainbert.corpus.columns import ORIGIN_SCHEMA, origin_columns
from domainbert.corpus.filters import Filters
from domainbert.corpus.groups import GroupGlobs
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

PIECE = np.dtype([("entry", "<u8"), ("group", "<u8"), ("characters", "<u4"), ("bytes", "<u4"), ("held_out", "?")])
ENTRY = np.dtype([("characters", "<u8"), ("bytes", "<u8"), ("pieces", "<u8")])
BATCH_RECORDS = 8192
BLOCK_ROWS = 1 << 18
BATCH_CHARACTERS = 1 << 21
WRITE_BUFFER = 1 << 20

Report = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive staged pieces: their numbers, their origins, and where their text begins in ``staged.txt``."""

    pieces: NDArray[np.void]
    origins: pa.RecordBatch
    position: int


@dataclass(slots=True)
class Staging:
    """What pass 1 left on disk, and its totals.

    ``filtered`` counts the records that the corpus's own filters left out: no defects of the source.
    """

    folder: Path
    num_pieces: int = 0
    num_entries: int = 0
    num_characters: int = 0
    has_weights: bool = False
    filtered: Drops = field(default_factory=Drops)

    def batches(self) -> Iterator[Batch]:
        """Every piece, in the order of the sources."""
        position = 0
        with (self.folder / "pieces.bin").open("rb") as pieces, pa.OSFile(str(self.folder / "origins.arrow")) as file:
            for origins in pa.ipc.open_stream(file):
                rows = np.frombuffer(pieces.read(PIECE.itemsize * origins.num_rows), PIECE)
                yield Batch(rows, origins, position)
                position += int(rows["bytes"].sum(dtype=np.int64))

    def pieces(self) -> Iterator[NDArray[np.void]]:
        """The numbers of every piece, a block at a time."""
        return _blocks(self.folder / "pieces.bin", PIECE)

    def entries(self) -> Iterator[NDArray[np.void]]:
        """The sizes of every entry, a block at a time."""
        return _blocks(self.folder / "entries.bin", ENTRY)

    @property
    def text(self) -> Path:
        """The canonical text of every piece, end to end."""
        return self.folder / "staged.txt"

    def remove(self) -> None:
        """Delete the staged files."""
        for name in ("staged.txt", "pieces.bin", "entries.bin", "origins.arrow"):
            (self.folder / name).unlink(missing_ok=True)


def stage(adapter: Adapter, corpus: Corpus, folder: Path, *, drops: Drops, seed: int, report: Report) -> Staging:
    """Write the canonical text of every record of ``corpus`` to ``folder``.

    Records of groups that match ``exclude_groups`` are left out.

    Args:
        adapter: reads and canonicalizes.
        corpus: names the sources and the groups.
        folder: where the staged files go.
        drops: gets the entries left out.
        seed: of the order in which the split will visit groups.
        report: called with "reading" and the characters staged so far.

    Raises:
        CorpusError: a source cannot be read, holds pairs, or a group glob matches nothing.
    """
    globs = GroupGlobs(corpus, seed)
    with ExitStack() as stack:
        stager = _Stager(adapter, folder, globs, Filters(adapter, corpus), drops, stack)
        for number, source in enumerate(corpus.sources):
            for records in _batches(adapter.records(source, drops=drops)):
                stager.add(records, number)
                report("reading", stager.staging.num_characters)
        stager.close_entry()
    globs.require_matches()
    return stager.staging


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Lists of records, bounded in records and in characters."""
    batch: list[Record] = []
    characters = 0
    for record in records:
        batch.append(record)
        characters += len(record.text)
        if characters >= BATCH_CHARACTERS or len(batch) >= BATCH_RECORDS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


class _Stager:
    """Appends batches of records to the staged files."""

    def __init__(self, adapter: Adapter, folder: Path, globs: GroupGlobs, filters: Filters, drops: Drops, stack: ExitStack) -> None:
        self.staging = Staging(folder)
        self.adapter, self.globs, self.filters, self.drops = adapter, globs, filters, drops
        self._text = stack.enter_context(self.staging.text.open("wb", buffering=WRITE_BUFFER))
        self._pieces, self._entries, origins = (
            stack.enter_context((folder / name).open("wb", buffering=WRITE_BUFFER))
            for name in ("pieces.bin", "entries.bin", "origins.arrow")
        )
        self._origins = stack.enter_context(pa.ipc.new_stream(origins, ORIGIN_SCHEMA))
        self._last: Record | None = None
        self._last_source = 0
        self._open = np.zeros(1, ENTRY)[0]

    def add(self, records: list[Record], source: int) -> None:
        """Canonicalize and append records of one source."""
        try:
            records = [record if record.second is None else self.adapter.whole(record) for record in records]
        except ValueError as error:
            raise CorpusError(
                f"{self.adapter.name}: the source holds pairs of texts ({error}); a token store holds single texts"
            ) from error
        if self.globs.exclude:
            records = [record for record in records if not self.globs.excluded(record.group)]
        texts = [self.adapter.canonicalize(record.text) for record in records]
        if not all(texts):
            records, texts = self._without_empty(records, texts)
        if self.filters.active:
            records, texts = self._filtered(records, texts)
        if records:
            self._append(records, texts, source)

    def _append(self, records: list[Record], texts: list[str], source: int) -> None:
        pieces = np.zeros(len(records), PIECE)
        data = _encoded(records, texts, pieces)
        origins = origin_columns(records)
        groups = [record.group for record in records]
        pieces["group"] = self.globs.keys(groups)
        if self.globs.validation:
            pieces["held_out"] = self.globs.held_out(groups)
        starts = self._starts(records, origins["id"], source)
        self._number_entries(pieces, starts)
        self._text.write(data)
        self._pieces.write(pieces.data)
        self._origins.write_batch(origins)
        self.staging.num_pieces += len(records)
        self.staging.num_characters += int(pieces["characters"].sum(dtype=np.int64))
        self.staging.has_weights = self.staging.has_weights or any("target_weights" in record.meta for record in records)

    def _without_empty(self, records: list[Record], texts: list[str]) -> tuple[list[Record], list[str]]:
        for record, text in zip(records, texts, strict=True):
            if not text:
                self.drops.add("empty", f"{record.meta.get('file', 'record')} {record.id}")
        kept = [number for number, text in enumerate(texts) if text]
        return [records[number] for number in kept], [texts[number] for number in kept]

    def _filtered(self, records: list[Record], texts: list[str]) -> tuple[list[Record], list[str]]:
        reasons = [self.filters.reason(text) for text in texts]
        for record, reason in zip(records, reasons, strict=True):
            if reason:
                self.staging.filtered.add(reason, f"{record.meta.get('file', 'record')} {record.id}")
        kept = [number for number, reason in enumerate(reasons) if not reason]
        return [records[number] for number in kept], [texts[number] for number in kept]

    def _starts(self, records: list[Record], ids: pa.StringArray, source: int) -> NDArray[np.bool_]:
        """Whether each record begins an entry."""
        starts = np.ones(len(records), bool)
        for row in pc.indices_nonzero(pc.equal(ids[1:], ids[:-1])).to_pylist():
            starts[row + 1] = not _continues(records[row], records[row + 1])
        starts[0] = self._last is None or self._last_source != source or not _continues(self._last, records[0])
        self._last, self._last_source = records[-1], source
        return starts

    def _number_entries(self, pieces: NDArray[np.void], starts: NDArray[np.bool_]) -> None:
        """Number the entries of a batch, and write the sizes of those that are complete."""
        pieces["entry"] = self.staging.num_entries - 1 + np.cumsum(starts)
        first = np.flatnonzero(starts)
        self.staging.num_entries += len(first)
        # A row of zeros in front stands for the entry that the last batch left open; the last sum is left open in turn.
        bounds = np.concatenate(([0], first + 1))
        sums = np.empty(len(bounds), ENTRY)
        for name, values in (("characters", pieces["characters"]), ("bytes", pieces["bytes"]), ("pieces", np.ones(len(pieces)))):
            sums[name] = np.add.reduceat(np.concatenate(([self._open[name]], values.astype(np.uint64))), bounds)
        self._open = sums[-1:][0]
        was_open = self.staging.num_entries > len(first)
        self._entries.write(sums[0 if was_open else 1 : -1].data)

    def close_entry(self) -> None:
        """Write the sizes of the last entry."""
        if self.staging.num_entries:
            self._entries.write(self._open.tobytes())


def _blocks(path: Path, dtype: np.dtype[Any]) -> Iterator[NDArray[np.void]]:
    with path.open("rb") as file:
        while data := file.read(dtype.itemsize * BLOCK_ROWS):
            yield np.frombuffer(data, dtype)


def _continues(record: Record, other: Record) -> bool:
    """Whether two records in a row are pieces of one entry; files in different folders may share their name, and their ids."""
    if record.id != other.id or record.meta.get("file") != other.meta.get("file"):
        return False
    starts = record.meta.get("start", ""), other.meta.get("start", "")
    return not (starts[0].isdecimal() and starts[1].isdecimal()) or int(starts[0]) < int(starts[1])


def _encoded(records: list[Record], texts: list[str], pieces: NDArray[np.void]) -> bytes:
    """The texts as one UTF-8 string; their lengths go into ``pieces``."""
    pieces["characters"] = np.fromiter(map(len, texts), np.int64, len(texts))
    joined = "".join(texts)
    try:
        data = joined.encode()
    except UnicodeEncodeError as error:
        record = records[int(np.searchsorted(np.cumsum(pieces["characters"]), error.start, side="right"))]
        place = f"{record.meta.get('file', 'record')} {record.id}"
        raise CorpusError(f"{place}: {joined[error.start]!r} is no character of Unicode text; is the file's encoding right?") from None
    if len(data) == len(joined):
        pieces["bytes"] = pieces["characters"]
    else:
        pieces["bytes"] = np.fromiter((len(text.encode()) for text in texts), np.int64, len(texts))
    return data
