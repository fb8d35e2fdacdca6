"""A labelled task as a frozen dataclass: which files, which columns, how it is split. From a TOML file, or built in to an adapter."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from domainbert.adapters.base import Adapter
from domainbert.errors import RecipeError
from domainbert.recipe.fields import build
from domainbert.recipe.keys import did_you_mean
from domainbert.recipe.load import read_toml
from domainbert.recipe.problems import Problems
from domainbert.recipe.schema import choice, number

LISTED = ("files", "column", "ids")  # row by row
DRAWN = ("group", "near", "random")  # anew for every seed
HOW = (*LISTED, *DRAWN, "time")
COLD = "cold-"  # before the name of a half of pairs
COLD_BOTH = "cold-both"
SAMPLE = "sample"  # stands for a file: the adapter's built-in corpus
KINDS = ("classification", "multilabel", "regression", "tokens")
SPLITS = ("train", "validation", "test")
METRICS = {
    "classification": ("mcc", "macro_f1", "accuracy", "auroc", "auprc", "tpr_at_fpr_1e-3"),
    "multilabel": ("auroc", "auprc", "macro_f1"),
    "regression": (
        "spearman", "mse", "rmse", "mae", "r2", "rm2", "rm2_deepdta", "concordance", "mse_uncensored", "concordance_uncensored",
    ),
    "tokens": ("entity_f1", "macro_f1", "accuracy"),
}  # fmt: skip
"""Of each kind, the first is what models are compared by unless the task names another."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a task's files are read.

    Args:
        format: ``records`` reads the domain's own formats, labels from the records' ``label`` or ``meta``; ``objects`` reads JSON
            objects, one a line or all in one by their ids, and where no text column is named each is an entry of the domain's own
            (a structure); else as told by the name.
        encoding: of text files.
        member: file inside a zip archive.
        separator: joins the words of a token task; empty where a word is a residue.
        skip_unlabelled: leave rows without a label out instead of refusing them.
        options: of the adapter, as in ``[corpus.options]``, for ``records``.
    """

    format: str = choice("auto", "auto", "table", "jsonl", "objects", "conll", "conllu", "records", "residues")
    encoding: str = "utf-8"
    member: str = ""
    separator: str = " "
    skip_unlabelled: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Splitting:
    """How rows fall into train, validation and test.

    Args:
        by: ``files`` as they are named, a ``column`` that says train, dev or test, ``ids`` that files list, whole groups, whole
            clusters of ``near`` duplicates, time, or at random. Of pairs also ``cold-`` and the name of a half (``cold-drug``): test rows
            are those whose half the adapter holds out; or ``cold-both``, where rows of which only one half is held out are left out.
        column: of ``column``; of ``ids`` where the ids stand (of objects by default their keys).
        ids: by split, a file of its ids: a line each, or the keys of a JSON object; all others are train.
        fractions: of train, validation and test where they are drawn.
    """

    by: str = "files"
    column: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    fractions: tuple[float, ...] = (0.8, 0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Listing:
    """Texts that are known to have a label, such as popular sites: rows that contradict it are counted."""

    file: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One labelled task.

    Args:
        files: by split, or ``all``; where files hold one class only, by ``label:CLASS``; names or globs.
        text: column of the texts, or of the words.
        second: column of the other text of a pair.
        labels: columns of the labels; one, except in ``multilabel``, where an empty cell means not tested.
        group: column of what must not straddle splits; by default the adapter's own (registered domain, scaffold, composition).
        time: column that rows are ordered by.
        positive: the class whose detection rate is reported; of two classes by default the last.
        metric: what models are compared by.
        mirror: average with the other strand.
        censored: labels that only say where the assay ends; scores named ``uncensored`` leave their rows out.
    """

    name: str = ""
    summary: str = ""
    adapter: str = ""
    kind: str = choice("classification", *KINDS)
    files: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    second: str = ""
    labels: tuple[str, ...] = ("label",)
    group: str = ""
    time: str = ""
    positive: str = ""
    metric: str = ""
    mirror: bool = False
    censored: tuple[float, ...] = ()
    reading: Reading = field(default_factory=Reading)
    split: Splitting = field(default_factory=Splitting)
    listed: Listing = field(default_factory=Listing)
    folder: str = ""
    schema: int = number(1, low=1, high=1)

    @property
    def primary(self) -> str:
        """What models are compared by."""
        return self.metric or METRICS[self.kind][0]


def find_task(name_or_path: str, adapter: Adapter, *, data: Path | None) -> Task:
    """A task from a TOML file, or one that the adapter has built in.

    Args:
        name_or_path: a file, or a name.
        adapter: of the model.
        data: folder that the files of built-in tasks are read from.

    Raises:
        RecipeError: there is none, or something is wrong in it; every problem at once.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.is_file():
        return task_from(read_toml(path, name_or_path), name_or_path, folder=path.parent, name=path.stem)
    tables = adapter.task_tables()
    if name_or_path not in tables:
        known = ", ".join(tables) or "none"
        hint = did_you_mean(name_or_path, tuple(tables))
        raise RecipeError(f"adapter {adapter.name!r} has no task {name_or_path!r}{hint}; there are: {known}; or name a TOML file")
    if data is None and set(tables[name_or_path].get("files", {}).values()) != {SAMPLE}:
        files = ", ".join(file for file in tables[name_or_path].get("files", {}).values() if file != ".")
        holds = f" that holds {files}" if files else f" ({tables[name_or_path].get('summary', '')})"
        raise RecipeError(f"task {name_or_path!r} is read from a folder of yours{holds}: name it with --data DIR")
    return task_from(tables[name_or_path], f"{adapter.name}:{name_or_path}", folder=data or Path(), name=name_or_path)


def task_from(raw: Mapping[str, Any], label: str, *, folder: Path, name: str) -> Task:
    """A task from tables as TOML gives them.

    Raises:
        RecipeError: something is wrong in it.
    """
    problems = Problems(label)
    task = build(Task, {"name": name, **raw, "folder": str(folder)}, "", problems)
    _check(task, problems)
    problems.raise_any()
    return task


def _check(task: Task, problems: Problems) -> None:
    if not task.files:
        problems.add("files", "is empty; write files = { train = ..., test = ... }, or { all = ... } with a [split]")
    wrong = [key for key in task.files if key not in (*SPLITS, "all") and not key.startswith("label:")]
    if wrong:
        problems.add(f"files.{wrong[0]}", f"is none of {', '.join(SPLITS)}, all, label:CLASS")
    if task.split.by not in HOW and not task.split.by.startswith(COLD):
        problems.add("split.by", f"= {task.split.by!r} is none of {', '.join(HOW)}; pairs also have {COLD_BOTH} and {COLD}NAME of a half")
    if task.split.by == "files" and task.files and not {"train", "test"} <= set(task.files):
        problems.add("split.by", "= 'files' needs files.train and files.test; else say by = 'column', 'group', 'time' or 'random'")
    if task.split.by == "column" and not task.split.column:
        problems.add("split.column", "is missing; it names the column that says train, dev or test")
    if task.split.by == "ids" and "test" not in task.split.ids:
        problems.add("split.ids", 'names no file of test; write split = { by = "ids", ids = { test = "FILE" } }')
    if task.split.by == "time" and not task.time:
        problems.add("time", 'is missing; split.by = "time" orders rows by that column')
    shares = task.split.fractions
    if len(shares) != len(SPLITS) or min(shares, default=-1) < 0 or not 0.99 < sum(shares) < 1.01 or shares[2] <= 0:  # noqa: PLR2004
        problems.add("split.fractions", f"= {list(shares)}; three shares of train, validation and test that sum to 1 are wanted")
    if task.metric and task.metric not in METRICS[task.kind]:
        problems.add("metric", f"= {task.metric!r} is none of {', '.join(METRICS[task.kind])}")
    if task.kind != "multilabel" and len(task.labels) != 1:
        problems.add("labels", f'= {list(task.labels)}; one column is wanted, several need kind = "multilabel"')


def with_split(task: Task, by: str) -> Task:
    """The task split another way; its own where none is given."""
    return replace(task, split=replace(task.split, by=by)) if by else task


def way_of_splitting(name: str, adapter: Adapter) -> str:
    """What ``--split`` asks for; the domain's own name of a group (scaffold) is known.

    Raises:
        RecipeError: there is no such way.
    """
    if name == adapter.group_name:
        return "group"
    if name and name not in HOW and not name.startswith(COLD):
        raise RecipeError(f"--split {name}: is none of {', '.join(dict.fromkeys((*HOW, adapter.group_name)))}")
    return name
