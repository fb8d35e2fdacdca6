"""Shows tasks to a person: the audit first, then the scores, everybody on the same splits."""

import math
from collections.abc import Mapping
from typing import Any

from domainbert.downstream.corpora import render_texts
from domainbert.downstream.task import DRAWN, METRICS
from domainbert.evaluation.report import columns

TITLES = {
    "mcc": "MCC", "macro_f1": "macro F1", "accuracy": "accuracy", "auroc": "AUROC", "auprc": "AUPRC", "tpr_at_fpr_1e-3": "TPR at FPR 1e-3",
    "spearman": "Spearman", "rmse": "RMSE", "mae": "MAE", "r2": "R2", "concordance": "concordance", "entity_f1": "entity F1", "mse": "MSE",
    "rm2": "rm2", "rm2_deepdta": "rm2 as in DeepDTA", "mse_uncensored": "MSE uncensored",
    "concordance_uncensored": "concordance uncensored",
}  # fmt: skip


def render(results: Mapping[str, Any]) -> str:
    """What was measured on text, then every task, one below the other."""
    texts = [render_texts(results["texts"])] if "texts" in results else []
    return "\n\n".join([*texts, *(_task(name, task) for name, task in results["tasks"].items())])


def _task(name: str, task: Mapping[str, Any]) -> str:
    split, metric = task["split"], task["metric"]
    counts = ", ".join(f"{split[part]:,} {part}" for part in ("train", "validation", "test"))
    by = {"group": task["groups"], "near": "near duplicates"}.get(split["by"], split["by"])
    head = f"{name}: {task['kind']}, split by {by}: {counts} rows"
    head += ", drawn from more; the audit is of all" if task["max_rows"] else ""
    lines = [head, *(f"  {'!' if finding['warns'] else ' '} {finding['text']}" for finding in task["audit"])]
    others = [other for other in METRICS[task["kind"]] if other != metric and _defined(task, other)]
    rows = [("", "method", f"{TITLES[metric]} (95 %)", *(TITLES[other] for other in others))]
    for line in task["scores"]:
        low, high = line["interval"]["low"], line["interval"]["high"]
        first = f"{_figure(line['scores'][metric], task['seeds'])} ({_plain(low)} to {_plain(high)})"
        rows.append((line["name"], line["method"], first, *(_plain(line["scores"][other]["mean"]) for other in others)))
    lines += columns(rows)
    lines += [f"  {text}" for line in task["scores"] if (text := _difference(line, metric))]
    lines.append(f"  {_seeds(task)}; intervals of the mean: test rows drawn anew")
    return "\n".join(lines)


def _difference(line: Mapping[str, Any], metric: str) -> str:
    if "model_minus_this" not in line:
        return ""
    mean, low, high = (line["model_minus_this"][key] for key in ("mean", "low", "high"))
    clear = "" if low > 0 or high < 0 else ": no difference that these rows show"
    return f"this model - {line['name']} ({line['method']}): {TITLES[metric]} {mean:+.3f} ({low:+.3f} to {high:+.3f}){clear}"


def _seeds(task: Mapping[str, Any]) -> str:
    if task["seeds"] == 1:
        return "one seed"
    drawn = task["split"]["by"] in DRAWN
    return f"{task['seeds']} seeds, " + ("each with a split of its own" if drawn else "each on its own nine tenths of train")


def _defined(task: Mapping[str, Any], metric: str) -> bool:
    return any(line["scores"][metric]["mean"] is not None and math.isfinite(line["scores"][metric]["mean"]) for line in task["scores"])


def _figure(spread: Mapping[str, Any], num_seeds: int) -> str:
    return _plain(spread["mean"]) + (f" ± {spread['sd']:.3f}" if num_seeds > 1 else "")


def _plain(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.3f}"
