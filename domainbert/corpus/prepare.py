"""Pass 1 of a build as a whole: staged text, duplicates, split, and what was left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Drops, Record
from domainbert.corpus.boilerplate import boilerplate_entries
from domainbert.corpus.dedup import duplicate_entries
from domainbert.corpus.near import near_duplicates
from domainbert.corpus.rows import Rows, kept_rows
from domainbert.corpus.split import Split, choose_split
from domainbert.corpus.staging import Report, Staging, stage
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

SAMPLE_CHARACTERS = 32_000_000  # of training text that a tokenizer may learn from


@dataclass(frozen=True, slots=True)
class Prepared:
    """A corpus that is ready to be tokenized.

    Args:
        staging: its canonical text on disk.
        duplicate: whether each entry is left out.
        split: which records are held out.
        drops: entries left out, duplicates among them.
        num_characters: of the entries that stay.
    """

    staging: Staging
    duplicate: NDArray[np.bool_]
    split: Split
    drops: Drops
    num_characters: int

    def rows(self) -> Iterator[Rows]:
        """Every record that stays, in batches."""
        return kept_rows(self.staging, self.duplicate, self.split)


class TrainingSample(Iterable[Record]):
    """Training records for a tokenizer to learn from, evenly spread and at most ``SAMPLE_CHARACTERS`` of them.

    All of them where they are fewer; else every n-th record. May be gone through more than once.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    def __iter__(self) -> Iterator[Record]:
        stride = -(-self._prepared.num_characters // SAMPLE_CHARACTERS)
        seen = characters = 0
        for rows in self._prepared.rows():
            training = np.cumsum(~rows.validation) + seen
            seen = int(training[-1])
            for record in rows.where(~rows.validation & (training % stride == 1 % stride)).records():
                characters += len(record.text)
                if characters > SAMPLE_CHARACTERS:
                    return
                yield record


def prepare(adapter: Adapter, corpus: Corpus, folder: Path, *, seed: int, report: Report) -> Prepared:
    """Read, canonicalize, remove duplicates and split.

    Args:
        adapter: of the corpus.
        corpus: sources, groups and limits.
        folder: where the staged files go.
        seed: of the split.
        report: called with "reading" and the characters read so far.

    Raises:
        CorpusError: see ``build_store``.
    """
    drops = Drops()
    staging = stage(adapter, corpus, folder, drops=drops, seed=seed, report=report)
    _require_enough(corpus, staging, drops)
    duplicate = duplicate_entries(staging, adapter.mirror)
    # Counted only now: what the corpus itself leaves out is no defect of the source and must not count in its drop rate.
    _count(drops, "duplicate", duplicate, staging)
    if corpus.near_duplicates > 0:
        report("comparing", staging.num_characters)
        near = near_duplicates(staging, duplicate, corpus.near_duplicates, adapter.mirror)
        _count(drops, "near_duplicate", near, staging)
        duplicate |= near
    if corpus.max_boilerplate < 1:
        repetitive = boilerplate_entries(staging, duplicate, corpus.max_boilerplate)
        _count(drops, "boilerplate", repetitive, staging)
        duplicate |= repetitive
    drops.counts += staging.filtered.counts
    drops.first |= staging.filtered.first
    if duplicate.all():
        raise _nothing_left(corpus, drops)
    characters = sum(int(pieces["characters"].sum(dtype=np.int64)) for pieces in _kept_pieces(staging, duplicate))
    split = choose_split(
        corpus, _kept_pieces(staging, duplicate), num_pieces=staging.num_pieces, num_characters=characters, scratch=folder
    )
    return Prepared(staging, duplicate, split, drops, characters)


def _kept_pieces(staging: Staging, duplicate: NDArray[np.bool_]) -> Iterator[NDArray[np.void]]:
    return (pieces[~duplicate[pieces["entry"]]] for pieces in staging.pieces())


def _count(drops: Drops, reason: str, left_out: NDArray[np.bool_], staging: Staging) -> None:
    if left_out.any():
        drops.counts[reason] += int(left_out.sum())
        drops.first.setdefault(reason, _place(staging, int(left_out.argmax())))


def _require_enough(corpus: Corpus, staging: Staging, drops: Drops) -> None:
    if not staging.num_pieces:
        raise _nothing_left(corpus, Drops(drops.counts + staging.filtered.counts, drops.first | staging.filtered.first))
    if drops.rate > corpus.max_drop_rate:
        raise CorpusError(
            f"corpus {corpus.name!r}: {drops.rate:.1%} of the entries were dropped, max_drop_rate is {corpus.max_drop_rate:.1%}; "
            f"mend the source or raise max_drop_rate{_reasons(drops)}"
        )


def _nothing_left(corpus: Corpus, drops: Drops) -> CorpusError:
    return CorpusError(f"corpus {corpus.name!r}: nothing is left of {', '.join(corpus.sources) or 'no source'}{_reasons(drops)}")


def _reasons(drops: Drops) -> str:
    return "".join(
        f"\n  {reason}: {count:,}, first at {drops.first.get(reason, 'an unknown place')}" for reason, count in drops.counts.most_common()
    )


def _place(staging: Staging, entry: int) -> str:
    """File and id of an entry; ids of lines begin with their file."""
    for batch in staging.batches():
        rows = np.flatnonzero(batch.pieces["entry"] == entry)
        if len(rows):
            origin = batch.origins.slice(int(rows[0]), 1).to_pylist()[0]
            file, name = dict(origin["meta"] or ()).get("file", "record"), str(origin["id"])
            return name if name.startswith(f"{file}:") else f"{file} {name}"
    raise AssertionError(f"entry {entry} was never staged")
