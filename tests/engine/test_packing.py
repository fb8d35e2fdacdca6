import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.engine.packing import Batch, group_tokens, micro_batches, ranges


def batch(lengths: list[int]) -> Batch:
    size = sum(lengths)
    position = np.concatenate([np.arange(length) for length in lengths])
    return Batch(np.arange(size), np.full(size, -100), position, np.array(lengths))


@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=40),
    budget=st.integers(1, 200),
    num_ranks=st.integers(1, 4),
)
def test_every_sample_is_dealt_once(lengths: list[int], budget: int, num_ranks: int) -> None:
    dealt = micro_batches(batch(lengths), budget=budget, num_ranks=num_ranks)
    rows = np.concatenate([pack for mine in dealt for pack in mine])
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    assert len({len(mine) for mine in dealt}) == 1, "ranks run different numbers of micro-batches"
    for pack in (pack for mine in dealt for pack in mine):
        assert len(pack) <= 1 or np.array(lengths)[pack].sum() <= budget


def test_taking_samples_keeps_their_tokens() -> None:
    whole = batch([3, 1, 4])
    part = whole.take(np.array([2, 0]))
    assert part.input_ids_T.tolist() == [4, 5, 6, 7, 0, 1, 2]
    assert part.length_N.tolist() == [4, 3]


def test_ranges() -> None:
    assert ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]


@pytest.mark.parametrize(
    ("tokens", "units", "expected"),
    [
        ([1] * 12, [6, 6], [0] * 6 + [1] * 6),  # characters in 6-mers
        ([6, 6], [6, 6], [0, 1]),  # 6-mers in 6-mers
        ([4, 4, 4], [6, 6], [0, 0, 0]),  # a token across two units joins them
        ([2, 2, 2], [2, 1, 1, 2], [0, 1, 2]),  # two units in one token
    ],
)
def test_tokens_are_grouped_by_the_units_they_touch(tokens: list[int], units: list[int], expected: list[int]) -> None:
    def spans(widths: list[int]) -> np.ndarray:
        ends = np.cumsum(widths)
        return np.stack((ends - widths, ends), 1)

    assert group_tokens(spans(tokens), spans(units)).tolist() == expected


def test_tokens_outside_units_stand_alone() -> None:
    spans = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    assert group_tokens(spans, np.array([[0, 1], [3, 4]])).tolist() == [0, 1, 2, 3]
