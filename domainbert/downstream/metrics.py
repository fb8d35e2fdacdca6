"""Scores of predictions, and how sure they are: intervals by resampling test rows, whole groups together."""

# N test rows, C classes, L labels

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn import metrics as sk

from domainbert.downstream.task import METRICS

Floats = NDArray[np.float64]
LOWER_IS_BETTER = frozenset({"mse", "rmse", "mae", "mse_uncensored"})
UNCENSORED = "_uncensored"  # behind the name of a score
FALSE_POSITIVE_RATE = 1e-3
RESAMPLES = 300
_PAIRS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of what resampled test sets give."""

    low: float
    high: float


def score(
    kind: str, truth: Any, predicted: Any, *, positive: int = 1, only: str = "", tags: Sequence[str] = (), censored: Sequence[float] = ()
) -> dict[str, float]:
    """Every score of a kind of task; NaN where one is not defined on these rows.

    Args:
        kind: of the task.
        truth: class numbers ``(N,)``, values ``(N,)``, ``(N, L)`` with NaN where not tested, or a sequence of tag numbers a sentence.
        predicted: probabilities ``(N, C)``, values ``(N,)``, probabilities ``(N, L)``, or a sequence of tag numbers a sentence.
        positive: of two classes, the one that is to be found.
        only: one score instead of all.
        tags: of a token task, names by number.
        censored: values of a regression's truth that only say where the assay ends.
    """
    names = (only,) if only else METRICS[kind]
    if kind == "classification":
        return {name: _classified(name, truth, predicted, positive) for name in names}
    if kind == "multilabel":
        return {name: _mean_over_labels(name, truth, predicted) for name in names}
    if kind == "regression":
        return {name: _regressed(name, truth, predicted, censored) for name in names}
    return {name: _tagged(name, truth, predicted, tags) for name in names}


def intervals(
    metric: Callable[[NDArray[np.int64]], float], groups: Sequence[str], num_rows: int, *, seed: int = 0, resamples: int = RESAMPLES
) -> Floats:
    """The metric on test sets drawn with replacement from the test rows; whole groups where there are some.

    Args:
        metric: of some rows, by number.
        groups: of the rows; empty strings for none.
        num_rows: of the test set.
        seed: of the draws, so that two models meet the same test sets.
        resamples: how many.
    """
    rng = np.random.default_rng(seed)
    names = [group or f"\0{row}" for row, group in enumerate(groups)]
    unit = np.unique(names, return_inverse=True)[1]
    order = np.argsort(unit, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(unit))[:-1])
    values = []
    for _ in range(resamples):
        drawn = rng.integers(0, len(members), len(members))
        rows = np.concatenate([members[number] for number in drawn]) if len(members) < num_rows else order[drawn]
        values.append(metric(rows))
    return np.array(values)


def interval(values: Floats) -> Interval:
    """The middle 95 %; NaN where nothing is defined."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(finite, (0.025, 0.975))
    return Interval(float(low), float(high))


def concordance(truth: Floats, predicted: Floats) -> float:
    """Share of pairs of different truth that are predicted in the right order; ties in prediction count half.

    Harrell et al. 1982; without censoring.
    """
    wins = pairs = 0.0
    step = max(1, _PAIRS_AT_ONCE // max(1, len(truth)))
    for start in range(0, len(truth), step):
        higher = truth[start : start + step, None] > truth[None, :]
        difference = predicted[start : start + step, None] - predicted[None, :]
        pairs += float(higher.sum())
        wins += float(((difference > 0) & higher).sum()) + 0.5 * float(((difference == 0) & higher).sum())
    return wins / pairs if pairs else float("nan")


def modified_r2(truth: Floats, predicted: Floats, *, squared: bool = False) -> float:
    """Modified squared correlation r_m^2 = r^2 (1 - sqrt(|r^2 - r_0^2|)).

    r is the correlation of truth and prediction, r_0^2 the coefficient of determination of truth = k * prediction, the line through the
    origin. Roy, Paul, Mitra, Roy 2009, Molecules 14, 1660; the absolute value only guards against rounding, as r_0^2 never exceeds r^2.

    Args:
        truth: values, ``(N,)``.
        predicted: values, ``(N,)``.
        squared: sqrt(|r^4 - r_0^4|) instead, which is another figure: ``get_rm2`` of DeepDTA's ``emetrics.py`` (Öztürk et al. 2018,
            hkmztrk/DeepDTA) computes it, and so do the many programs that took it over.

    Returns:
        At most 1; NaN where either is constant, as in a single row.
    """
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    r2 = float(np.corrcoef(truth, predicted)[0, 1]) ** 2
    slope = (truth @ predicted) / (predicted @ predicted)
    through_origin = 1 - float(np.sum((truth - slope * predicted) ** 2) / np.sum((truth - truth.mean()) ** 2))
    gap = r2**2 - through_origin**2 if squared else r2 - through_origin
    return float(r2 * (1 - np.sqrt(abs(gap))))


def entities(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Spans of a sentence with their type: strict, from IOB2 or IO tags; an I- that continues nothing begins a span, as in conlleval."""
    spans: set[tuple[int, int, str]] = set()
    start, current = 0, ""
    for place, tag in enumerate([*tags, "O"]):
        mark, _, name = tag.partition("-")
        kind = name or mark
        if current and (mark in ("O", "B", "") or kind != current):
            spans.add((start, place, current))
            current = ""
        if mark not in ("O", "") and not current:
            start, current = place, kind
    return spans


def is_span_task(tags: Sequence[str]) -> bool:
    """Whether tags mark spans (``B-x``, ``I-x``, ``O``) and not a class a word."""
    return "O" in tags and all(tag == "O" or tag[:2] in ("B-", "I-") for tag in tags)


def _classified(name: str, truth: NDArray[np.int64], predicted: Floats, positive: int) -> float:
    best = predicted.argmax(1)
    present = np.unique(truth)
    if name in _DECIDED:
        return _DECIDED[name](truth, best, present)
    if len(present) < 2:  # noqa: PLR2004
        return float("nan")
    if predicted.shape[1] == 2:  # noqa: PLR2004
        found = truth == positive
        return _DETECTION[name](found, predicted[:, positive])
    if name == "tpr_at_fpr_1e-3":  # of one class against the others there are as many as classes
        return float("nan")
    return float(np.mean([_DETECTION[name](truth == number, predicted[:, number]) for number in present]))


_DECIDED: dict[str, Callable[..., float]] = {
    "mcc": lambda truth, best, present: float(sk.matthews_corrcoef(truth, best)) if len(present) > 1 else float("nan"),
    "macro_f1": lambda truth, best, present: float(sk.f1_score(truth, best, average="macro", zero_division=0.0, labels=present)),
    "accuracy": lambda truth, best, present: float((truth == best).mean()),
}


def _detection_rate(found: NDArray[np.bool_], value: Floats) -> float:
    """Share of positives above the threshold that lets at most one negative in a thousand through."""
    false, true, _ = sk.roc_curve(found, value, drop_intermediate=False)
    return float(true[false <= FALSE_POSITIVE_RATE].max())


_DETECTION: dict[str, Callable[..., float]] = {
    "auroc": lambda found, value: float(sk.roc_auc_score(found, value)),
    "auprc": lambda found, value: float(sk.average_precision_score(found, value)),
    "tpr_at_fpr_1e-3": _detection_rate,
}


def _mean_over_labels(name: str, truth: Floats, predicted: Floats) -> float:
    """Mean over the labels that have both outcomes among the tested rows."""
    values = []
    for column in range(truth.shape[1]):
        tested = ~np.isnan(truth[:, column])
        found, value = truth[tested, column] == 1, predicted[tested, column]
        if found.any() and not found.all():
            f1 = name == "macro_f1"
            values.append(float(sk.f1_score(found, value > 0.5)) if f1 else _DETECTION[name](found, value))  # noqa: PLR2004
    return float(np.mean(values)) if values else float("nan")


def _rank_correlation(truth: Floats, predicted: Floats) -> float:
    constant = np.ptp(truth) == 0 or np.ptp(predicted) == 0
    return float("nan") if constant else float(spearmanr(truth, predicted).statistic)


def _regressed(name: str, truth: Floats, predicted: Floats, censored: Sequence[float]) -> float:
    if not name.endswith(UNCENSORED):
        return _REGRESSION[name](truth, predicted)
    rows = ~np.isin(truth, censored)
    defined = len(censored) and rows.any()
    return _REGRESSION[name.removesuffix(UNCENSORED)](truth[rows], predicted[rows]) if defined else float("nan")


_REGRESSION: dict[str, Callable[[Floats, Floats], float]] = {
    "spearman": _rank_correlation,
    "mse": lambda truth, predicted: float(np.mean((truth - predicted) ** 2)),
    "rmse": lambda truth, predicted: float(np.sqrt(np.mean((truth - predicted) ** 2))),
    "mae": lambda truth, predicted: float(np.mean(np.abs(truth - predicted))),
    "r2": lambda truth, predicted: float(sk.r2_score(truth, predicted)) if len(truth) > 1 else float("nan"),
    "rm2": modified_r2,
    "rm2_deepdta": lambda truth, predicted: modified_r2(truth, predicted, squared=True),
    "concordance": concordance,
}


def _tagged(name: str, truth: Sequence[Any], predicted: Sequence[Any], tags: Sequence[str]) -> float:
    if name == "entity_f1":
        if not is_span_task(tags):
            return float("nan")
        found = [(entities(_named(a, tags)), entities(_named(b, tags))) for a, b in zip(truth, predicted, strict=True)]
        right = sum(len(wanted & seen) for wanted, seen in found)
        total = sum(len(wanted) + len(seen) for wanted, seen in found)
        return 2 * right / total if total else float("nan")
    known, seen = np.concatenate(list(truth)), np.concatenate(list(predicted))
    known, seen = known[known >= 0], seen[known >= 0]
    if name == "accuracy":
        return float((known == seen).mean())
    return float(sk.f1_score(known, seen, average="macro", zero_division=0.0, labels=np.unique(known)))


def _named(numbers: NDArray[np.int64], tags: Sequence[str]) -> list[str]:
    return [tags[number] if number >= 0 else "O" for number in numbers.tolist()]
