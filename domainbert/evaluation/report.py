"""Shows an evaluation to a person, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from domainbert.recipe.schema import SCRATCH

CONTROL = "control: same samples, masked"


def render(evaluation: Mapping[str, Any]) -> str:
    """The model beside its opponents, one line each, bits per letter.

    Args:
        evaluation: content of ``evaluation.json``.
    """
    if not evaluation.get("after"):
        return "nothing or too little was held out: raise validation_fraction to learn whether training helped"
    unit, block = evaluation["unit"], evaluation["block"]
    kinds = list(evaluation["after"])
    whole = evaluation.get("hidden_unit", "")
    titles = {"single": f"single {unit}s hidden", "block": f"blocks of {block} hidden", "unit": f"whole {whole}s hidden"}
    rows = [("", *(titles[kind] for kind in kinds))]
    rows += [(name, *(_figure(value, kind) for kind in kinds)) for name, value in _model_rows(evaluation)]
    rows += _opponent_rows(evaluation, kinds)
    lines = [f"bits per {unit} on held-out text (lower is better)", *columns(rows)]
    lines += _visible_line(evaluation, unit)
    lines += _part_lines(evaluation, kinds[0])
    lines += [f"forgetting, on text of {sentence}" for sentence in forgetting(evaluation)]
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


def forgetting(evaluation: Mapping[str, Any]) -> list[str]:
    """The meters of an evaluation in words, one a corpus."""
    return [
        f"{name}: {each['before']:.3f} bits per {each.get('unit', 'character')} before, {each['after']:.3f} after "
        f"({each['after'] - each['before']:+.3f})"
        for name, each in (evaluation.get("forgetting") or {}).items()
    ]


def _model_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    control = [(CONTROL, evaluation["control"])] if "control" in evaluation else []
    return [("this model", evaluation["after"]), *control, (_start(evaluation), evaluation["before"])]


def _start(evaluation: Mapping[str, Any]) -> str:
    return "random weights" if evaluation["base"] == SCRATCH else "the base, before"


def _opponent_rows(evaluation: Mapping[str, Any], kinds: Sequence[str]) -> list[tuple[str, ...]]:
    hidden = evaluation["baselines"]["same_letters_hidden"]
    rows = []
    families = [
        ("composition only", "order 0", False),
        ("best one-sided counts", "order", True),
        ("best two-sided counts", "two-sided", True),
    ]
    if "unit" in kinds:
        families.insert(1, ("order 3 counts", "order 3", False))
    for title, prefix, is_named in families:
        if any(score["name"].startswith(prefix) for score in hidden[kinds[0]]):
            found = [best(hidden[kind], prefix) for kind in kinds]
            rows.append((title, *(f"{score['bits']:.3f}" + (f"  ({score['name']})" if is_named else "") for score in found)))
    return rows


def _visible_line(evaluation: Mapping[str, Any], unit: str) -> list[str]:
    scores = evaluation["baselines"]["all_neighbours_visible"]
    if not scores:
        return ["counts read every letter to the left, the model only those that are not hidden"]
    one, two = best(scores, "order"), best(scores, "two-sided")
    return [
        f"counts that see every neighbour: {one['name']} {one['bits']:.3f}, {two['name']} {two['bits']:.3f} bits per {unit} "
        "(the model has 15 % of them hidden)"
    ]


def _part_lines(evaluation: Mapping[str, Any], kind: str) -> list[str]:
    """The parts of the text that are reported apart, the largest first."""
    after, before = evaluation["after"][kind]["parts"], evaluation["before"].get(kind, {}).get("parts", {})
    if not after:
        return []
    counts = best(evaluation["baselines"]["same_letters_hidden"][kind], "order")
    rows: list[tuple[str, ...]] = [("part", "letters", "this model", _start(evaluation), f"{counts['name']} counts")]
    for name, bits in sorted(after.items(), key=lambda item: -item[1]["num_letters"]):
        old = f"{before[name]['bits']:.3f}" if name in before else ""
        rows.append((name, f"{bits['num_letters']:,}", f"{bits['bits']:.3f}", old, f"{counts['parts'].get(name, float('nan')):.3f}"))
    return columns(rows)


def _figure(value: Mapping[str, Any], kind: str) -> str:
    return f"{value[kind]['bits']:.3f}" if kind in value else ""


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
