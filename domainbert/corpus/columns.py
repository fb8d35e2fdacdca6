"""Records as Arrow columns, and back."""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import methodcaller
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainbert.adapters.base import Record

META = pa.map_(pa.string(), pa.string())
ROLE = pa.dictionary(pa.int8(), pa.string())
ROLES = ("train", "validation")
ORIGIN_SCHEMA = pa.schema([("id", pa.string()), ("group", pa.string()), ("label", pa.string()), ("meta", META)])
SCHEMA = pa.schema([("id", pa.string()), ("group", pa.string()), ("label", pa.string()), ("role", ROLE), ("meta", META)])


def origin_columns(records: Sequence[Record]) -> pa.RecordBatch:
    """Columns id, group, label, meta of records: all of a record but its text."""
    metas = [record.meta for record in records]
    # Flat keys and values: four times quicker than letting Arrow walk a list of dicts.
    keys = string_array(list(chain.from_iterable(metas)))
    values = string_array(list(chain.from_iterable(map(methodcaller("values"), metas))))
    columns = [
        string_array([record.id for record in records]),
        string_array([record.group for record in records]),
        _labels(records),
        pa.MapArray.from_arrays(_plain(_offsets(map(len, metas), len(metas)), pa.int32()), keys, values),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=ORIGIN_SCHEMA)


def with_roles(origins: pa.RecordBatch, validation: NDArray[np.bool_]) -> pa.RecordBatch:
    """Origin columns and the role of each record."""
    role = pa.DictionaryArray.from_arrays(_plain(validation.astype(np.int8), pa.int8()), string_array(ROLES))
    return pa.RecordBatch.from_arrays([origins["id"], origins["group"], origins["label"], role, origins["meta"]], schema=SCHEMA)


def to_records(origins: pa.RecordBatch, texts: Sequence[str]) -> list[Record]:
    """Records again, from their columns and texts."""
    rows = zip(origins.to_pylist(), texts, strict=True)
    return [Record(row["id"], text, row["group"], dict(row["meta"] or ()), label=row["label"]) for row, text in rows]


def boolean_array(mask: NDArray[np.bool_]) -> pa.BooleanArray:
    """A mask for Arrow."""
    return _plain(np.packbits(mask, bitorder="little"), pa.bool_(), length=len(mask))


def string_array(values: Sequence[str]) -> pa.StringArray:
    """Strings for Arrow. ``pa.array`` would do, but it imports pandas: half a second and 40 MB."""
    joined = "".join(values)
    data = joined.encode(errors="replace")  # a file name that is not UTF-8 reaches us with surrogates
    sizes = map(len, values) if len(data) == len(joined) else (len(value.encode(errors="replace")) for value in values)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(_offsets(sizes, len(values))), pa.py_buffer(data))


def _labels(records: Sequence[Record]) -> pa.Array:
    if all(record.label is None for record in records):
        return pa.nulls(len(records), pa.string())
    return pa.array([None if record.label is None else str(record.label) for record in records], pa.string())


def _offsets(sizes: Iterable[int], count: int) -> NDArray[np.int32]:
    offsets = np.zeros(count + 1, np.int32)
    np.cumsum(np.fromiter(sizes, np.int32, count), out=offsets[1:])
    return offsets


def _plain(values: NDArray[Any], dtype: pa.DataType, length: int | None = None) -> pa.Array:
    return pa.Array.from_buffers(dtype, len(values) if length is None else length, [None, pa.py_buffer(np.ascontiguousarray(values))])
