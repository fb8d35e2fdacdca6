"""Stretches or shortens a whole recipe to a number of steps: ``training.max_steps``."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from domainbert.errors import RecipeError
from domainbert.recipe.schema import Recipe, Stage


def scaled(recipe: Recipe, *, stage_steps: Sequence[int] | None = None) -> Recipe:
    """The recipe with its stages in steps that add up to ``training.max_steps``, in their old proportions.

    Warm-up and decay keep their share of their stage. With ``max_steps`` 0 the recipe is returned as it is; doing it twice
    changes nothing more.

    Args:
        recipe: any recipe.
        stage_steps: length of each stage in steps before scaling, where the caller knows it; otherwise stages in tokens count as
            tokens over ``training.batch_tokens``, and only a single stage may be in epochs.

    Raises:
        RecipeError: a stage's share is below one step, or lengths in epochs cannot be compared yet.
    """
    total = recipe.training.max_steps
    if not total:
        return recipe
    lengths = planned_steps(recipe) if stage_steps is None else stage_steps
    return replace(recipe, stage=scaled_stages(recipe.stage, lengths, total))


def scaled_stages(stages: Sequence[Stage], lengths: Sequence[int], total: int) -> tuple[Stage, ...]:
    """Stages in steps that add up to ``total``.

    Args:
        stages: any stages.
        lengths: of each, in steps, before scaling.
        total: steps of all of them after it.

    Raises:
        RecipeError: a stage's share is below one step.
    """
    ends = [round(total * end / sum(lengths)) for end in accumulate(lengths, initial=0)]
    shares = [end - begin for begin, end in pairwise(ends)]
    for stage, share in zip(stages, shares, strict=True):
        if share < 1:
            raise RecipeError(f"training.max_steps = {total} leaves no step for stage '{stage.name}'; the recipe has {sum(lengths)} steps")
    return tuple(resized(stage, old, new) for stage, old, new in zip(stages, lengths, shares, strict=True))


def planned_steps(recipe: Recipe) -> list[int]:
    """Length of each stage in steps before ``max_steps``, as far as a recipe alone says.

    Raises:
        RecipeError: several stages, one of them in epochs: only the corpus says how long that is.
    """
    if len(recipe.stage) == 1 and recipe.stage[0].epochs:
        return [recipe.training.max_steps]
    lengths = []
    for index, stage in enumerate(recipe.stage):
        if stage.epochs:
            raise RecipeError(f"stage[{index}].epochs = {stage.epochs:g} cannot be scaled by training.max_steps before the corpus is read")
        lengths.append(stage.steps or token_steps(stage, recipe.training.batch_tokens))
    return lengths


def token_steps(stage: Stage, batch_tokens: int) -> int:
    """Length in steps of a stage that is given in tokens."""
    return max(1, round(stage.tokens / batch_tokens))


def resized(stage: Stage, old: int, new: int) -> Stage:
    """A stage of ``old`` steps made ``new`` steps long; warm-up and decay keep their share."""
    schedule = stage.schedule
    warmup = min(new, round(schedule.warmup_steps * new / old))
    decay = min(new - warmup, round(schedule.decay_steps * new / old))
    return replace(stage, steps=new, tokens=0, epochs=0.0, schedule=replace(schedule, warmup_steps=warmup, decay_steps=decay))
