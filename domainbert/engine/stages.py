"""Stages as functions of the step: which stage a step belongs to, and its learning rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from domainbert.errors import RecipeError
from domainbert.recipe.schema import Schedule, Stage


@dataclass(frozen=True, slots=True)
class Span:
    """Where a stage lies in the run: steps ``begin`` to ``end``, ``end`` excluded."""

    stage: Stage
    begin: int
    end: int

    @property
    def num_steps(self) -> int:
        """Steps of the stage."""
        return self.end - self.begin


def lay_out(stages: Sequence[Stage], num_steps: Sequence[int]) -> tuple[Span, ...]:
    """Stages one after another, each with its length in steps."""
    spans, begin = [], 0
    for stage, length in zip(stages, num_steps, strict=True):
        spans.append(Span(stage, begin, begin + length))
        begin += length
    return tuple(spans)


def require_room(spans: Sequence[Span]) -> None:
    """Check that warm-up and decay fit in each stage, now that lengths in epochs are known.

    Raises:
        RecipeError: one is shorter.
    """
    for span in spans:
        schedule = span.stage.schedule
        decay = schedule.decay_steps if schedule.shape == "wsd" else 0
        if schedule.warmup_steps + decay > span.num_steps:
            raise RecipeError(
                f"stage {span.stage.name!r} is {span.num_steps} steps long on this corpus, and has warmup_steps = {schedule.warmup_steps} "
                f"and decay_steps = {decay}; shorten them, or make the stage longer"
            )


def span_of(spans: Sequence[Span], step: int) -> tuple[int, Span]:
    """Number and span of the stage that a step (counted from 0) belongs to; the last one past the end."""
    for number, span in enumerate(spans):
        if step < span.end:
            return number, span
    return len(spans) - 1, spans[-1]


def learning_rate_factor(spans: Sequence[Span], step: int) -> float:
    """Learning rate of a step (counted from 0) as a multiple of ``training.learning_rate``."""
    _, span = span_of(spans, step)
    return _factor(span.stage.schedule, step - span.begin, span.num_steps)


def _factor(schedule: Schedule, step: int, num_steps: int) -> float:
    if step < schedule.warmup_steps:
        return schedule.peak * (step + 1) / schedule.warmup_steps
    if schedule.shape == "constant":
        return schedule.peak
    if schedule.shape == "cosine":
        done = (step - schedule.warmup_steps) / max(1, num_steps - schedule.warmup_steps)
        return schedule.peak * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    left = num_steps - step
    if left > schedule.decay_steps:
        return schedule.peak
    done = 1 - left / (schedule.decay_steps + 1)
    # "1-sqrt": Hägele et al. 2024 (arXiv 2405.18392), section 3, the best of the cool-downs they compare.
    return schedule.peak * (1 - math.sqrt(done) if schedule.decay == "1-sqrt" else 1 - done)
