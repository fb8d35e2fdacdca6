"""``[distillation]`` and ``--teacher``: short for a companion and an objective that aligns with it, in every stage that is not causal."""

from dataclasses import fields
from typing import Any, Final

from domainbert.objectives.registry import COMMON, KINDS
from domainbert.recipe.fields import kind_of, shown
from domainbert.recipe.keys import nearest_key
from domainbert.recipe.problems import Problems
from domainbert.recipe.schema import CAUSAL, Companion

NAME: Final = "teacher"
_COMPANION: Final = {"teacher": "model"} | {field.name: field.name for field in fields(Companion) if field.name not in ("model", "train")}
_OBJECTIVE: Final = {"align": "positions"} | {
    name: name for name in sorted(KINDS["align"].keys | COMMON) if name not in ("kind", "companion", "positions")
}


def set_teacher(tables: dict[str, Any], teacher: str) -> None:
    """What ``--teacher`` sets: the model of the companion ``teacher``, or the short form's where there is none."""
    companions = tables.get("companion")
    if isinstance(companions, dict) and isinstance(companions.get(NAME), dict):
        companions[NAME]["model"] = teacher
        return
    short = tables.setdefault("distillation", {})
    if isinstance(short, dict):
        short["teacher"] = teacher


def expand_distillation(tables: dict[str, Any], problems: Problems) -> None:
    """Write ``[distillation]`` out; a problem in it is named by its own key."""
    if "distillation" not in tables:
        return
    short = tables.pop("distillation")
    if not isinstance(short, dict):
        problems.add("distillation", f'= {shown(short)} is {kind_of(short)}; a table is wanted: teacher = "...", align = "visible"')
        return
    companions = tables.setdefault("companion", {})
    if not isinstance(companions, dict):
        return  # named when the recipe is built
    if NAME in companions:
        problems.add("distillation", f"stands beside [companion.{NAME}]; write one of them")
        return
    for key in short:
        if key not in _COMPANION and key not in _OBJECTIVE:
            problems.unknown(f"distillation.{key}", nearest_key(key, (*_COMPANION, *_OBJECTIVE), "distillation"))
    companions[NAME] = {long: short[key] for key, long in _COMPANION.items() if key in short}
    problems.aliases |= {f"companion.{NAME}": "distillation"}
    problems.aliases |= {f"companion.{NAME}.{long}": f"distillation.{key}" for key, long in _COMPANION.items()}
    if "teacher" not in short:
        problems.add(f"companion.{NAME}.model", "is missing; name a folder or a Hub id, or use --teacher")
    stages = tables.get("stage")
    for index, stage in enumerate(stages if isinstance(stages, list) else ()):
        if isinstance(stage, dict) and isinstance(stage.get("objective"), list) and stage.get("attention") != CAUSAL:
            stage["objective"] = [*stage["objective"], _objective(short)]
            path = f"stage[{index}].objective[{len(stage['objective']) - 1}]"
            problems.aliases |= {path: "distillation"}
            problems.aliases |= {f"{path}.{long}": f"distillation.{key}" for key, long in _OBJECTIVE.items()}


def _objective(short: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "align", "companion": NAME} | {long: short[key] for key, long in _OBJECTIVE.items() if key in short}
