"""Entries that are nearly another one, as they are or read backwards, found with one byte of memory an entry.

MinHash with one permutation (Li, Owen and Zhang 2012) and densification (Shrivastava 2017) over runs of ``SHINGLE`` bytes; candidates by
banding (Broder 1997; Leskovec, Rajaraman and Ullman, chapter 3), confirmed by the share of equal values in their signatures. That share
estimates the Jaccard similarity of two entries with a standard error of at most 0.045. Signatures and bands lie on disk. Where a domain
reads its entries both ways, an entry is the runs of its two readings together, so both have one signature.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.buckets import Buckets
from domainbert.corpus.shingles import mixed, shingles
from domainbert.corpus.staging import Staging

SHINGLE = 16  # bytes, about three words
NUM_BINS = 128  # values of a signature
FEWEST = 16  # shingles; a shorter entry is compared exactly only
CHUNK = 1 << 22  # bytes read at a time
BAND = np.dtype([("key", "<u8"), ("entry", "<u8")])
_EMPTY = np.uint32(0xFFFFFFFF)
_PROBES = np.random.default_rng(20261124).integers(0, NUM_BINS, (64, NUM_BINS))  # where an empty bin looks for a value

Mirror = Callable[[str], str | None]
Signature = NDArray[np.uint32]


def near_duplicates(staging: Staging, known: NDArray[np.bool_], threshold: float, mirror: Mirror) -> NDArray[np.bool_]:
    """Whether each entry is similar to an earlier one, directly or through others.

    Args:
        staging: the staged corpus.
        known: entries that are left out already.
        threshold: least estimated Jaccard similarity, above 0.
        mirror: the adapter's other reading of a text; ``None`` results mean there is none.

    Returns:
        One byte an entry; ``False`` for entries that are ``known``.
    """
    path = staging.folder / "signatures.tmp"
    found = np.zeros(staging.num_entries, bool)
    rows = rows_of_a_band(threshold)
    num_bands = NUM_BINS // rows
    try:
        with Buckets(staging.folder, BAND, num_bands * staging.num_entries) as buckets:
            with path.open("wb") as file:
                for entry, signature in enumerate(_signatures(staging, known, mirror)):
                    file.write((np.full(NUM_BINS, _EMPTY) if signature is None else signature).data)
                    if signature is not None:
                        buckets.add(_bands(signature, rows, entry))
            signatures = np.memmap(path, np.uint32, "r", shape=(staging.num_entries, NUM_BINS))
            for candidates in buckets:
                _mark(candidates, signatures, threshold, found)
            del signatures
    finally:
        path.unlink(missing_ok=True)
    return found


def rows_of_a_band(threshold: float) -> int:
    """The most rows with which a pair at the threshold shares a band in 99 of 100 cases."""
    fitting = [rows for rows in range(1, 17) if (1 - threshold**rows) ** (NUM_BINS // rows) <= 0.01]  # noqa: PLR2004  # 1 in 100
    return max(fitting, default=1)


def similarity(one: Signature, other: Signature) -> float:
    """Estimated Jaccard similarity."""
    return float(np.mean(one == other))


def signature(chunks: Iterator[bytes], mirror: Mirror = lambda _: None) -> Signature | None:
    """The signature of a text and its other reading; ``None`` where it is too short to have one."""
    values = np.full(NUM_BINS, _EMPTY, np.uint32)
    tail, num_shingles = b"", 0
    for chunk in chunks:
        data = tail + chunk
        # Mirrored block by block: with the tail of the block before it, each holds whole the runs that begin in it.
        mirrored = mirror(data.decode(errors="ignore"))
        for reading in (data,) if mirrored is None else (data, mirrored.encode()):
            hashes = shingles(reading, SHINGLE)
            np.minimum.at(values, (hashes >> np.uint64(57)).astype(np.int64), (hashes & np.uint64(0xFFFFFFFE)).astype(np.uint32))
        num_shingles += len(data) - len(tail)
        tail = data[-(SHINGLE - 1) :]
    num_shingles -= SHINGLE - 1
    if num_shingles < FEWEST:
        return None
    filled = values != _EMPTY
    missing = np.flatnonzero(~filled)
    for probe in _PROBES:
        if not len(missing):
            break
        source = probe[missing]
        hit = filled[source]
        values[missing[hit]] = values[source[hit]]
        missing = missing[~hit]
    values[missing] = values[np.flatnonzero(filled)[0]]
    return values


def _signatures(staging: Staging, known: NDArray[np.bool_], mirror: Mirror) -> Iterator[Signature | None]:
    position = number = 0
    with staging.text.open("rb") as text:
        for entries in staging.entries():
            for length in entries["bytes"].tolist():
                text.seek(position)
                places = range(0, length, CHUNK)
                blocks = (text.read(min(CHUNK, length - place)) for place in places)
                yield None if known[number] else signature(blocks, mirror)
                position, number = position + length, number + 1


def _bands(values: Signature, rows: int, entry: int) -> NDArray[np.void]:
    num_bands = NUM_BINS // rows
    keys = np.arange(num_bands, dtype=np.uint64)
    for row in range(rows):
        keys = mixed(keys * np.uint64(0x100000001B3) + values[row : rows * num_bands : rows].astype(np.uint64))
    bands = np.empty(num_bands, BAND)
    bands["key"], bands["entry"] = keys, entry
    return bands


def _mark(candidates: NDArray[np.void], signatures: NDArray[np.uint32], threshold: float, found: NDArray[np.bool_]) -> None:
    """Compare each entry of a band with the first and with the one before it."""
    if len(candidates) < 2:  # noqa: PLR2004  # a pair
        return
    same = candidates["key"][1:] == candidates["key"][:-1]
    run_begins = np.maximum.accumulate(np.where(np.insert(same, 0, False), 0, np.arange(len(candidates))))
    for place in (np.flatnonzero(same) + 1).tolist():
        entry = int(candidates["entry"][place])
        if found[entry]:
            continue
        others = {int(candidates["entry"][run_begins[place]]), int(candidates["entry"][place - 1])}
        found[entry] = any(similarity(signatures[entry], signatures[other]) >= threshold for other in others if other < entry)
