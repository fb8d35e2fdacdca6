"""Which records are held out: whole groups, else one contiguous block at the end of the largest group."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.buckets import Buckets
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

GROUP_SIZE = np.dtype([("key", "<u8"), ("characters", "<u8")])
OVERSHOOT, SHORTFALL = 1.25, 0.75  # of the wanted characters: what whole groups may hold out at most, and when a block tops them up


@dataclass(frozen=True, slots=True)
class Split:
    """Which pieces are held out. Groups are known by their key, see ``GroupGlobs.keys``.

    Args:
        rule: "none", "all", "globs", or "fraction".
        last_group: with "fraction", groups up to this key are held out; ``None`` for no whole group.
        passed_over: keys below ``last_group`` that stay in training, because they are too large.
        num_groups: whole groups held out.
        block_group: the group whose end is held out; ``None`` for none.
        block_start: characters of that group before the block.
    """

    rule: str
    last_group: int | None = None
    passed_over: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    num_groups: int = 0
    block_group: int | None = None
    block_start: int = 0

    def held_out(self, pieces: NDArray[np.void]) -> NDArray[np.bool_]:
        """Whether each piece is held out with its whole group."""
        if self.rule == "globs":
            return np.array(pieces["held_out"])
        if self.rule == "fraction" and self.last_group is not None:
            return (pieces["group"] <= self.last_group) & ~np.isin(pieces["group"], self.passed_over)
        return np.full(len(pieces), self.rule == "all")


def choose_split(corpus: Corpus, pieces: Iterable[NDArray[np.void]], *, num_pieces: int, num_characters: int, scratch: Path) -> Split:
    """The split of a corpus, a function of the groups' keys and sizes alone.

    Args:
        corpus: its role, ``validation_groups`` and ``validation_fraction``.
        pieces: every piece that stays, with ``group`` and ``characters``.
        num_pieces: about how many they are.
        num_characters: their sum.
        scratch: folder for temporary files.

    Raises:
        CorpusError: the corpus is too small to be split.
    """
    if corpus.role in ("validation", "meter"):
        return Split("all")
    if corpus.validation_groups:
        held_out = sum(int(block["characters"][block["held_out"]].sum(dtype=np.int64)) for block in pieces)
        if held_out in (0, num_characters):
            missing = "training" if held_out else "validation"
            raise CorpusError(f"corpus {corpus.name!r}: validation_groups {', '.join(corpus.validation_groups)} leave no {missing} text")
        return Split("globs")
    if corpus.validation_fraction == 0:
        return Split("none")
    with Buckets(scratch, GROUP_SIZE, num_pieces) as buckets:
        for block in pieces:
            rows = np.empty(len(block), GROUP_SIZE)
            rows["key"], rows["characters"] = block["group"], block["characters"]
            buckets.add(rows)
        split = _by_fraction(_sizes(buckets), num_characters, corpus.validation_fraction)
    if split is None:
        raise CorpusError(
            f"corpus {corpus.name!r}: {num_characters} characters cannot be split into training and validation; "
            "add text or set validation_fraction = 0"
        )
    return split


def _sizes(buckets: Buckets) -> Iterator[tuple[int, int]]:
    """Key and characters of every group, keys ascending."""
    for rows in buckets:
        if not len(rows):
            continue
        first = np.flatnonzero(np.concatenate(([True], rows["key"][1:] != rows["key"][:-1])))
        sizes = np.add.reduceat(rows["characters"], first)
        for begin in range(0, len(first), 1 << 16):
            chunk = slice(begin, begin + (1 << 16))
            yield from zip(rows["key"][first[chunk]].tolist(), sizes[chunk].tolist(), strict=True)


def _by_fraction(groups: Iterator[tuple[int, int]], total: int, fraction: float) -> Split | None:
    wanted = max(1, math.ceil(round(total * fraction, 6)))  # rounded first: 0.1 * 30 is a little above 3
    limit = min(OVERSHOOT * wanted, total - 1)
    taken, num_groups, last = 0, 0, None
    passed: list[tuple[int, int]] = []  # few: each holds more than a tenth of what is left
    for key, size in groups:
        if taken >= wanted:
            break
        if taken + size > limit:
            passed.append((key, size))
        else:
            taken, num_groups, last = taken + size, num_groups + 1, key
    skipped = np.array([key for key, _ in passed], np.uint64)
    if taken >= SHORTFALL * wanted or not passed:
        return Split("fraction", last, skipped, num_groups)
    largest, size = max(passed, key=lambda group: (group[1], -group[0]))
    block = min(wanted - taken, size - 1)
    if block < 1:
        return Split("fraction", last, skipped, num_groups) if taken else None
    return Split("fraction", last, skipped, num_groups, largest, size - block)
