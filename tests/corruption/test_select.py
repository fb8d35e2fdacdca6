import numpy as np
import pytest

from domainbert.corruption.random_bits import key
from domainbert.corruption.replace import replace
from domainbert.corruption.select import Candidates, select_uniform, select_unit


def candidates(lengths: list[int], *, seed: int = 0, target: np.ndarray | None = None, weight=None, unit=None) -> Candidates:
    sample = np.repeat(np.arange(len(lengths)), lengths)
    position = np.concatenate([np.arange(length) for length in lengths])
    everything = np.ones(len(sample), bool)
    return Candidates(sample, position, everything if target is None else target, weight, unit, key(seed, np.arange(len(lengths))))


def rates(num_samples: int, rate: float) -> np.ndarray:
    return np.full(num_samples, rate)


@pytest.mark.parametrize("rate", [0.05, 0.15, 0.5, 1.0])
def test_the_share_hidden_is_the_rate(rate: float) -> None:
    given = candidates([200] * 500)
    hidden = select_uniform(given, rates(500, rate))
    per_sample = np.bincount(given.sample_T, weights=hidden)
    assert set(per_sample) <= {np.floor(200 * rate), np.ceil(200 * rate)}
    assert abs(hidden.mean() - rate) < 0.002


def test_short_samples_are_right_on_average() -> None:
    # Three targets at 15 %: 0.45 hidden a sample, none or one; mean over 20,000 within five standard deviations of 0.0035.
    hidden = select_uniform(candidates([3] * 20_000), rates(20_000, 0.15))
    assert abs(hidden.sum() / 20_000 - 0.45) < 0.018


@pytest.mark.invariant
def test_masks_do_not_depend_on_the_company() -> None:
    together = select_uniform(candidates([50, 80, 20]), rates(3, 0.3))
    alone = Candidates(np.zeros(80, int), np.arange(80), np.ones(80, bool), None, None, key(0, np.array([1])))
    assert together[50:130].tolist() == select_uniform(alone, rates(1, 0.3)).tolist()


@pytest.mark.invariant
def test_what_is_no_target_is_never_hidden() -> None:
    target = np.random.default_rng(0).random(5000) < 0.5
    for select in (select_uniform, select_unit):
        hidden = select(candidates([500] * 10, target=target, unit=np.arange(5000) // 6), rates(10, 0.9))
        assert not (hidden & ~target).any() and hidden.any()


def test_every_position_is_equally_likely() -> None:
    hidden = select_uniform(candidates([20] * 20_000), rates(20_000, 0.15)).reshape(-1, 20).mean(0)
    assert abs(hidden - 0.15).max() < 0.013  # five standard deviations of 0.0025


def test_weights_thin_out_their_positions() -> None:
    weight = np.tile(np.repeat([1.0, 0.1, 0.0], [100, 100, 100]), 200)
    hidden = select_uniform(candidates([300] * 200, weight=weight), rates(200, 0.15)).reshape(-1, 3, 100).mean((0, 2))
    assert hidden[2] == 0
    assert 0.08 < hidden[1] / hidden[0] < 0.12


def test_units_are_hidden_whole() -> None:
    unit = np.repeat(np.arange(100), 6)
    hidden = select_unit(candidates([300, 300], unit=unit), rates(2, 0.2)).reshape(-1, 6)
    assert set(hidden.sum(1)) == {0, 6}
    assert hidden[:, 0].sum() == 20  # a fifth of 50 units in each of two samples


@pytest.mark.invariant
def test_replacements_come_from_the_alphabet_only() -> None:
    ids = np.random.default_rng(1).integers(6, 20, 60_000)
    chosen = np.random.default_rng(2).random(60_000) < 0.5
    alphabet = np.array([6, 7, 8, 9])
    out = replace(
        ids, chosen_T=chosen, sample_T=np.zeros(60_000, int), position_T=np.arange(60_000), key_N=key(0, np.array([0])),
        mask=0.8, random=0.1, mask_id=2, alphabet=alphabet,
    )  # fmt: skip
    changed = out != ids
    assert not (changed & ~chosen).any()
    assert set(out[changed].tolist()) <= {2, *alphabet.tolist()}
    assert abs((out[chosen] == 2).mean() - 0.8) < 0.01
    swapped = out[chosen & (out != 2) & (ids > 9) & changed]
    assert np.bincount(swapped, minlength=10)[6:].min() > 0.2 * len(swapped)
