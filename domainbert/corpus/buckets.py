"""Rows sorted by a 64-bit key with constant memory: dealt to files by the key's first bits, then read file by file."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

ROWS_PER_BUCKET = 1 << 19  # about 30 MB with their sort order and sorted copy
MAX_BUCKETS = 256  # open files at once; far below every default limit


class Buckets:
    """A scatter of rows with a ``key`` field (uint64) that spreads evenly, such as a hash.

    Args:
        folder: where the files are made; they are removed on exit.
        dtype: of a row, a structure with a field ``key``.
        num_rows: about how many will come.
    """

    def __init__(self, folder: Path, dtype: np.dtype[Any], num_rows: int) -> None:
        self.dtype = dtype
        wanted = min(MAX_BUCKETS, max(1, -(-num_rows // ROWS_PER_BUCKET)))
        self.bits = (wanted - 1).bit_length()
        self.paths = [folder / f"bucket-{number}.tmp" for number in range(1 << self.bits)]
        self._stack = ExitStack()
        self._files: list[IO[bytes]] = [self._stack.enter_context(path.open("w+b")) for path in self.paths]

    def __enter__(self) -> "Buckets":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        for path in self.paths:
            path.unlink(missing_ok=True)

    def add(self, rows: NDArray[Any]) -> None:
        """Deal rows to their files; rows of one key keep their order."""
        if self.bits == 0:
            self._files[0].write(rows.data)
            return
        number = rows["key"] >> np.uint64(64 - self.bits)
        rows = rows[np.argsort(number, kind="stable")]
        ends = np.cumsum(np.bincount(number.astype(np.int64), minlength=len(self._files))).tolist()
        for file, start, end in zip(self._files, [0, *ends], ends, strict=False):
            file.write(rows[start:end].data)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """The rows of each file, stably sorted by key; keys ascend from file to file."""
        for file in self._files:
            file.seek(0)
            rows = np.frombuffer(file.read(), self.dtype)
            yield rows[np.argsort(rows["key"], kind="stable")]
