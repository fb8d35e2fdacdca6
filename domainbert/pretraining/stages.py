"""Stages that a run adds to its recipe's own."""

from dataclasses import replace

from domainbert.engine.freezing import BODY, EMBEDDINGS
from domainbert.recipe.scale import resized
from domainbert.recipe.schema import Recipe, Schedule

HEAD = "head"
HEAD_STEPS = 100
_WARM_UP = 10


def with_head_stage(recipe: Recipe, *, vocabulary_changes: bool) -> Recipe:
    """The recipe with a stage in front that trains a new head alone, on the first stage's data and corruption.

    With a new vocabulary the embeddings train along: they are new too. A recipe that has a stage of that name keeps its own.
    """
    if any(stage.name == HEAD for stage in recipe.stage):
        return recipe
    first = recipe.stage[0]
    steps = min(HEAD_STEPS, max(1, recipe.training.max_steps // 4)) if recipe.training.max_steps else HEAD_STEPS
    stage = replace(
        resized(first, first.steps or steps, steps) if first.steps else first,
        name=HEAD, steps=steps, tokens=0, epochs=0.0, freeze=(BODY,) if vocabulary_changes else (BODY, EMBEDDINGS),
        schedule=Schedule("constant", warmup_steps=min(_WARM_UP, steps)),
    )  # fmt: skip
    return replace(recipe, stage=(stage, *recipe.stage))
