"""Companions before a run: those that a recipe makes are trained first, on the run's own corpora; others are checked."""

from dataclasses import replace
from pathlib import Path

from domainbert.engine.folder import RunFolder
from domainbert.errors import RecipeError
from domainbert.pretraining.stores import adapter_of
from domainbert.recipe.document import to_dict
from domainbert.recipe.load import find_recipe, read_toml, recipe_from
from domainbert.recipe.schema import GENERAL, Recipe

RECIPE = "recipe:"
"""How a companion's model begins that is to be trained first."""


def companion_recipes(recipe: Recipe) -> dict[str, Recipe]:
    """The recipes of companions that are trained first, by the companion's name.

    They read the run's corpora, but general text, with its seed, so that both models hold out the same text.

    Raises:
        RecipeError: there is no such recipe, something is wrong in it, or it has such companions itself.
    """
    found = {}
    for name, companion in recipe.companion.items():
        if companion.model.startswith(RECIPE):
            path, label = find_recipe(companion.model.removeprefix(RECIPE))
            own = replace(recipe, corpus=tuple(corpus for corpus in recipe.corpus if corpus.role not in GENERAL))
            tables = {**read_toml(path, label), "corpus": to_dict(own)["corpus"]}
            found[name] = recipe_from(tables, label, overrides=[f"training.seed={recipe.training.seed}"])
            if any(other.model.startswith(RECIPE) for other in found[name].companion.values()):
                raise RecipeError(f"{label}: has a companion that is trained first itself; train that one by its own recipe")
    return found


def require_companions(recipe: Recipe) -> None:
    """Check that companions are there and read the domain's text, before a corpus is built for them.

    Raises:
        DomainBertError: one is not, or does not.
    """
    companion_recipes(recipe)
    for name, companion in recipe.companion.items():
        if not companion.model.startswith(RECIPE):
            from domainbert.engine.companions import load_tokenizer

            read = next(corpus for corpus in recipe.corpus if corpus.role == "train")
            load_tokenizer(name, companion, adapter_of(recipe, read))


def companion_folder(folder: RunFolder, name: str) -> Path:
    """The run folder of a companion that is trained first."""
    return folder.path / "companions" / name


def with_trained(recipe: Recipe, folder: RunFolder) -> Recipe:
    """The recipe with the models of companions that were trained first in the place of their recipes."""
    return replace(
        recipe,
        companion={
            name: replace(each, model=str(companion_folder(folder, name) / "model")) if each.model.startswith(RECIPE) else each
            for name, each in recipe.companion.items()
        },
    )
