"""Shows an evaluation to a person, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from domainbert.recipe.schema import SCRATCH


def render(evaluation: Mapping[str, Any]) -> str:
    """The model beside its opponents, one line each, bits per letter.

    Args:
        evaluation: content of ``evaluation.json``.
    """
    if not evaluation.get("after"):
        return "nothing or too little was held out: raise validation_fraction to learn whether training helped"
    unit, block = evaluation["unit"], evaluation["block"]
    kinds = list(evaluation["after"])
    titles = {"single": f"single {unit}s hidden", "block": f"blocks of {block} hidden"}
    rows = [("", *(titles[kind] for kind in kinds))]
    rows += [(name, *(_figure(value, kind) for kind in kinds)) for name, value in _model_rows(evaluation)]
    rows += _opponent_rows(evaluation, kinds)
    lines = [f"bits per {unit} on held-out text (lower is better)", *_columns(rows)]
    lines += _visible_line(evaluation, unit)
    held_out = evaluation["held_out"]
    share = held_out["share_in_repeats_seen_in_training"]
    lines.append(
        f"held out: {held_out['letters']:,} {unit}s; {100 * share:.1f} % of them lie in stretches of "
        f"{held_out['repeat_length']} that training text holds too"
    )
    return "\n".join(lines)


def best(scores: Sequence[Mapping[str, Any]], prefix: str) -> Mapping[str, Any]:
    """The lowest of the baselines whose name begins with ``prefix``."""
    return min((score for score in scores if score["name"].startswith(prefix)), key=lambda score: score["bits"])


def _model_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    before = "random weights" if evaluation["base"] == SCRATCH else "the base, before"
    return [("this model", evaluation["after"]), (before, evaluation["before"])]


def _opponent_rows(evaluation: Mapping[str, Any], kinds: Sequence[str]) -> list[tuple[str, ...]]:
    hidden = evaluation["baselines"]["same_letters_hidden"]
    rows = []
    for title, prefix in (("composition only", "order 0"), ("best one-sided counts", "order"), ("best two-sided counts", "two-sided")):
        found = [best(hidden[kind], prefix) for kind in kinds]
        rows.append((title, *(f"{score['bits']:.3f}" + (f"  ({score['name']})" if prefix != "order 0" else "") for score in found)))
    return rows


def _visible_line(evaluation: Mapping[str, Any], unit: str) -> list[str]:
    scores = evaluation["baselines"]["all_neighbours_visible"]
    one, two = best(scores, "order"), best(scores, "two-sided")
    return [
        f"counts that see every neighbour: {one['name']} {one['bits']:.3f}, {two['name']} {two['bits']:.3f} bits per {unit} "
        "(the model has 15 % of them hidden)"
    ]


def _figure(value: Mapping[str, Any], kind: str) -> str:
    return f"{value[kind]['bits']:.3f}" if kind in value else ""


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
