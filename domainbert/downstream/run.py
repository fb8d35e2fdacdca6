"""Did adapting help? Tasks, with everybody that a score needs beside it."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from domainbert.adapters.base import Adapter
from domainbert.adapters.registry import load_adapter
from domainbert.corpus.store import MANIFEST, TokenStore
from domainbert.downstream.audit import audit
from domainbert.downstream.corpora import TextRequest, measure_texts
from domainbert.downstream.dataset import Dataset, Ints, Split, load_dataset, split_rows, thinned
from domainbert.downstream.finetune import FineTuning, finetuned_opponent, score_rows
from domainbert.downstream.heads import has_head, head_opponent
from domainbert.downstream.metrics import LOWER_IS_BETTER, interval, intervals
from domainbert.downstream.opponents import Opponent, encoder_opponent, random_encoder, trivial_opponents
from domainbert.downstream.task import DRAWN, METRICS, Task, find_task, way_of_splitting, with_split
from domainbert.durable import write_text
from domainbert.embedding.encoder import Encoder
from domainbert.embedding.loading import adapter_for, model_folder, with_column
from domainbert.errors import OutputError
from domainbert.publishing.contract import library_versions
from domainbert.recipe.schema import SCRATCH

LEFT_OUT = 0.1  # of train rows, by every seed of a given split
LIBRARIES = ("domainbert", "torch", "transformers", "tokenizers", "scikit-learn", "numpy")
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What ``evaluate`` is asked.

    Args:
        model: a run folder, a model folder or a Hub id.
        against: another one; by default the base that the run folder names, if it is still there.
        tasks: names of built-in tasks, or TOML files.
        data: folder of the files of built-in tasks.
        adapter: of a model folder that names none.
        methods: ``probe``, ``knn``, ``finetune``, ``head``, ``kernel``.
        num_seeds: of splits that are drawn, and of what learns.
        split: another way of splitting than the task's own.
        max_rows: of each split; 0 for all.
        fine_tuning: how the method ``finetune`` trains.
        texts: what is measured on text without labels; nothing by default.
        column: of the texts in tables of ``texts``.
    """

    model: str
    against: str = ""
    tasks: tuple[str, ...] = ()
    data: Path | None = None
    adapter: str = ""
    methods: tuple[str, ...] = ("probe",)
    num_seeds: int = 3
    split: str = ""
    max_rows: int = 0
    fine_tuning: FineTuning = field(default_factory=FineTuning)
    texts: TextRequest | None = None
    column: str = ""


def evaluate(request: Request, *, report: Report = lambda text: None) -> dict[str, Any]:
    """Scores of a model and of its company on labelled tasks, and on text.

    Args:
        request: what is asked.
        report: is told what is going on.

    Returns:
        What ``evaluation.json`` holds under ``tasks``, by task name, under ``texts`` where text was asked for, and ``versions``.

    Raises:
        DomainBertError: a model, a task or a file is not usable.
    """
    folder = model_folder(request.model)
    adapter = adapter_for(folder, request.adapter)
    by = way_of_splitting(request.split, adapter)
    tasks = [with_split(find_task(name, adapter, data=request.data), by) for name in request.tasks]
    datasets = [load_dataset(task, _speller(task, adapter)) for task in tasks]
    for dataset in datasets:
        split_rows(thinned(dataset, request.max_rows), seed=0)  # what is wrong with a task shows before anything is computed
    stores = _stores(Path(request.model))
    results: dict[str, Any] = {"tasks": {}, "versions": library_versions(LIBRARIES)}
    if request.texts is not None:
        reader = with_column(adapter, request.column)
        results["texts"] = measure_texts(request.texts, request.model, _against(request), reader, stores, report)
    encoders = _encoders(request, adapter) if datasets else []
    for dataset in datasets:
        results["tasks"][dataset.task.name] = _evaluated(request, dataset, encoders, stores, report)
    return results


def write_results(results: Mapping[str, Any], path: Path) -> None:
    """Put tasks into an ``evaluation.json``, beside what it holds already; whole or not at all.

    Raises:
        OutputError: it cannot be written, or holds something else.
    """
    try:
        content = json.loads(path.read_text()) if path.is_file() else {}
        if not isinstance(content, dict):
            raise OutputError(f"{path}: is there and is no evaluation.json; give another --output")
        content["tasks"] = {**content.get("tasks", {}), **results["tasks"]}
        content["task_versions"] = results["versions"]
        if "texts" in results:
            content["texts"] = results["texts"]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(_finite(content), indent=1, ensure_ascii=False) + "\n")
    except ValueError:
        raise OutputError(f"{path}: is there and is no JSON; give another --output") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); give another --output") from None


def _evaluated(
    request: Request, dataset: Dataset, encoders: "list[tuple[str, str, str, Encoder]]", stores: list[TokenStore], report: Report
) -> dict[str, Any]:
    task, everything = dataset.task, dataset
    dataset = thinned(everything, request.max_rows)
    splits = [_seeded(dataset, seed, request.num_seeds) for seed in range(request.num_seeds)]
    whole = split_rows(dataset, seed=0)
    report(f"{task.name}: auditing {len(everything):,} rows")  # all of them: a leak is not smaller for looking at fewer
    adapter = encoders[0][3].adapter
    findings = audit(everything, split_rows(everything, seed=0), adapter, stores, encoders[0][3])
    lines: list[dict[str, Any]] = []
    drawn: dict[Any, Any] = {}
    for opponent in _opponents(request, dataset, encoders, adapter, report):
        lines.append(_line(dataset, splits, opponent, drawn))
    _compare_with_trivial(lines, drawn, task.primary)
    return {
        "summary": task.summary,
        "adapter": adapter.name,
        "kind": task.kind,
        "metric": task.primary,
        "split": {"by": task.split.by, **{name: len(getattr(whole, name)) for name in ("train", "validation", "test")}},
        "groups": task.group or adapter.group_name,
        "seeds": request.num_seeds,
        "max_rows": request.max_rows,
        "classes": list(dataset.classes),
        "mirror": task.mirror,
        "fine_tuning": asdict(request.fine_tuning) if "finetune" in request.methods else None,
        "audit": findings,
        "scores": lines,
    }


def _opponents(
    request: Request, dataset: Dataset, encoders: "list[tuple[str, str, str, Encoder]]", adapter: Adapter, report: Report
) -> "list[Opponent]":
    found = []
    for method in request.methods:
        for name, role, folder, encoder in encoders:
            if method == "head" and role != "model" and (role == "random" or not has_head(folder)):
                continue
            report(f"{dataset.task.name}: {name}, {method}")
            if method == "head":
                found.append(head_opponent(encoder, dataset, folder=folder, name=name, role=role))
            elif method == "finetune":
                found.append(finetuned_opponent(encoder, dataset, request.fine_tuning, folder=folder, name=name, role=role))
            else:
                found.append(encoder_opponent(encoder, dataset, name=name, role=role, method=method))
    return [*found, *trivial_opponents(dataset, adapter.baselines())]


def _line(dataset: Dataset, splits: Sequence[Split], opponent: Opponent, drawn: dict[Any, Any]) -> dict[str, Any]:
    """Scores of one opponent: mean and spread over seeds, an interval of the mean from test rows drawn anew, the difference to the base."""
    values: list[dict[str, float]] = []
    resampled: list[Any] = []
    for seed, split in enumerate(splits):
        predicted = opponent.learn(split.train, split.validation, split.test, seed)
        values.append(score_rows(dataset, split.test, predicted))
        resampled.append(_resampled(dataset, split.test, predicted, seed))
    samples = np.mean(resampled, axis=0)
    drawn[opponent.name, opponent.role, opponent.method] = samples
    scores = {name: _spread([value[name] for value in values]) for name in METRICS[dataset.task.kind]}
    line = {"name": opponent.name, "role": opponent.role, "method": opponent.method, "scores": scores}
    line["interval"] = asdict(interval(samples))
    model = next((drawn[key] for key in drawn if key[1:] == ("model", opponent.method)), None)
    if opponent.role in ("base", "random") and model is not None:
        line["model_minus_this"] = _difference(model, samples)
    return line


def _resampled(dataset: Dataset, rows: Ints, predicted: Any, seed: int) -> Any:
    """The primary metric on test rows drawn anew; where all seeds have the same test rows, they meet the same draws."""
    metric, groups = dataset.task.primary, [dataset.groups[row] for row in rows.tolist()]
    draws = seed if dataset.task.split.by in DRAWN else 0

    def value(chosen: Ints) -> float:
        return score_rows(dataset, rows[chosen], _chosen(predicted, chosen), only=metric)[metric]

    return intervals(value, groups, len(rows), seed=draws)


def _compare_with_trivial(lines: "list[dict[str, Any]]", drawn: Mapping[Any, Any], metric: str) -> None:
    """The best trivial line gets the difference of the best of the model's: the question that decides whether an encoder is needed."""

    def value(line: Mapping[str, Any]) -> float:
        mean = line["scores"][metric]["mean"]
        return -math.inf if not math.isfinite(mean) else -mean if metric in LOWER_IS_BETTER else mean

    model, trivial = ([line for line in lines if line["role"] == role] for role in ("model", "trivial"))
    if model and trivial:
        best, its = (max(found, key=value) for found in (trivial, model))
        samples = (drawn[line["name"], line["role"], line["method"]] for line in (its, best))
        best["model_minus_this"] = _difference(*samples)


def _difference(model: Any, other: Any) -> dict[str, float]:
    return {"mean": float(np.nanmean(model - other)), **asdict(interval(model - other))}


def _spread(values: Sequence[float]) -> dict[str, Any]:
    finite = [value for value in values if math.isfinite(value)]
    mean = float(np.mean(finite)) if finite else math.nan
    return {"mean": mean, "sd": float(np.std(finite, ddof=1)) if len(finite) > 1 else 0.0, "values": list(values)}


def _chosen(predicted: Any, rows: Any) -> Any:
    return [predicted[row] for row in rows.tolist()] if isinstance(predicted, list) else predicted[rows]


def _seeded(dataset: Dataset, seed: int, num_seeds: int) -> Split:
    """The seed's own split; where splits are given, the seed's own nine tenths of train."""
    split = split_rows(dataset, seed=seed)
    if dataset.task.split.by in DRAWN or num_seeds == 1:
        return split
    keep = np.random.default_rng(seed).permutation(len(split.train))[math.ceil(LEFT_OUT * len(split.train)) :]
    smaller = Split(split.train[np.sort(keep)], split.validation, split.test)
    kinds = dataset.labels if dataset.task.kind == "classification" else None
    lost = kinds is not None and set(kinds[split.train].tolist()) != set(kinds[smaller.train].tolist())
    return split if lost else smaller  # a class of one row must not go


def _encoders(request: Request, adapter: Adapter) -> list[tuple[str, str, str, Encoder]]:
    """Name, role, folder and encoder of the model, its base and random weights."""
    folder = str(model_folder(request.model))
    model = Encoder.from_pretrained(folder, adapter=adapter)
    found = [("this model", "model", folder, model)]
    if base := _against(request):
        other = str(model_folder(base))
        # The base reads the domain's spelling too: what differs is what was learned.
        found.append((f"base: {Path(base).name or base}", "base", other, Encoder.from_pretrained(other, adapter=adapter)))
    return [*found, ("random weights", "random", folder, random_encoder(model, folder))]


def _against(request: Request) -> str:
    return request.against or _base_of(Path(request.model))


def _base_of(run: Path) -> str:
    """The base that a run folder names, if it is a folder that is still there."""
    try:
        base = json.loads((run / "recipe.json").read_text())["recipe"]["model"]["base"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(base) if base != SCRATCH and Path(base).is_dir() else ""


def _stores(model: Path) -> list[TokenStore]:
    """Stores of the run that made the model: of its folder, or of the folder above ``model/``."""
    for run in (model, model.parent):
        if (run / "recipe.json").is_file():
            return [TokenStore(path.parent) for path in sorted((run / "stores").glob(f"*/{MANIFEST}"))]
    return []


def _speller(task: Task, adapter: Adapter) -> Adapter:
    return load_adapter(task.adapter) if task.adapter and task.adapter != adapter.name else adapter


def _finite(value: Any) -> Any:
    """JSON has no NaN: what is not defined is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
