import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.corruption.random_bits import below, draw, key, permute, uniform


def test_draw_is_a_function_of_key_and_counter() -> None:
    keys = key(7, np.arange(5))
    together = draw(keys, np.arange(5))
    apart = [int(draw(key(7, number), number)) for number in range(5)]
    assert together.tolist() == apart


def test_every_part_of_a_key_matters() -> None:
    assert len({int(key(*parts)) for parts in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0)]}) == 5


def test_uniform_is_uniform() -> None:
    values = uniform(key(3), np.arange(100_000))
    counts = np.bincount((values * 10).astype(int), minlength=10)
    # 10,000 expected in each tenth, standard deviation 95: five of them.
    assert values.min() >= 0 and values.max() < 1
    assert abs(counts - 10_000).max() < 475


def test_below_covers_its_range_evenly() -> None:
    counts = np.bincount(below(key(5), np.arange(70_000), 7), minlength=7)
    assert len(counts) == 7 and abs(counts - 10_000).max() < 475


@given(size=st.integers(1, 3000), seed=st.integers(0, 2**32))
def test_permute_is_a_permutation(size: int, seed: int) -> None:
    order = permute(np.arange(size), size, key(seed))
    assert sorted(order.tolist()) == list(range(size))


@pytest.mark.parametrize("size", [2, 5, 1000, 1 << 20])
def test_permute_moves_with_its_key_and_takes_single_indexes(size: int) -> None:
    index = np.arange(min(size, 500))
    order = permute(index, size, key(1))
    assert [int(permute(index[n : n + 1], size, key(1))[0]) for n in range(len(index))] == order.tolist()
    if size > 5:
        assert order.tolist() != permute(index, size, key(2)).tolist()


def test_neighbours_do_not_stay_neighbours() -> None:
    order = permute(np.arange(10_000), 10_000, key(9))
    # A random order keeps about one neighbouring pair in 5,000.
    assert np.count_nonzero(abs(np.diff(order)) == 1) < 15
