from dataclasses import replace

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.load import load_recipe
from domainbert.recipe.scale import scaled
from domainbert.recipe.schema import Schedule, Stage


def recipe_of(*stages, max_steps):
    recipe = load_recipe("dna", overrides=[f"training.max_steps={max_steps}", "training.batch_tokens=1000"])
    return replace(recipe, stage=stages)


@pytest.mark.parametrize("total", [3, 10, 300, 301, 999, 123_457])
def test_stages_keep_their_proportions_and_add_up(total):
    stages = (Stage(name="a", steps=100), Stage(name="b", steps=50), Stage(name="c", tokens=150_000))
    lengths = [stage.steps for stage in scaled(recipe_of(*stages, max_steps=total)).stage]
    assert sum(lengths) == total
    # each border is rounded to a whole step, so a stage is off by less than one
    assert all(abs(length - total * old / 300) < 1 for length, old in zip(lengths, (100, 50, 150), strict=True))


def test_schedules_keep_their_shape():
    stage = Stage(steps=200, schedule=Schedule(warmup_steps=20, decay_steps=100))
    assert scaled(recipe_of(stage, max_steps=50)).stage[0].schedule == Schedule(warmup_steps=5, decay_steps=25)
    tiny = scaled(recipe_of(Stage(steps=3, schedule=Schedule(warmup_steps=1, decay_steps=2)), max_steps=2)).stage[0]
    assert tiny.schedule.warmup_steps + tiny.schedule.decay_steps <= tiny.steps == 2


def test_scaling_twice_changes_nothing_more_and_zero_changes_nothing():
    stages = (Stage(name="a", steps=7, schedule=Schedule(warmup_steps=3, decay_steps=4)), Stage(name="b", steps=5))
    once = scaled(recipe_of(*stages, max_steps=31))
    assert scaled(once) == once
    unscaled = recipe_of(*stages, max_steps=0)
    assert scaled(unscaled) == unscaled


def test_epochs_are_scaled_by_what_the_caller_knows():
    stages = (Stage(name="a", epochs=2.0), Stage(name="b", steps=100))
    with pytest.raises(RecipeError, match=r"stage\[0\].epochs = 2 cannot be scaled by training.max_steps before the corpus is read"):
        scaled(recipe_of(*stages, max_steps=40))
    known = scaled(recipe_of(*stages, max_steps=40), stage_steps=[300, 100])
    assert [(stage.steps, stage.epochs) for stage in known.stage] == [(30, 0.0), (10, 0.0)]
    assert scaled(recipe_of(Stage(epochs=2.0), max_steps=40)).stage[0].steps == 40


def test_a_stage_that_would_vanish_is_an_error():
    with pytest.raises(RecipeError, match=r"training.max_steps = 5 leaves no step for stage 'short'; the recipe has 1001 steps"):
        scaled(recipe_of(Stage(name="long", steps=1000), Stage(name="short", steps=1), max_steps=5))
