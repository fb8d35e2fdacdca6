"""The staged pieces that stay, with their roles: the source of the second pass of a build."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainbert.adapters.base import Record
from domainbert.corpus.columns import boolean_array, origin_columns, to_records
from domainbert.corpus.split import Split
from domainbert.corpus.staging import Staging
from domainbert.corpus.weights import WEIGHTS, clip_spans


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive records on their way into a store.

    Args:
        origins: columns id, group, label, meta.
        text: their canonical text end to end, UTF-8.
        pieces: their lengths and groups.
        validation: whether each is held out.
    """

    origins: pa.RecordBatch
    text: bytes
    pieces: NDArray[np.void]
    validation: NDArray[np.bool_]

    def texts(self) -> list[str]:
        """The text of each record."""
        ends = np.cumsum(self.pieces["bytes"], dtype=np.int64).tolist()
        if (self.pieces["bytes"] == self.pieces["characters"]).all():
            text = self.text.decode()
            return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        return [self.text[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]

    def records(self) -> list[Record]:
        """Records of canonical text."""
        return to_records(self.origins, self.texts())

    def where(self, mask: NDArray[np.bool_]) -> "Rows":
        """The rows for which ``mask`` is true."""
        if mask.all():
            return self
        ends = np.cumsum(self.pieces["bytes"], dtype=np.int64)
        starts = (ends - self.pieces["bytes"])[mask].tolist()
        text = b"".join([self.text[start:end] for start, end in zip(starts, ends[mask].tolist(), strict=True)])
        return Rows(self.origins.filter(boolean_array(mask)), text, self.pieces[mask], self.validation[mask])


def kept_rows(staging: Staging, duplicate: NDArray[np.bool_], split: Split) -> Iterator[Rows]:
    """Every record that is no duplicate, in order, in batches; one record is cut in two where a held-out block begins.

    Args:
        staging: the staged corpus.
        duplicate: whether each entry is left out.
        split: which records are held out.
    """
    seen = 0  # characters of the block's group so far
    with staging.text.open("rb") as file:
        for batch in staging.batches():
            keep = ~duplicate[batch.pieces["entry"]]
            file.seek(batch.position)
            text = file.read(int(batch.pieces["bytes"].sum(dtype=np.int64)))
            rows = Rows(batch.origins, text, batch.pieces, split.held_out(batch.pieces)).where(keep)
            if split.block_group is not None:
                in_block = rows.pieces["group"] == split.block_group
                rows, seen = _hold_out_block(rows, in_block, split.block_start - seen), seen + _characters(rows, in_block)
            if len(rows.pieces):
                yield rows


def _characters(rows: Rows, mask: NDArray[np.bool_]) -> int:
    return int(rows.pieces["characters"][mask].sum(dtype=np.int64))


def _hold_out_block(rows: Rows, in_group: NDArray[np.bool_], training: int) -> Rows:
    """Hold out what lies behind the first ``training`` characters of the marked rows."""
    sizes = np.where(in_group, rows.pieces["characters"], 0).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    validation = rows.validation | (in_group & (starts >= training))
    rows = Rows(rows.origins, rows.text, rows.pieces, validation)
    straddling = np.flatnonzero(in_group & (starts < training) & (starts + sizes > training))
    return _cut(rows, int(straddling[0]), training - int(starts[straddling[0]])) if len(straddling) else rows


def _cut(rows: Rows, row: int, characters: int) -> Rows:
    """Make two rows of one; the part behind ``characters`` is held out."""
    begin = int(rows.pieces["bytes"][:row].sum(dtype=np.int64))
    text = rows.text[begin : begin + int(rows.pieces["bytes"][row])].decode()
    whole = to_records(rows.origins.slice(row, 1), [text])[0]
    parts = [_part(whole, 0, characters), _part(whole, characters, len(text))]
    pieces = np.insert(rows.pieces, row, rows.pieces[row])
    pieces["characters"][row : row + 2] = [len(part.text) for part in parts]
    pieces["bytes"][row : row + 2] = [len(part.text.encode()) for part in parts]
    origins = pa.concat_batches([rows.origins.slice(0, row), origin_columns(parts), rows.origins.slice(row + 1)])
    return Rows(origins, rows.text, pieces, np.insert(rows.validation, row + 1, True))


def _part(record: Record, start: int, end: int) -> Record:
    meta = dict(record.meta)
    if meta.get("start", "").isdigit():
        meta["start"] = str(int(meta["start"]) + start)
    if WEIGHTS in meta:
        meta[WEIGHTS] = clip_spans(meta[WEIGHTS], start, end)
    return Record(record.id, record.text[start:end], record.group, meta, label=record.label)
