"""What ``evaluation.json`` holds, as the rows of a table and as the Hub's ``model-index``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domainbert.evaluation.report import CONTROL, best, render
from domainbert.recipe.schema import SCRATCH

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

_SHOWN_ABOVE = frozenset({"unit", "block", "seed", "base", "held_out", "before", "after", "baselines", "hidden_unit", "control"})
_MOST_FIGURES = 60  # rows of what else was measured; the file itself goes along


@dataclass(frozen=True, slots=True)
class Figure:
    """One number on held-out text.

    Args:
        who: the model, what it started from, or an opponent.
        kind: what was hidden, a key of ``evaluation.json``.
        value: bits per letter.
        note: which opponent, e.g. ``order 6``.
    """

    who: str
    kind: str
    value: float
    note: str = ""


MODEL = "this model"
COUNTS = (("composition only", "order 0"), ("order 3 counts", "order 3"), ("best one-sided counts", "order"),
          ("best two-sided counts", "two-sided"))  # fmt: skip
_NAMED = frozenset({"best one-sided counts", "best two-sided counts"})


def figures(evaluation: Mapping[str, Any]) -> list[Figure]:
    """The model beside its opponents; empty where nothing was measured, or not in the usual form."""
    before = "random weights" if evaluation.get("base") == SCRATCH else "the base, before"
    try:
        found = [Figure(MODEL, kind, float(score["bits"])) for kind, score in evaluation["after"].items()]
        found += [Figure(CONTROL, kind, float(score["bits"])) for kind, score in evaluation.get("control", {}).items()]
        found += [Figure(before, kind, float(score["bits"])) for kind, score in evaluation["before"].items()]
        found += list(_opponents(evaluation.get("baselines", {}).get("same_letters_hidden", {})))
    except (KeyError, TypeError, ValueError, AttributeError):
        return []
    return found


def table(evaluation: Mapping[str, Any]) -> str:
    """The figures as a Markdown table, else as the report's text."""
    found = figures(evaluation)
    kinds = list(dict.fromkeys(figure.kind for figure in found if figure.who == MODEL))
    if not kinds:
        return f"```\n{_text(evaluation)}\n```"
    unit = str(evaluation.get("unit", "character"))
    rows = [f"| bits per {unit}, lower is better | {' | '.join(title(evaluation, kind) for kind in kinds)} |"]
    rows.append("| --- |" + " ---: |" * len(kinds))
    for who in dict.fromkeys(figure.who for figure in found):
        cells = {figure.kind: _cell(figure) for figure in found if figure.who == who}
        rows.append(f"| {who} | {' | '.join(cells.get(kind, '') for kind in kinds)} |")
    return "\n".join(rows)


def parts_table(evaluation: Mapping[str, Any]) -> str:
    """Parts of the text that are scored apart (host and path, coding and other), as Markdown; empty where there are none."""
    rows = []
    for kind, score in (evaluation.get("after") or {}).items():
        for name, part in sorted((score.get("parts") or {}).items(), key=lambda item: -item[1]["num_letters"]):
            before = evaluation["before"].get(kind, {}).get("parts", {}).get(name)
            old = f"{before['bits']:.3f}" if before else ""
            rows.append(f"| {name}, {title(evaluation, kind)} | {part['num_letters']:,} | {part['bits']:.3f} | {old} |")
    return "\n".join(["| part | letters | this model | before |", "| --- | ---: | ---: | ---: |", *rows]) if rows else ""


def model_index(evaluation: Mapping[str, Any], *, dataset: str) -> "list[EvalResult]":
    """The figures for the Hub, each opponent under its own name beside the model."""
    from huggingface_hub import EvalResult

    unit = str(evaluation.get("unit", "character"))
    return [
        EvalResult(
            task_type="fill-mask",
            task_name="Masked-token prediction",
            dataset_type="held-out",
            dataset_name=f"held-out text of {dataset}",
            dataset_split="validation",
            metric_type=f"bits_per_{unit}",
            metric_name=_metric_name(evaluation, figure, unit),
            metric_value=round(figure.value, 4),
        )
        for figure in figures(evaluation)
    ]


def title(evaluation: Mapping[str, Any], kind: str) -> str:
    """What a kind of hidden text is called."""
    unit, block, whole = evaluation.get("unit", "character"), evaluation.get("block", 1), evaluation.get("hidden_unit", "")
    titles = {"single": f"single {unit}s hidden", "block": f"blocks of {block} hidden", "unit": f"whole {whole}s hidden"}
    return titles.get(kind, f"{kind} hidden")


def other_figures(evaluation: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything else that was measured (tasks, forgetting, probes, breakdowns), by its path in the file."""
    rows: list[tuple[str, str]] = []
    for key, value in evaluation.items():
        if key not in _SHOWN_ABOVE:
            rows += _leaves(key, value)
    return rows[:_MOST_FIGURES]


def _opponents(hidden: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Figure]:
    for who, prefix in COUNTS:
        for kind, scores in hidden.items():
            if prefix == "order 3" and kind != "unit":  # the bar for text; domains with an alphabet have closer ones
                continue
            if any(score["name"].startswith(prefix) for score in scores):
                score = best(scores, prefix)
                yield Figure(who, kind, float(score["bits"]), str(score["name"]) if who in _NAMED else "")


def _metric_name(evaluation: Mapping[str, Any], figure: Figure, unit: str) -> str:
    name = f"bits per {unit}, {title(evaluation, figure.kind)}"
    if figure.who == MODEL:
        return name
    return f"{name}: baseline {figure.who}" + (f" ({figure.note})" if figure.note else "")


def _cell(figure: Figure) -> str:
    text = f"{figure.value:.3f}" + (f" ({figure.note})" if figure.note else "")
    return f"**{text}**" if figure.who == MODEL else text


def _text(evaluation: Mapping[str, Any]) -> str:
    try:
        return render(evaluation)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "see evaluation.json"


def _leaves(path: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [leaf for key, inner in value.items() for leaf in _leaves(f"{path}.{key}", inner)]
    if isinstance(value, float):
        return [(path, f"{value:.4g}")]
    if isinstance(value, int | str | bool):
        return [(path, str(value))]
    if isinstance(value, list) and value and all(isinstance(inner, Mapping) for inner in value):
        return [leaf for inner in value for leaf in _leaves(f"{path}.{inner.get('name', '')}".rstrip("."), inner)]
    return []
