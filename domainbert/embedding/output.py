"""Vectors of whole sources in a file: read, embedded and written piece by piece, whole or absent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from domainbert.adapters.base import Drops, Record
from domainbert.durable import whole_file
from domainbert.errors import CorpusError, OutputError

if TYPE_CHECKING:
    from domainbert.embedding.encoder import Encoder, Vectors

CHUNK_RECORDS = 1 << 14
CHUNK_CHARACTERS = 1 << 23
SUFFIXES = (".npy", ".parquet")
Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Embedded:
    """What was written.

    Args:
        num_records: rows of the file.
        dimension: numbers of each.
        drops: entries that were left out.
    """

    num_records: int
    dimension: int
    drops: Drops = field(default_factory=Drops)


def embed(encoder: "Encoder", sources: Sequence[str], output: Path, *, report: Report | None = None, **options: Any) -> Embedded:
    """Write one vector for each record of the sources, in their order.

    Args:
        encoder: whose adapter reads the sources.
        sources: paths, globs, folders, ``hub:...`` or ``sample``.
        output: a ``.npy`` file of ``(N, D)`` float32, or a ``.parquet`` file that has the records' id, group and place beside it.
        report: is told how many records are done.
        options: of ``Encoder.encode``.

    Raises:
        DomainBertError: a source cannot be read or holds nothing, or the file cannot be written.
    """
    if output.suffix not in SUFFIXES:
        raise OutputError(f"{output}: vectors are written to {' or '.join(SUFFIXES)} files; give such an --output")
    drops, num_records = Drops(), 0
    with whole_file(output) as partial, _WRITERS[output.suffix](partial, encoder.dimension) as writer:
        for records in _chunks(_records(encoder, sources, drops)):
            writer.add(records, encoder.encode([record.text for record in records], **options))
            num_records += len(records)
            if report:
                report(num_records)
        if not num_records:
            left_out = ", ".join(f"{reason} {count:,}" for reason, count in drops.counts.items())
            raise CorpusError(f"{', '.join(sources)}: no record is left to embed{f' (left out: {left_out})' if left_out else ''}")
    return Embedded(num_records, encoder.dimension, drops)


def _records(encoder: "Encoder", sources: Sequence[str], drops: Drops) -> Iterator[Record]:
    for source in sources:
        yield from encoder.adapter.records(source, drops=drops)


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    held: list[Record] = []
    characters = 0
    for record in records:
        held.append(record)
        characters += len(record.text)
        if len(held) >= CHUNK_RECORDS or characters >= CHUNK_CHARACTERS:
            yield held
            held, characters = [], 0
    if held:
        yield held


class _Writer(Protocol):
    def __enter__(self) -> "_Writer": ...

    def __exit__(self, *raised: object) -> None: ...

    def add(self, records: Sequence[Record], vectors: "Vectors") -> None: ...


class _Npy:
    """A NumPy file that grows: its header is written again once the number of rows is known, and has the room for it."""

    def __init__(self, path: Path, dimension: int) -> None:
        self._path, self._dimension, self._rows = path, dimension, 0

    def __enter__(self) -> "_Npy":
        self._file = self._path.open("w+b")
        self._header()
        return self

    def __exit__(self, *raised: object) -> None:
        begin = self._file.tell()
        self._header()
        assert self._file.tell() == begin - 4 * self._rows * self._dimension, "the header has outgrown its room"
        self._file.close()

    def add(self, records: Sequence[Record], vectors: "Vectors") -> None:
        self._file.write(np.ascontiguousarray(vectors, "<f4").tobytes())
        self._rows += len(records)

    def _header(self) -> None:
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": "<f4", "fortran_order": False, "shape": (self._rows, self._dimension)}
        )


class _Parquet:
    """Columns id, group, start and embedding, a list of fixed size."""

    def __init__(self, path: Path, dimension: int) -> None:
        import pyarrow as pa

        vector = pa.list_(pa.float32(), dimension)
        self._schema = pa.schema([("id", pa.string()), ("group", pa.string()), ("start", pa.int64()), ("embedding", vector)])
        self._path = path

    def __enter__(self) -> "_Parquet":
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self._path, self._schema)
        return self

    def __exit__(self, *raised: object) -> None:
        self._writer.close()

    def add(self, records: Sequence[Record], vectors: "Vectors") -> None:
        import pyarrow as pa

        from domainbert.corpus.columns import string_array

        starts = np.fromiter((int(record.meta.get("start", 0)) for record in records), np.int64, len(records))
        flat = pa.Array.from_buffers(pa.float32(), vectors.size, [None, pa.py_buffer(np.ascontiguousarray(vectors, np.float32))])
        columns = [
            string_array([record.id for record in records]),
            string_array([record.group for record in records]),
            pa.Array.from_buffers(pa.int64(), len(starts), [None, pa.py_buffer(starts)]),
            pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))


_WRITERS: dict[str, Callable[[Path, int], Any]] = {".npy": _Npy, ".parquet": _Parquet}


