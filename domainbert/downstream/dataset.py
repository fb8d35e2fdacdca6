"""A task's rows in canonical spelling with numbers for labels, checked, and how they fall into splits."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Drops
from domainbert.downstream.near import clusters, string_length
from domainbert.downstream.rows import Row, read_rows
from domainbert.downstream.task import COLD, COLD_BOTH, LISTED, SPLITS, Task
from domainbert.errors import CorpusError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_NAMES = {"dev": "validation", "devel": "validation", "valid": "validation", "val": "validation", "training": "train"}
HELD_WITHIN = 0.15  # of either half's groups, for validation where both halves are cold
IGNORED = -1  # a word that has no label


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows of a task.

    Args:
        task: what they are.
        texts: canonical; of a token task its words joined.
        seconds: canonical other halves; empty where there are no pairs.
        labels: class numbers ``(N,)``, values ``(N,)``, or ``(N, L)`` of 0, 1 and NaN.
        classes: by number; of ``multilabel`` the label columns.
        groups: what must not straddle splits; empty strings where nothing says.
        given: the split that files or a column name, empty elsewhere.
        cold: of pairs, names of the halves that the adapter holds out, separated by blanks.
        second_groups: of the other halves of pairs.
        words: raw words of each row of a token task.
        tags: class numbers of the words, ``IGNORED`` where a word has none.
        times: what rows are ordered by.
        places: file and line.
        drops: rows that were left out.
    """

    task: Task
    texts: tuple[str, ...]
    seconds: tuple[str, ...]
    labels: NDArray[Any]
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    given: NDArray[np.str_]
    cold: tuple[str, ...]
    second_groups: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    tags: tuple[Ints, ...]
    times: tuple[str, ...]
    places: tuple[str, ...]
    drops: Drops

    def __len__(self) -> int:
        return len(self.texts)

    def positive(self) -> int:
        """Number of the class whose detection rate is reported."""
        return self.classes.index(self.task.positive) if self.task.positive else len(self.classes) - 1

    def counts(self, rows: Ints) -> dict[str, int]:
        """How many of some rows have each class."""
        if self.task.kind == "classification":
            return {name: int((self.labels[rows] == number).sum()) for number, name in enumerate(self.classes)}
        return {}


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of one way of splitting."""

    train: Ints
    validation: Ints
    test: Ints


def load_dataset(task: Task, adapter: Adapter) -> Dataset:
    """Read, spell and check a task.

    Args:
        task: whose files are read.
        adapter: spells texts.

    Raises:
        CorpusError: a file, a column or a label is wrong.
    """
    drops = Drops()
    rows = read_rows(task, adapter, drops)
    kept, texts, seconds = _spelled(rows, task, adapter, drops)
    if not kept:
        reasons = ", ".join(f"{reason} {count:,}, first at {drops.first[reason]}" for reason, count in drops.counts.items())
        raise CorpusError(f"task {task.name!r}: none of its {len(rows):,} texts can be used by adapter {adapter.name!r} ({reasons})")
    labels, classes, tags, keep = _labels(kept, task, drops)
    kept, texts = list(compress(kept, keep)), list(compress(texts, keep))
    seconds = list(compress(seconds, keep)) if seconds else []
    if not kept:
        raise CorpusError(f"task {task.name!r}: no row has a label")
    if task.positive and task.positive not in classes:
        raise CorpusError(f"task {task.name!r}: positive = {task.positive!r} is none of its classes {', '.join(classes)}")
    if task.split.by == "near":
        groups = clusters(texts, length=string_length(adapter), mirror=adapter.mirror)
    else:
        groups = [row.group or adapter.group(text) for row, text in zip(kept, texts, strict=True)]
    return Dataset(
        task, tuple(texts), tuple(seconds), labels, classes, tuple(groups), np.array([_given(row, task) for row in kept], str),
        tuple(row.cold for row in kept), tuple(row.second_group for row in kept), tuple(row.words for row in kept), tags,
        tuple(row.time for row in kept), tuple(row.place for row in kept), drops,
    )  # fmt: skip


def whole_texts(dataset: Dataset, adapter: Adapter) -> tuple[str, ...]:
    """Each row as one text: the halves of a pair joined, where the adapter has pairs."""
    if not dataset.seconds or type(adapter).join is Adapter.join:
        return dataset.texts
    return tuple(map(adapter.join, dataset.texts, dataset.seconds))


def thinned(dataset: Dataset, max_rows: int) -> Dataset:
    """At most so many rows of each given split (of all where none is given), one of each class at least, by a fixed rule; 0 for all."""
    rng = np.random.default_rng(0)
    parts = [np.flatnonzero(dataset.given == name) for name in np.unique(dataset.given)]
    if not max_rows or all(len(part) <= max_rows for part in parts):
        return dataset
    rows = np.sort(np.concatenate([_with_every_class(dataset, rng.permutation(part))[:max_rows] for part in parts]))
    chosen: dict[str, Any] = {
        name: tuple(pick(getattr(dataset, name), rows))
        for name in ("texts", "seconds", "groups", "cold", "second_groups", "words", "tags", "times", "places") if getattr(dataset, name)
    }  # fmt: skip
    return replace(dataset, labels=dataset.labels[rows], given=dataset.given[rows], **chosen)


def _with_every_class(dataset: Dataset, rows: Ints) -> Ints:
    """The rows, the first of each class in front: a rare class must not be lost from train and stay in test."""
    if dataset.task.kind != "classification":
        return rows
    first = np.sort(np.unique(dataset.labels[rows], return_index=True)[1])
    return np.concatenate((rows[first], np.delete(rows, first)))


def split_rows(dataset: Dataset, *, seed: int) -> Split:
    """How rows fall into train, validation and test.

    Splits that are drawn depend on the seed; given ones do not. Without a given validation split a tenth of train stands in.

    Raises:
        CorpusError: a split is empty, train has one class only, or test has a class that train lacks.
    """
    by, rng = dataset.task.split.by, np.random.default_rng(seed)
    if by in LISTED or by.startswith(COLD):
        parts = _cold(dataset, by) if by.startswith(COLD) else [np.flatnonzero(dataset.given == name) for name in SPLITS]
        if by == COLD_BOTH:
            parts[:2] = _cold_within(dataset, parts[0], rng)
        if not len(parts[1]):
            units = _units(dataset, parts[0], by_group=any(dataset.groups))
            held = rng.permutation(units.max() + 1)[: max(1, (units.max() + 1) // 10)] if len(units) else units
            parts[:2] = [parts[0][~np.isin(units, held)], parts[0][np.isin(units, held)]]
    else:
        parts = _drawn(dataset, by, rng)
    split = Split(*parts)
    _check_split(dataset, split)
    return split


def _cold(dataset: Dataset, by: str) -> list[Ints]:
    """Train rows, no validation rows, and test rows by what the adapter holds out: the same for every seed, and in no run of it."""
    halves = [frozenset(names.split()) for names in dataset.cold]
    known = sorted(frozenset().union(*halves))
    if by != COLD_BOTH and by.removeprefix(COLD) not in known:
        there = ", ".join(f"{COLD}{name}" for name in known) or "nothing"
        raise CorpusError(f"task {dataset.task.name!r}: split.by = {by!r}, but its records hold out {there}")
    wanted = frozenset(known if by == COLD_BOTH else [by.removeprefix(COLD)])
    number = np.array([2 if wanted <= names else -1 if wanted & names else 0 for names in halves])
    return [np.flatnonzero(number == part) for part in range(3)]


def _cold_within(dataset: Dataset, rows: Ints, rng: np.random.Generator) -> list[Ints]:
    """Train and validation rows that share no half, as train and test do not: what is chosen on validation must serve there."""
    held = []
    for groups in (dataset.groups, dataset.second_groups):
        number = np.unique([groups[row] for row in rows.tolist()], return_inverse=True)[1]
        drawn = rng.permutation(number.max() + 1)[: math.ceil(HELD_WITHIN * (number.max() + 1))]
        held.append(np.isin(number, drawn))
    return [rows[~held[0] & ~held[1]], rows[held[0] & held[1]]]


def _drawn(dataset: Dataset, by: str, rng: np.random.Generator) -> list[Ints]:
    everything = np.arange(len(dataset))
    if by == "time":
        in_order = sorted(range(len(dataset)), key=lambda row: _time(dataset.times[row]))
        units = np.empty(len(dataset), np.int64)
        units[in_order] = everything
    elif by in ("group", "near"):
        if not any(dataset.groups):
            raise CorpusError(f"task {dataset.task.name!r}: split.by = 'group', but no row has a group; name its column with group = ...")
        units = _units(dataset, everything, by_group=True)
        units = rng.permutation(units.max() + 1)[units]
    else:
        units = rng.permutation(len(dataset))
    order = np.argsort(units, kind="stable")
    bounds = np.cumsum(dataset.task.split.fractions)[:2] * len(dataset)
    # A unit goes where its first row falls, so that no group straddles.
    first = {unit: place for place, unit in reversed(list(enumerate(units[order].tolist())))}
    place = np.array([first[unit] for unit in units.tolist()])
    number = np.searchsorted(bounds, place, side="right")
    return [np.flatnonzero(number == part) for part in range(3)]


def _units(dataset: Dataset, rows: Ints, *, by_group: bool) -> Ints:
    """Number of the unit that each row belongs to: its group, or itself."""
    names = [dataset.groups[row] if by_group and dataset.groups[row] else f"\0{row}" for row in rows.tolist()]
    return np.unique(names, return_inverse=True)[1].astype(np.int64) if names else np.empty(0, np.int64)


def _check_split(dataset: Dataset, split: Split) -> None:
    task = dataset.task
    for name in SPLITS:
        if not len(getattr(split, name)):
            seen = ", ".join(f"{value or 'none'} {count:,}" for value, count in Counter(dataset.given.tolist()).items())
            raise CorpusError(f"task {task.name!r}: the {name} split is empty (rows by given split: {seen}; split.by = {task.split.by!r})")
    if task.kind != "classification":
        return
    train, test = set(dataset.labels[split.train].tolist()), set(dataset.labels[split.test].tolist())
    if len(train) < 2:  # noqa: PLR2004
        raise CorpusError(f"task {task.name!r}: train holds one class only, {dataset.classes[next(iter(train))]!r}")
    if strangers := sorted(test - train):
        names = ", ".join(repr(dataset.classes[number]) for number in strangers[:5])
        raise CorpusError(
            f"task {task.name!r}: {len(strangers)} of the classes in test are not in train ({names}): no method can name them; "
            "leave those rows out or split another way"
        )


def _given(row: Row, task: Task) -> str:
    if row.file.startswith("label:") or row.file == "all":
        return _NAMES.get(row.split.strip().lower(), row.split.strip().lower())
    if task.split.by == "files":
        return row.file
    name = row.split.strip().lower()
    return _NAMES.get(name, name)


def _spelled(rows: list[Row], task: Task, adapter: Adapter, drops: Drops) -> tuple[list[Row], list[str], list[str]]:
    """Rows of which something is left, and their canonical texts."""
    kept, texts, seconds = [], [], []
    firsts = adapter.entries([row.text for row in rows if not row.words])
    others = adapter.entries([row.second for row in rows]) if task.second else repeat(("", ""))
    for row in rows:
        words = (adapter.canonicalize(word) for word in row.words)
        text, reason = (task.reading.separator.join(words), "") if row.words else next(firsts)
        second, other_reason = next(others)
        if not text.strip() or (task.second and not second.strip()):
            drops.add(reason or other_reason or "nothing_left_to_read", row.place)
            continue
        kept.append(row)
        texts.append(text)
        seconds.append(second)
    return kept, texts, seconds if task.second else []


def _labels(rows: list[Row], task: Task, drops: Drops) -> tuple[NDArray[Any], tuple[str, ...], tuple[Ints, ...], NDArray[np.bool_]]:
    """Labels of the rows that stay, their classes, tags, and which rows stay."""
    if task.kind == "tokens":
        classes = _ordered({tag for row in rows for tag in row.tags if tag})
        numbers = {tag: number for number, tag in enumerate(classes)} | {"": IGNORED}
        tags = tuple(np.array([numbers[tag] for tag in row.tags], np.int64) for row in rows)
        return np.zeros(len(rows)), classes, tags, np.ones(len(rows), bool)
    if task.kind == "multilabel":
        matrix = np.array([[_number(cell, row, task, empty=True) for cell in row.labels] for row in rows])
        odd = np.argwhere(~(np.isnan(matrix) | (matrix == 0) | (matrix == 1)))
        if len(odd):
            row, column = odd[0]
            raise CorpusError(f"{rows[row].place}: {task.labels[column]} = {rows[row].labels[column]!r}; 0, 1 or nothing is wanted")
        keep = ~np.isnan(matrix).all(1)
        return matrix[keep], task.labels, (), keep
    keep = np.array([not _missing(row.labels[0]) for row in rows], bool)
    if not keep.all():
        first = rows[int(np.flatnonzero(~keep)[0])]
        if not task.reading.skip_unlabelled or not keep.any():
            raise CorpusError(
                f"{first.place}: {task.labels[0]} = {first.labels[0]!r} is no label "
                f"({int((~keep).sum()):,} of {len(rows):,} rows lack one); "
                "check labels = [...], or leave such rows out with reading.skip_unlabelled = true"
            )
        drops.counts["no_label"] += int((~keep).sum())
        drops.first.setdefault("no_label", first.place)
    labelled = list(compress(rows, keep))
    if task.kind == "regression":
        return np.array([_number(row.labels[0], row, task) for row in labelled]), (), (), keep
    classes = _ordered({row.labels[0].strip() for row in labelled})
    numbers = {name: number for number, name in enumerate(classes)}
    if len(classes) > max(2, len(labelled) // 2):
        raise CorpusError(f'task {task.name!r}: {len(classes):,} classes in {len(labelled):,} rows; is it kind = "regression"?')
    return np.array([numbers[row.labels[0].strip()] for row in labelled], np.int64), classes, (), keep


def _missing(label: str) -> bool:
    return label.strip().lower() in ("", "nan", "none", "null", "n/a")


def _number(cell: str, row: Row, task: Task, *, empty: bool = False) -> float:
    if empty and _missing(cell):
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        raise CorpusError(f"{row.place}: label {cell!r} of task {task.name!r} is no number") from None
    if not math.isfinite(value):
        raise CorpusError(f"{row.place}: label {cell!r} of task {task.name!r} is not finite")
    return value


def _time(value: str) -> tuple[float, str]:
    try:
        return float(value), ""
    except ValueError:
        return math.inf, value


def _ordered(names: set[str]) -> tuple[str, ...]:
    """Class names in the order of their numbers: by value where they are numbers, else by spelling."""
    return tuple(sorted(names, key=lambda name: (0, float(name), "") if _is_number(name) else (1, 0.0, name)))


def _is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name))
    except ValueError:
        return False


def pick(items: Sequence[Any], rows: Ints) -> list[Any]:
    """Items of some rows."""
    return [items[row] for row in rows.tolist()]
