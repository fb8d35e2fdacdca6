import pytest

from domainbert.engine.stages import lay_out, learning_rate_factor, span_of
from domainbert.recipe.schema import Schedule, Stage


def factors(schedule: Schedule, num_steps: int) -> list[float]:
    spans = lay_out([Stage(steps=num_steps, schedule=schedule)], [num_steps])
    return [learning_rate_factor(spans, step) for step in range(num_steps)]


def test_warm_up_stable_decay() -> None:
    rates = factors(Schedule(shape="wsd", warmup_steps=4, decay_steps=5), 20)
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4:15] == [1.0] * 11
    # 1 - sqrt(k/6) for k = 1..5: the last step still moves.
    assert rates[15:] == pytest.approx([1 - (k / 6) ** 0.5 for k in range(1, 6)])


def test_linear_decay_and_peak() -> None:
    rates = factors(Schedule(shape="wsd", decay="linear", decay_steps=4, peak=0.5), 10)
    assert rates == pytest.approx([0.5] * 6 + [0.4, 0.3, 0.2, 0.1])


def test_cosine_ends_near_zero() -> None:
    rates = factors(Schedule(shape="cosine", warmup_steps=2), 102)
    assert rates[2] == pytest.approx(1.0) and rates[52] == pytest.approx(0.5) and 0 < rates[-1] < 0.001


def test_stages_follow_each_other() -> None:
    first, second = Stage(name="a", steps=3), Stage(name="b", steps=2, schedule=Schedule(shape="constant", peak=0.1))
    spans = lay_out([first, second], [3, 2])
    assert [span_of(spans, step)[1].stage.name for step in range(6)] == ["a", "a", "a", "b", "b", "b"]
    assert learning_rate_factor(spans, 4) == 0.1
