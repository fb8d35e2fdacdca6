"""Entries that were seen before, as they are or read backwards, found with constant memory."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise
from typing import IO

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.buckets import Buckets
from domainbert.corpus.staging import PIECE, Staging

Mirror = Callable[[str], str | None]

FINGERPRINT = np.dtype([("key", "<u8"), ("low", "<u8"), ("entry", "<u8")])
LENGTH_CLASSES = 1 << 22
READ_BYTES = 1 << 22
READ_ENTRIES = 1 << 14


def duplicate_entries(staging: Staging, mirror: Mirror) -> NDArray[np.bool_]:
    """Whether each entry repeats an earlier one, forwards or mirrored.

    Only entries as long as another one are read again, so a genome of a few long entries costs nothing.

    Args:
        staging: the staged corpus.
        mirror: the adapter's other reading of a text; ``None`` results mean there is none.

    Returns:
        One byte an entry.
    """
    duplicate = np.zeros(staging.num_entries, bool)
    counts = _length_counts(staging)
    with Buckets(staging.folder, FINGERPRINT, staging.num_entries) as buckets, staging.text.open("rb") as text:
        reader = _Reader(text, staging, mirror)
        begin = position = piece = 0
        for entries in staging.entries():
            starts = position + np.cumsum(entries["bytes"]) - entries["bytes"]
            pieces = piece + np.cumsum(entries["pieces"]) - entries["pieces"]
            wanted = np.flatnonzero(counts[entries["characters"] % LENGTH_CLASSES] > 1)
            single = entries["pieces"][wanted] == 1
            for rows, digests in reader.singles(wanted[single], starts, entries["bytes"]):
                buckets.add(_fingerprints(begin + rows, digests))
            for row in wanted[~single].tolist():
                digest = reader.long(int(starts[row]), int(pieces[row]), int(entries["pieces"][row]))
                buckets.add(_fingerprints(begin + np.array([row]), digest))
            begin += len(entries)
            position, piece = int(starts[-1] + entries["bytes"][-1]), int(pieces[-1] + entries["pieces"][-1])
        for found in buckets:
            _mark(found, duplicate)
    return duplicate


def _length_counts(staging: Staging) -> NDArray[np.uint8]:
    """How many entries have each length modulo ``LENGTH_CLASSES``: 0, 1, or 2 for more. A false 2 costs time only."""
    counts = np.zeros(LENGTH_CLASSES, np.uint8)
    for entries in staging.entries():
        lengths, seen = np.unique(entries["characters"] % LENGTH_CLASSES, return_counts=True)
        counts[lengths] = np.minimum(counts[lengths] + np.minimum(seen, 2), 2)
    return counts


def _fingerprints(entries: NDArray[np.int64], digests: bytes) -> NDArray[np.void]:
    """128 bits of each SHA-256 digest."""
    rows = np.empty(len(entries), FINGERPRINT)
    words = np.frombuffer(digests, "<u8").reshape(-1, 4)
    rows["key"], rows["low"], rows["entry"] = words[:, 0], words[:, 1], entries
    return rows


def _mark(found: NDArray[np.void], duplicate: NDArray[np.bool_]) -> None:
    """Mark all but the first entry of each fingerprint."""
    if not len(found):
        return
    repeated = found["key"][1:] == found["key"][:-1]
    found = found[np.append(repeated, False) | np.insert(repeated, 0, False)]
    found = found[np.lexsort((found["entry"], found["low"], found["key"]))]
    same = (found["key"][1:] == found["key"][:-1]) & (found["low"][1:] == found["low"][:-1])
    duplicate[found["entry"][1:][same]] = True


class _Reader:
    """Hashes entries from the staged text: of the two readings, the one that sorts first."""

    def __init__(self, text: IO[bytes], staging: Staging, mirror: Mirror) -> None:
        self.text, self.staging, self.mirror = text, staging, mirror

    def singles(
        self, rows: NDArray[np.int64], starts: NDArray[np.uint64], lengths: NDArray[np.uint64]
    ) -> Iterator[tuple[NDArray[np.int64], bytes]]:
        """Digests of entries of one piece, in lots of bounded size."""
        ends = np.cumsum(lengths[rows])
        lots = np.flatnonzero(np.diff(ends // READ_BYTES, prepend=0)).tolist()
        for first, last in pairwise(sorted({0, *lots, *range(0, len(rows), READ_ENTRIES), len(rows)})):
            lot = rows[first:last]
            digests = [sha256(reading).digest() for reading in self._first_readings(self._read(starts[lot], lengths[lot]), lengths[lot])]
            yield lot, b"".join(digests)

    def _read(self, starts: NDArray[np.uint64], lengths: NDArray[np.uint64]) -> bytes:
        """Texts of entries end to end, with one read for each stretch without gaps."""
        gaps = np.flatnonzero(starts[1:] != starts[:-1] + lengths[:-1]) + 1
        stretches = []
        for first, last in pairwise([0, *gaps.tolist(), len(starts)]):
            self.text.seek(int(starts[first]))
            stretches.append(self.text.read(int(lengths[first:last].sum())))
        return b"".join(stretches)

    def _first_readings(self, data: bytes, lengths: NDArray[np.uint64]) -> list[bytes]:
        """Of each entry, the reading that sorts first."""
        ends = np.cumsum(lengths).tolist()
        texts = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        mirrored = self.mirror(data.decode())
        if mirrored is None:
            return texts
        if data.isascii() and mirrored.isascii() and len(mirrored) == len(data):
            # The mirror of many texts end to end is theirs, from the last to the first.
            whole, size = mirrored.encode(), len(data)
            return [min(text, whole[size - end : size - end + len(text)]) for text, end in zip(texts, ends, strict=True)]
        return [min(text, (self.mirror(text.decode()) or "").encode()) for text in texts]

    def long(self, position: int, piece: int, num_pieces: int) -> bytes:
        """Digest of an entry of many pieces, which may be larger than memory."""
        with (self.staging.folder / "pieces.bin").open("rb") as file:
            file.seek(piece * PIECE.itemsize)
            lengths = np.frombuffer(file.read(num_pieces * PIECE.itemsize), PIECE)["bytes"].astype(np.int64)
        starts = position + np.cumsum(lengths) - lengths
        places = list(zip(starts.tolist(), lengths.tolist(), strict=True))
        mirrored = self.mirror("") is not None and _sorts_first(self._mirrored(places), self._forward(places))
        whole = sha256()
        for data in self._mirrored(places) if mirrored else self._forward(places):
            whole.update(data)
        return whole.digest()

    def _forward(self, places: list[tuple[int, int]]) -> Iterator[bytes]:
        for start, length in places:
            self.text.seek(start)
            yield self.text.read(length)

    def _mirrored(self, places: list[tuple[int, int]]) -> Iterator[bytes]:
        """``mirror(a + b) == mirror(b) + mirror(a)``: the pieces from the last to the first."""
        for start, length in reversed(places):
            self.text.seek(start)
            mirrored = self.mirror(self.text.read(length).decode())
            assert mirrored is not None
            yield mirrored.encode()


def _sorts_first(one: Iterator[bytes], other: Iterator[bytes]) -> bool:
    """Whether the bytes of ``one``, joined, sort before those of ``other``."""
    left = right = b""
    while (left := left or next(one, b"")) and (right := right or next(other, b"")):
        length = min(len(left), len(right))
        if left[:length] != right[:length]:
            return left[:length] < right[:length]
        left, right = left[length:], right[length:]
    return bool(right) and not left
