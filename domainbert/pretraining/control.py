"""The control of a run with causal stages: the same samples in the same steps, with masked stages throughout."""

from dataclasses import replace
from pathlib import Path

from domainbert.engine.folder import RunFolder
from domainbert.errors import RecipeError
from domainbert.recipe.schema import CAUSAL, Recipe, Stage

CONTROL = "control"
"""Key of ``recipe.json`` that a run has a control, and the folder of it inside the run's."""


def control_recipe(recipe: Recipe) -> Recipe:
    """The recipe with the attention, corruption and objectives of the next masked stage (else the last) in each causal one.

    Lengths, mixes, learning rates and frozen parts stay, and so do the samples of each step: both runs take the same tokens.

    Raises:
        RecipeError: it has no causal stage, or no other.
    """
    masked = [stage for stage in recipe.stage if stage.attention != CAUSAL]
    if len(masked) == len(recipe.stage):
        raise RecipeError("--control trains the same steps without causal attention, and the recipe has no stage with attention = 'causal'")
    if not masked:
        raise RecipeError("--control trains causal stages as the recipe's masked ones, and it has none; add one behind them")
    stages = list(recipe.stage)
    for index, stage in enumerate(stages):
        if stage.attention == CAUSAL:
            stages[index] = _like(stage, next((later for later in recipe.stage[index:] if later.attention != CAUSAL), masked[-1]))
    return replace(recipe, stage=tuple(stages))


def _like(stage: Stage, masked: Stage) -> Stage:
    name = f"{masked.name}-for-{stage.name}"
    return replace(stage, name=name, attention=masked.attention, corruption=masked.corruption, objective=masked.objective)


def control_folder(folder: RunFolder) -> RunFolder:
    """The run folder of a run's control."""
    return RunFolder(Path(folder.path) / CONTROL)
