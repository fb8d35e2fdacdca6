"""Entries that are mostly boilerplate: lines that they hold twice, or that many entries hold.

Menus, notices and page headers (Rae et al. 2021, table A1; Wenzek et al. 2020 drop every paragraph that a web crawl repeats). Lines are
told apart by 64-bit hashes on disk; in memory are eight bytes an entry.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.buckets import Buckets
from domainbert.corpus.staging import Staging

MANY = 10  # entries that hold a line: fewer may quote each other
FEWEST_LINES = 2
CHUNK = 1 << 22  # bytes read at a time
LOT = 1 << 16  # lines
LINE = np.dtype([("key", "<u8"), ("entry", "<u8"), ("characters", "<u4")])


def boilerplate_entries(staging: Staging, known: NDArray[np.bool_], limit: float) -> NDArray[np.bool_]:
    """Whether each entry has more than a share of its characters in lines that it holds already, or that ``MANY`` entries hold.

    Blanks around a line and empty lines do not count. An entry of one line is never boilerplate.

    Args:
        staging: the staged corpus.
        known: entries that are left out already; their lines do not count.
        limit: the largest share that stays, 0 to 1.

    Returns:
        One byte an entry; ``False`` for entries that are ``known``.
    """
    repeated, total = np.zeros((2, staging.num_entries), np.float32)
    with Buckets(staging.folder, LINE, _num_lines(staging)) as buckets:
        for lines in _lines(staging, known):
            np.add.at(total, lines["entry"].astype(np.int64), lines["characters"])
            buckets.add(lines)
        for lines in buckets:
            again = lines[_is_boilerplate(lines)]
            np.add.at(repeated, again["entry"].astype(np.int64), again["characters"])
    return repeated > np.float32(limit) * total


def _is_boilerplate(lines: NDArray[np.void]) -> NDArray[np.bool_]:
    """Of lines sorted by key, those that their entry holds before or that ``MANY`` entries hold."""
    if not len(lines):
        return np.empty(0, bool)
    new_key = np.append(True, lines["key"][1:] != lines["key"][:-1])
    again = ~(new_key | np.append(True, lines["entry"][1:] != lines["entry"][:-1]))
    line = np.cumsum(new_key) - 1
    is_shared = np.bincount(line[~again]) >= MANY
    boilerplate: NDArray[np.bool_] = again | is_shared[line]
    return boilerplate


def _lines(staging: Staging, known: NDArray[np.bool_]) -> Iterator[NDArray[np.void]]:
    """The lines of entries that have several, a lot at a time; those of an entry stand together."""
    keys: list[bytes] = []
    rows: list[tuple[int, int]] = []
    for entry, lines in _entries(staging, known):
        filled = (stripped for line in lines if (stripped := line.strip()))
        first = list(islice(filled, FEWEST_LINES))
        if len(first) < FEWEST_LINES:
            continue
        for line in chain(first, filled):
            keys.append(blake2b(line, digest_size=8).digest())
            rows.append((entry, len(line.decode())))
            if len(rows) == LOT:
                yield _rows(keys, rows)
                keys, rows = [], []
    yield _rows(keys, rows)


def _rows(keys: list[bytes], rows: list[tuple[int, int]]) -> NDArray[np.void]:
    lines = np.empty(len(rows), LINE)
    lines["key"] = np.frombuffer(b"".join(keys), "<u8")
    lines["entry"], lines["characters"] = np.array(rows, np.int64).reshape(-1, 2).T
    return lines


def _entries(staging: Staging, known: NDArray[np.bool_]) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The number and the lines of every entry that is not ``known``."""
    position = number = 0
    with staging.text.open("rb") as text:
        for entries in staging.entries():
            for length in entries["bytes"].tolist():
                if not known[number]:
                    text.seek(position)
                    yield number, _split(text.read(min(CHUNK, length - place)) for place in range(0, length, CHUNK))
                position, number = position + length, number + 1


def _split(blocks: Iterator[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []
    for block in blocks:
        first, *lines = block.split(b"\n")
        parts.append(first)
        if lines:
            yield b"".join(parts)
            yield from lines[:-1]
            parts = lines[-1:]
    yield b"".join(parts)


def _num_lines(staging: Staging) -> int:
    with staging.text.open("rb") as text:
        return staging.num_entries + sum(block.count(b"\n") for block in iter(lambda: text.read(CHUNK), b""))
