"""What holds between objectives, companions, corpora and stages."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any, Final

from domainbert.objectives.registry import COMMON, KINDS, Kind
from domainbert.recipe.fields import shown
from domainbert.recipe.keys import did_you_mean
from domainbert.recipe.problems import Problems, join
from domainbert.recipe.schema import DRAWN, Companion, Objective, Ramp, Recipe, Stage

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_DEFAULTS: Final[Mapping[str, Any]] = {field.name: field.default for field in fields(Objective)}
_SHARED: Final = ("kind", "companion", "layers", "projection", "distance", "pooling")  # what decides a term's own parameters


def resolve_objectives(recipe: Recipe, problems: Problems) -> Recipe:
    """Check the objectives of every stage and the companions, and fill in the positions that a kind of objective takes."""
    for name, companion in recipe.companion.items():
        _companion(name, companion, problems)
    trained = [corpus.name for corpus in recipe.corpus if corpus.role in DRAWN]
    stages = tuple(_stage(stage, f"stage[{index}]", recipe, trained, problems) for index, stage in enumerate(recipe.stage))
    _same_terms(stages, problems)
    _needed(recipe, stages, problems)
    return replace(recipe, stage=stages)


def _companion(name: str, companion: Companion, problems: Problems) -> None:
    path = f"companion.{name}"
    if not _NAME.fullmatch(name):
        problems.add(path, "may only have letters, digits, _ and - in its name")
    if not companion.model and problems.clean(join(path, "model")):
        problems.add(join(path, "model"), "is empty; name a folder or a Hub id, or use --teacher")
    if companion.trust_remote_code and not companion.revision:
        text = "= true needs a pinned revision: code from a repository may change under your feet; set revision to a commit"
        problems.add(join(path, "trust_remote_code"), text, because=(join(path, "revision"),))
    if companion.train:
        problems.add(join(path, "train"), "= true: only frozen companions are supported")


def _stage(stage: Stage, path: str, recipe: Recipe, trained: list[str], problems: Problems) -> Stage:
    place = join(path, "objective")
    if not problems.clean(place):
        return stage
    if not any(objective.active for objective in stage.objective):
        problems.add(place, "has no objective with a weight above 0")
    titles = [objective.title for objective in stage.objective]
    for title in dict.fromkeys(title for title in titles if titles.count(title) > 1):
        problems.add(place, f"has {titles.count(title)} objectives called {shown(title)}; add up their weights in one, or give each a name")
    objectives = tuple(
        _objective(objective, f"{place}[{index}]", recipe, trained, problems) for index, objective in enumerate(stage.objective)
    )
    _attention(stage, path, problems)
    _without_hidden(objectives, stage, path, problems)
    if stage.corruption.select == "companion" and problems.clean(join(path, "corruption.options")):
        _known_companion(str(stage.corruption.options["companion"]), join(path, "corruption.options.companion"), recipe, problems)
    return replace(stage, objective=objectives)


def _attention(stage: Stage, path: str, problems: Problems) -> None:
    attention = join(path, "attention")
    for index, objective in enumerate(stage.objective if problems.clean(attention) else ()):
        if (wanted := KINDS[objective.kind].attention) != stage.attention:
            text = f"= {shown(objective.kind)} needs a stage with attention = {shown(wanted)}; this one has {shown(stage.attention)}"
            problems.add(join(path, f"objective[{index}].kind"), text, because=(attention,))


def _without_hidden(objectives: tuple[Objective, ...], stage: Stage, path: str, problems: Problems) -> None:
    """A stage that leaves hidden tokens out of the input has room for terms of visible ones only."""
    removing = next((each for each in objectives if each.active and KINDS[each.kind].without_hidden == "removes"), None)
    if removing is None:
        return
    corruption = join(path, "corruption")
    if stage.corruption.mask != 1.0 and problems.clean(corruption):
        text = f"= {stage.corruption.mask:g}: {shown(removing.kind)} leaves hidden tokens out of the input; set mask = 1.0, random = 0.0"
        problems.add(join(corruption, "mask"), text)
    for index, each in enumerate(objectives):
        needs = KINDS[each.kind].without_hidden
        if each.active and (needs == "never" or (needs == "visible" and each.positions != "visible")):
            text = f"is of hidden tokens, which {shown(removing.kind)} leaves out of the input; take it away, or positions = \"visible\""
            problems.add(f"{join(path, 'objective')}[{index}]", text)


def _objective(objective: Objective, path: str, recipe: Recipe, trained: list[str], problems: Problems) -> Objective:
    kind = KINDS[objective.kind]
    _no_foreign_keys(objective, kind, path, problems)
    if objective.name and not _NAME.fullmatch(objective.name):
        problems.add(join(path, "name"), f"= {shown(objective.name)} may only have letters, digits, _ and -")
    if isinstance(objective.weight, Ramp) and objective.weight.shape != "linear":
        problems.add(join(path, "weight"), "is drawn for each sample; a weight is a number or {shape = \"linear\", from = .., to = ..}")
    for name in objective.data:
        if name not in trained:
            hint = did_you_mean(name, trained)
            problems.add(join(path, "data"), f"has {shown(name)}, no corpus to train on; there are: {', '.join(trained)}{hint}")
    if "companion" in kind.keys:
        _known_companion(objective.companion, join(path, "companion"), recipe, problems)
    for number, pair in enumerate(objective.layers):
        if len(pair) != 2:  # noqa: PLR2004  # a pair
            problems.add(join(path, f"layers[{number}]"), f"= {shown(list(pair))} is no pair of layers [student, teacher]")
    if not objective.layers:
        problems.add(join(path, "layers"), "is empty; [[-1, -1]] aligns the last layers")
    companion = recipe.companion.get(objective.companion)
    if objective.kind == "logit" and companion is not None and companion.phase == "random":
        text = 'needs tokens that line up; with companion.phase = "random" they do not'
        problems.add(path, text, because=(f"companion.{objective.companion}.phase",))
    if objective.kind == "logit" and companion is not None and companion.cache:
        text = "needs predictions, and a cache holds features"
        problems.add(path, text, because=(f"companion.{objective.companion}.cache",))
    return replace(objective, positions=objective.positions or kind.positions)


def _no_foreign_keys(objective: Objective, kind: Kind, path: str, problems: Problems) -> None:
    """A key that the kind does not read is a mistake, not something to pass over."""
    for name, default in _DEFAULTS.items():
        value = getattr(objective, name)
        if name in COMMON or name in kind.keys or default is MISSING or value == default:
            continue
        own = ", ".join(sorted(kind.keys)) or "none of its own"
        problems.add(join(path, name), f"= {shown(value)} has no meaning for kind = {shown(objective.kind)}; its keys: {own}")


def _known_companion(name: str, path: str, recipe: Recipe, problems: Problems) -> None:
    if name in recipe.companion or not problems.clean("companion"):
        return
    known = tuple(recipe.companion)
    none = "the recipe has none: add [companion.teacher], or use --teacher"
    there = f"there are: {', '.join(known)}{did_you_mean(name, known)}" if known else none
    problems.add(path, f"= {shown(name)} is no companion; {there}")


def _same_terms(stages: tuple[Stage, ...], problems: Problems) -> None:
    """Objectives of one name share their parameters over all stages, so they must be of one make."""
    first: dict[str, tuple[str, Objective]] = {}
    for index, stage in enumerate(stages):
        for place, objective in enumerate(stage.objective):
            path = f"stage[{index}].objective[{place}]"
            other_path, other = first.setdefault(objective.title, (path, objective))
            odd = [name for name in _SHARED if getattr(objective, name) != getattr(other, name)]
            if odd and problems.clean(path, other_path):
                text = f"is called {shown(objective.title)} like {other_path}, and differs in {', '.join(odd)}; give it a name of its own"
                problems.add(path, text)


def _needed(recipe: Recipe, stages: tuple[Stage, ...], problems: Problems) -> None:
    named = {objective.companion for stage in stages for objective in stage.objective}
    named |= {str(stage.corruption.options.get("companion", "")) for stage in stages}
    for name in recipe.companion:
        if name not in named and problems.clean("companion", "stage"):
            problems.add(f"companion.{name}", "is used by no objective and no corruption; add one, or leave it out")
