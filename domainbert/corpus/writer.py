"""Writes the files of a token store; the second pass of a build."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainbert.corpus.columns import ROLES, SCHEMA, with_roles
from domainbert.corpus.rows import Rows

WRITE_BUFFER = 1 << 20


def token_dtype(vocabulary_size: int) -> str:
    """The narrower of the two types of ``tokens.bin`` that holds every id."""
    return "uint16" if vocabulary_size <= np.iinfo(np.uint16).max else "uint32"


@dataclass(slots=True)
class Totals:
    """What has been written so far; characters by role."""

    num_records: int = 0
    num_tokens: int = 0
    num_bytes: int = 0
    characters: Counter[str] = field(default_factory=Counter)

    @property
    def num_characters(self) -> int:
        """Characters of all records."""
        return self.characters.total()


class StoreWriter:
    """Appends records with their tokens to the files of a store.

    Args:
        folder: an empty folder.
        dtype: of ``tokens.bin``.
        has_weights: whether ``weights.bin`` is written.
        text: a file in the folder that is going to hold the very texts of the records, and becomes ``text.bin``; without one
            they are written.
    """

    def __init__(self, folder: Path, *, dtype: str, has_weights: bool, text: Path | None = None) -> None:
        self.folder, self.dtype, self.has_weights, self.text = folder, dtype, has_weights, text
        self.totals = Totals()
        self._stack = ExitStack()

    def __enter__(self) -> "StoreWriter":
        with ExitStack() as stack:
            names = ("tokens.bin", "offsets.bin", "text_offsets.bin", "records.arrow")
            self._tokens, self._offsets, self._text_offsets, records = (self._open(stack, name) for name in names)
            self._text = None if self.text else self._open(stack, "text.bin")
            self._weights = self._open(stack, "weights.bin") if self.has_weights else None
            self._records = stack.enter_context(pa.ipc.new_file(records, SCHEMA))
            for file in (self._offsets, self._text_offsets):
                file.write(np.zeros(1, np.uint64).data)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        if self.text:
            self.text.rename(self.folder / "text.bin")

    def add(self, rows: Rows, ids: NDArray[Any], counts: NDArray[np.int64], weights: NDArray[np.uint8] | None) -> None:
        """Append records.

        Args:
            rows: the records.
            ids: their tokens end to end.
            counts: tokens of each.
            weights: of each token, where the store has weights.
        """
        totals = self.totals
        self._tokens.write(np.ascontiguousarray(ids, self.dtype).data)
        self._offsets.write((totals.num_tokens + np.cumsum(counts)).astype(np.uint64).data)
        if self._text is not None:
            self._text.write(rows.text)
        self._text_offsets.write((totals.num_bytes + np.cumsum(rows.pieces["bytes"], dtype=np.int64)).astype(np.uint64).data)
        self._records.write_batch(with_roles(rows.origins, rows.validation))
        if self._weights is not None:
            assert weights is not None and len(weights) == len(ids)
            self._weights.write(weights.data)
        totals.num_records += len(rows.pieces)
        totals.num_tokens += len(ids)
        totals.num_bytes += len(rows.text)
        for number, role in enumerate(ROLES):
            totals.characters[role] += int(rows.pieces["characters"][rows.validation == bool(number)].sum(dtype=np.int64))

    def _open(self, stack: ExitStack, name: str) -> IO[bytes]:
        return stack.enter_context((self.folder / name).open("wb", buffering=WRITE_BUFFER))
