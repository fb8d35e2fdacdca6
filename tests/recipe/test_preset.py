"""Presets: what follows from the size of base and corpus and from the machine."""

from dataclasses import replace

import pytest

from domainbert.recipe.document import from_dict
from domainbert.recipe.load import recipe_from
from domainbert.recipe.preset import Situation, preset

CPU = Situation(
    num_parameters=22_000_000, flops_per_token=8e7, num_tokens=4_000_000, num_characters=20_000_000, record_tokens=100, max_positions=512,
    on_gpu=False, flops_per_second=1e11,
)  # fmt: skip
GPU = replace(CPU, on_gpu=True, num_parameters=110_000_000, num_tokens=3_000_000_000, num_characters=12_000_000_000)


def recipe(its):
    tables, reasons = preset("biomedical", "some/base", ("sample",), its)
    assert all(reasons)
    return recipe_from(tables, "preset")


def num_tokens(made):
    return sum(stage.steps for stage in made.stage) * made.training.batch_tokens


def test_a_cpu_gets_an_hour_and_a_gpu_four_passes():
    hour = num_tokens(recipe(CPU)) * CPU.flops_per_token / (0.35 * CPU.flops_per_second)
    assert hour == pytest.approx(3600, rel=0.01)
    assert num_tokens(recipe(replace(CPU, flops_per_second=1e14))) == pytest.approx(4 * CPU.num_tokens, rel=0.01)
    assert num_tokens(recipe(GPU)) == pytest.approx(4 * GPU.num_tokens, rel=0.01)


def test_a_small_corpus_is_repeated_a_hundred_times_at_most():
    small = replace(GPU, num_tokens=10_000, num_characters=50_000)
    assert num_tokens(recipe(small)) == pytest.approx(100 * 10_000, rel=0.01)
    assert num_tokens(recipe(replace(small, num_tokens=100_000))) == pytest.approx(500 * 4096, rel=0.01)


def test_long_runs_get_a_stable_phase_and_a_decay_and_short_ones_one_stage():
    short, long = recipe(CPU), recipe(GPU)
    assert [stage.name for stage in short.stage] == ["adapt"]
    assert [stage.name for stage in long.stage] == ["stable", "decay"]
    stable, decay = long.stage
    assert (stable.corruption.rate, decay.corruption.rate) == (0.30, 0.15)
    assert decay.steps == decay.schedule.decay_steps == pytest.approx(0.1 * (stable.steps + decay.steps), abs=1)


def test_batches_and_rates_grow_with_the_run_and_shrink_with_the_model():
    short, long, large = recipe(CPU), recipe(GPU), recipe(replace(GPU, num_parameters=355_000_000))
    assert short.training.batch_tokens == 4096 < long.training.batch_tokens == 1 << 20
    assert (short.training.learning_rate, long.training.learning_rate) == (1e-4, 5e-4)
    assert large.training.learning_rate == pytest.approx(5e-4 * 4 / 6, rel=0.02)


def test_samples_fit_records_base_and_machine():
    assert recipe(CPU).training.max_length == 128
    assert recipe(replace(CPU, record_tokens=9000, max_positions=0)).training.max_length == 512
    assert recipe(replace(GPU, record_tokens=9000, max_positions=0)).training.max_length == 8192
    assert recipe(replace(GPU, record_tokens=9000, max_positions=66)).training.max_length == 66


def test_what_is_written_is_the_recipe():
    import tomllib

    from domainbert.recipe.document import fingerprint, to_toml

    for its in (CPU, GPU):
        made = recipe(its)
        text = to_toml(made, brief=True)
        assert fingerprint(from_dict(tomllib.loads(text))) == fingerprint(made)
        assert "beta1" not in text
