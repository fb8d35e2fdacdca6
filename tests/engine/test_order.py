import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.engine.order import CHUNK, Samples, Slots, Source, StepPlan


def source(lengths: list[int], *, number: int = 0, capacity: int = 10, seed: int = 0) -> Source:
    return Source(number, np.arange(len(lengths)), np.array(lengths), capacity=capacity, seed=seed)


def plan(lengths: list[int], *, budget: int = 64, num_special: int = 1, seed: int = 0) -> StepPlan:
    slots = Slots([source(lengths, seed=seed)], [1.0], begin=np.zeros(1, np.int64), seed=seed, stage=0)
    return StepPlan(slots, batch_tokens=budget, num_special=num_special)


def covered(samples: Samples) -> list[tuple[int, int]]:
    return [
        (record, token)
        for record, start, length in zip(samples.record.tolist(), samples.start.tolist(), samples.length.tolist(), strict=True)
        for token in range(start, start + length)
    ]


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=20), epoch=st.integers(0, 5), seed=st.integers(0, 9))
def test_an_epoch_holds_every_token_once(lengths: list[int], epoch: int, seed: int) -> None:
    whole = source(lengths, seed=seed)
    samples = whole.locate(epoch * whole.num_samples + np.arange(whole.num_samples))
    assert sorted(covered(samples)) == [(record, token) for record, length in enumerate(lengths) for token in range(length)]
    assert samples.length.max() <= 10


def test_window_borders_move_between_epochs() -> None:
    whole = source([1000])
    starts = [set(whole.locate(epoch * whole.num_samples + np.arange(whole.num_samples)).start.tolist()) for epoch in range(4)]
    assert len({frozenset(found) for found in starts}) == 4


def test_a_record_that_fits_is_never_cut() -> None:
    samples = source([10, 3, 7]).locate(np.arange(30))
    assert (samples.start == 0).all() and set(samples.length.tolist()) == {10, 3, 7}


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=30), budget=st.integers(12, 200))
def test_steps_take_whole_samples_while_they_fit(lengths: list[int], budget: int) -> None:
    cut = plan(lengths, budget=budget)
    slot = 0
    for number in range(20):
        samples = cut.step(number)
        assert cut.start(number) == slot
        slot = cut.start(number + 1)
        tokens = int((samples.length + 1).sum())
        following = cut.slots.slots(slot, slot + 1)
        assert tokens <= budget
        assert following.length[0] == 0 or tokens + following.length[0] + 1 > budget


@pytest.mark.invariant
def test_a_step_is_a_function_of_its_number() -> None:
    lengths = [5, 9, 23, 40, 8] * 7
    in_order, alone = plan(lengths), [plan(lengths).step(number) for number in (0, 7, 3, 150)]
    seen = {number: in_order.step(number) for number in range(200)}
    for number, samples in zip((0, 7, 3, 150), alone, strict=True):
        assert samples.record.tolist() == seen[number].record.tolist()
        assert samples.keys.tolist() == seen[number].keys.tolist()


def test_steps_cross_chunks_without_a_seam() -> None:
    cut = plan([3] * 50, budget=4 * 1000)
    per_step = {len(cut.step(number)) for number in range(2 * CHUNK // 1000)}
    assert per_step == {1000}


def test_seeds_and_epochs_give_other_orders() -> None:
    lengths = [4] * 100
    first, other = plan(lengths, seed=0), plan(lengths, seed=1)
    assert first.step(0).record.tolist() != other.step(0).record.tolist()
    records = np.concatenate([first.step(number).record for number in range(17)])
    assert records[:100].tolist() != records[100:200].tolist()


def test_a_mix_follows_its_weights_in_tokens_and_repeats_nothing() -> None:
    long, short = source([10] * 400, number=0), source([2] * 5000, number=1)
    slots = Slots([long, short], [0.75, 0.25], begin=np.zeros(2, np.int64), seed=0, stage=0)
    samples = slots.slots(0, 1500)
    tokens = [int(samples.length[samples.source == number].sum()) for number in (0, 1)]
    assert tokens[0] / sum(tokens) == pytest.approx(0.75, abs=0.03)
    short_records = samples.record[samples.source == 1]
    assert len(np.unique(short_records)) == len(short_records)
    assert slots.counts_before(1500).tolist() == [int((samples.source == number).sum()) for number in (0, 1)]


def test_a_later_stage_goes_on_where_the_earlier_stopped() -> None:
    whole = source([5] * 100)
    first = Slots([whole], [1.0], begin=np.zeros(1, np.int64), seed=0, stage=0)
    second = Slots([whole], [1.0], begin=first.counts_before(60), seed=0, stage=1)
    records = first.slots(0, 60).record.tolist() + second.slots(0, 40).record.tolist()
    assert sorted(records) == list(range(100))
