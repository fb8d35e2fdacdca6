"""Loads a recipe: strict, with every problem at once, each with its file and key."""

import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from domainbert.errors import RecipeError
from domainbert.recipe.distillation import expand_distillation, set_teacher
from domainbert.recipe.fields import build, kind_of, shown
from domainbert.recipe.keys import did_you_mean
from domainbert.recipe.override import apply
from domainbert.recipe.problems import Problems
from domainbert.recipe.rules import resolve
from domainbert.recipe.schema import CAUSAL, SCHEMA_VERSION, Corpus, Recipe
from domainbert.resources import recipe_files

_LARGEST_FILE: Final = 1 << 20  # bytes; a recipe is written by hand
_DEFAULT_STEPS: Final = next(stage.steps for stage in Recipe(adapter="").stage)


def load_recipe(
    name_or_path: str | Path, *, overrides: Sequence[str] = (), corpus: Sequence[str] = (), base: str = "", teacher: str = ""
) -> Recipe:
    """A whole recipe with every default filled in.

    Args:
        name_or_path: a shipped recipe's name, or a TOML file.
        overrides: ``KEY=VALUE`` texts, which win over the file: ``training.seed=3``, ``stage.mlm.steps=100``.
        corpus: sources that replace those of the corpus ``main``.
        base: replaces ``model.base``.
        teacher: replaces ``companion.teacher.model``; a recipe without that companion gets it, with one objective that aligns with it.

    Raises:
        RecipeError: there is no such recipe, or something is wrong in it; the message lists every problem, one a line.
    """
    path, label = find_recipe(name_or_path)
    return recipe_from(read_toml(path, label), label, overrides=overrides, corpus=corpus, base=base, teacher=teacher)


def recipe_from(
    raw: Mapping[str, Any], label: str, *, overrides: Sequence[str] = (), corpus: Sequence[str] = (), base: str = "", teacher: str = ""
) -> Recipe:
    """A recipe from tables as TOML gives them; ``label`` is what messages call their file."""
    version = raw.get("schema", SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool):
        advice = f"this program reads schema {SCHEMA_VERSION}; update domainbert or the recipe"
        raise RecipeError(f"{label}: schema = {shown(version)}, {advice}")
    problems = Problems(label)
    tables = _long_form(raw, problems)
    _command_line(tables, corpus, base, problems)
    if teacher:
        set_teacher(tables, teacher)
    for override in overrides:
        apply(tables, [override], problems)
        _expand_objectives(tables, problems)  # at once: the next override may reach into it
    expand_distillation(tables, problems)
    recipe = resolve(build(Recipe, tables, "", problems), problems)
    problems.raise_any()
    return recipe


def find_recipe(name_or_path: str | Path) -> tuple[Path, str]:
    """The file of a recipe, and what messages call it.

    Raises:
        RecipeError: no shipped recipe has that name and no such file exists.
    """
    shipped = recipe_files()
    text = str(name_or_path)
    if isinstance(name_or_path, str) and text in shipped:
        return shipped[text], f"recipes/{text}.toml"
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.is_file() or len(path.parts) > 1:
        return path, text
    hint, known = did_you_mean(text, tuple(shipped)), ", ".join(shipped) or "none"
    raise RecipeError(f"no recipe is called {text!r}{hint}; there are: {known}; a file is named by its path, such as ./{text}.toml")


def read_toml(path: Path, label: str) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        RecipeError: it cannot be read, is not UTF-8, or is not TOML (with line and column).
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise RecipeError(f"{label}: cannot be read ({error.strerror})") from None
    if len(content) > _LARGEST_FILE:
        raise RecipeError(f"{label}: is larger than {_LARGEST_FILE} bytes; this is not a recipe")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RecipeError(f"{label}: is not UTF-8 text (byte {error.start}, line {line}); save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{label}: is not valid TOML: {error}") from None
    except (ValueError, RecursionError) as error:  # an endless number, a thousand brackets
        raise RecipeError(f"{label}: is not valid TOML: {error}") from None


def _long_form(raw: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """A copy with short forms written out, and the sections that have defaults present so that overrides reach into them."""
    tables = deepcopy(dict(raw))
    if isinstance(tables.get("corpus"), dict):
        tables["corpus"] = [tables["corpus"]]
        problems.aliases["corpus[0]"] = "corpus"
    tables.setdefault("corpus", [{}])
    tables.setdefault("stage", [{"steps": _DEFAULT_STEPS}])
    for index, stage in enumerate(tables["stage"] if isinstance(tables["stage"], list) else ()):
        if isinstance(stage, dict) and "objective" in stage and "objectives" in stage:
            problems.add(f"stage[{index}].objectives", "stands beside [[stage.objective]]; write one of them")
            del stage["objectives"]
    _expand_objectives(tables, problems)
    for stage in tables["stage"] if isinstance(tables["stage"], list) else ():
        if isinstance(stage, dict):
            stage.setdefault("objective", [{"kind": "clm"} if stage.get("attention") == CAUSAL else {}])
    return tables


def _expand_objectives(tables: dict[str, Any], problems: Problems) -> None:
    """``objectives = { mlm = 1.0 }`` is a list of objectives with their weights."""
    for index, stage in enumerate(tables["stage"] if isinstance(tables["stage"], list) else ()):
        if not isinstance(stage, dict) or "objectives" not in stage:
            continue
        weights, path = stage.pop("objectives"), f"stage[{index}].objectives"
        if not isinstance(weights, dict):
            problems.add(path, f"= {shown(weights)} is {kind_of(weights)}; a table of weights is wanted: mlm = 1.0")
            continue
        stage["objective"] = [{"kind": kind, "weight": weight} for kind, weight in weights.items()]
        for place, kind in enumerate(weights):
            inner = f"stage[{index}].objective[{place}]"
            problems.aliases |= {inner: f"{path}.{kind}", f"{inner}.kind": f"{path}.{kind}", f"{inner}.weight": f"{path}.{kind}"}


def _command_line(tables: dict[str, Any], corpus: Sequence[str], base: str, problems: Problems) -> None:
    """What ``--corpus`` and ``--base`` set."""
    if base:
        model = tables.setdefault("model", {})
        if isinstance(model, dict):
            model["base"] = base
    if not corpus or not isinstance(tables["corpus"], list):
        return
    default = Corpus().name
    named = [source for source in tables["corpus"] if isinstance(source, dict) and source.get("name", default) == default]
    if named:
        named[0]["sources"] = list(corpus)
    else:
        names = ", ".join(str(source.get("name")) for source in tables["corpus"] if isinstance(source, dict))
        problems.bare(f"--corpus replaces the sources of the corpus {default!r}, and the recipe has none of that name (it has {names})")
