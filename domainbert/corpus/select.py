"""Keeps of a large pool the records that are most like a small sample of the domain: importance resampling on hashed n-grams.

DSIR, Xie et al. 2023 (arXiv 2302.03169). Sample and pool are bags of n-grams with probabilities p and q; a record with counts z has the
importance weight log w = sum z log(p / q). Gumbel top-k draws k records without replacement in proportion to w. The
diversity term divides w by the density of the record's neighbourhood in the pool, to a power. The pool is staged
on disk and gone through three times.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from domainbert.adapters.base import Adapter, Record
from domainbert.corpus.draw import Border, Floats, gumbel
from domainbert.corpus.prepare import Prepared, prepare
from domainbert.corpus.selection import Names, Selection, Tally
from domainbert.corpus.staging import Report
from domainbert.corpus.weighing import Weighing
from domainbert.durable import whole_file
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

FORMATS = (".jsonl", ".fa", ".txt")


@dataclass(frozen=True, slots=True)
class Choice:
    """How much is kept, and how.

    Args:
        keep: records; below 1 a share of the pool.
        diversity: power of the density that weights are divided by; 0 for the importance alone.
        seed: of the draw.
    """

    keep: float
    diversity: float = 0.0
    seed: int = 0


def select(adapter: Adapter, pool: Corpus, sample: Corpus, output: Path, *, choice: Choice, report: Report) -> Selection:
    """Write the kept records of a pool, in the pool's order, as canonical text; the file is whole or absent.

    Args:
        adapter: reads both.
        pool: what is chosen from.
        sample: what it is to be like.
        output: ``.jsonl`` (with id, group and log weight), ``.fa`` or ``.txt`` (one record a line).
        choice: how much is kept.
        report: called with a phase and the characters done in it.

    Raises:
        CorpusError: a source cannot be read, or the pool holds fewer records than are to be kept.
    """
    with TemporaryDirectory(prefix="domainbert-") as place, whole_file(output) as partial:
        folders = Path(place) / "pool", Path(place) / "sample"
        for folder in folders:
            folder.mkdir()
        small = prepare(adapter, sample, folders[1], seed=choice.seed, report=report)
        large = prepare(adapter, pool, folders[0], seed=choice.seed, report=report)
        weighing = Weighing.of(adapter, large, small)
        keys = np.memmap(Path(place) / "keys", np.float64, "w+", shape=(weighing.num_pool,))
        done = 0
        for rows, its in weighing.through(large):
            keys[done : done + len(rows.pieces)] = weighing.log_weights(its, choice.diversity) + gumbel(choice.seed, done, len(rows.pieces))
            done += len(rows.pieces)
        wanted = round(choice.keep if choice.keep >= 1 else choice.keep * weighing.num_pool)
        if not 1 <= wanted <= weighing.num_pool:
            raise CorpusError(f"{wanted:,} records are to be kept, the pool has {weighing.num_pool:,}; change --keep")
        return _write(partial, output.suffix, weighing, large, keys, wanted)


def _write(partial: Path, format: str, weighing: Weighing, pool: Prepared, keys: Floats, wanted: int) -> Selection:
    """The kept records, and what there is to say of them."""
    border, tally, names = Border(keys, wanted), Tally(), Names(weighing)
    done = 0
    with partial.open("w", encoding="utf-8") as file:
        for rows, its in weighing.through(pool):
            kept = border.inside(keys[done : done + len(rows.pieces)])
            done += len(rows.pieces)
            weights = weighing.log_weights(its)
            tally.add(rows, its, kept, weights, weighing.density.of(its))
            names.add(rows, its)
            for record, weight in zip(rows.where(kept).records() if kept.any() else (), weights[kept], strict=True):
                file.write(_spell(record, float(weight), format))
    return tally.selection(weighing, pool, names)


def _spell(record: Record, weight: float, format: str) -> str:
    if format == ".fa":
        return f">{record.id} {record.group}\n{record.text}\n"
    if format == ".txt":
        return " ".join(record.text.split()) + "\n"
    fields = {"id": record.id, "text": record.text, "group": record.group, "log_weight": round(weight, 6)}
    return json.dumps(fields, ensure_ascii=False) + "\n"
