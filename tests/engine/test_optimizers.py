"""The optimizers: their formulas against other implementations, what they leave alone, and a state that survives saving."""

import sys
from pathlib import Path

import pytest
import torch

from domainbert.engine.optimizers import Adam, hidden_matrices, make_optimizer, orthogonalised
from domainbert.recipe.schema import Training

sys.path.insert(0, str(Path(__file__).parent))
import models

NAMES = ["adamw", "stable_adamw", "muon"]


def quadratic(seed: int = 0) -> torch.nn.Linear:
    torch.manual_seed(seed)
    return torch.nn.Linear(6, 4, dtype=torch.float64)


def walk(model: torch.nn.Linear, optimizer: torch.optim.Optimizer, steps: int, *, size: float = 1.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        inputs = torch.randn(8, 6, generator=generator, dtype=torch.float64)
        optimizer.zero_grad()
        (size * model(inputs).square().mean()).backward()
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def test_without_clipping_it_is_torchs_adamw() -> None:
    keys = {"lr": 0.01, "betas": (0.9, 0.98)}
    ours, theirs = quadratic(), quadratic()
    mine = Adam([{"params": list(ours.parameters()), "weight_decay": 0.1}], clip=False, **keys)
    seen, wanted = walk(ours, mine, 20), walk(theirs, torch.optim.AdamW(theirs.parameters(), **keys, weight_decay=0.1, eps=1e-8), 20)
    for a, b in zip(seen, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)  # the same formula in doubles


def test_clipping_shortens_the_step_of_a_gradient_that_nobody_expected() -> None:
    steps = {}
    for clip in (False, True):
        p = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
        optimizer = Adam([{"params": [p], "weight_decay": 0.0}], lr=0.1, betas=(0.9, 0.99), clip=clip)
        for size in (1.0, 1.0, 100.0):
            before = p.detach().clone()
            p.grad = torch.full_like(p, size)
            optimizer.step()
        steps[clip] = float((before - p.detach()).abs().max())
    # The debiased second moment; the last gradient over its root is algorithm 2's RMS.
    square = 0.01 * (0.99**2 + 0.99 + 1e4) / (1 - 0.99**3)
    assert steps[False] / steps[True] == pytest.approx(100.0 / square**0.5, rel=1e-9)


def test_muons_direction_has_singular_values_of_about_one() -> None:
    torch.manual_seed(0)
    for shape in ((32, 32), (16, 48), (48, 16)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
        assert 0.6 < values.min() and values.max() < 1.3


def test_muon_takes_the_layers_matrices_and_nothing_else() -> None:
    model = models.build("bert")
    names = {id(p): name for name, p in model.named_parameters()}
    taken = {names[id(p)] for p in hidden_matrices(model)}
    assert len(taken) == 3 * 6  # four projections and two feed-forward matrices a layer
    assert all(name.startswith("bert.encoder.layer.") and name.endswith(".weight") for name in taken)


@pytest.mark.parametrize("name", NAMES)
def test_norms_and_biases_are_not_decayed(name: str) -> None:
    model = models.build("bert")
    optimizer = make_optimizer(model, Training(optimizer=name, weight_decay=0.1))
    groups = [(p, group["weight_decay"]) for group in optimizer.param_groups for p in group["params"]]
    assert len(groups) == len(list(model.parameters())) == len({id(p) for p, _ in groups})
    assert all((decay == 0.1) == (p.ndim > 1) for p, decay in groups)


@pytest.mark.invariant
@pytest.mark.parametrize("name", NAMES)
def test_a_saved_optimizer_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    training = Training(optimizer=name, learning_rate=0.01)

    def steps(model: torch.nn.Module, optimizer: torch.optim.Optimizer, numbers: range) -> None:
        for number in numbers:
            ids = torch.randint(5, 20, (2, 9), generator=torch.Generator().manual_seed(number))
            optimizer.zero_grad()
            model(input_ids=ids, labels=ids).loss.backward()
            optimizer.step()

    whole = models.build("bert")
    optimizer = make_optimizer(whole, training)
    first = models.build("bert")
    begun = make_optimizer(first, training)
    steps(whole, optimizer, range(6))
    steps(first, begun, range(3))
    torch.save({"model": first.state_dict(), "optimizer": begun.state_dict()}, tmp_path / "state")
    saved = torch.load(tmp_path / "state", weights_only=True)
    second = models.build("bert")
    second.load_state_dict(saved["model"])
    resumed = make_optimizer(second, training)
    resumed.load_state_dict(saved["optimizer"])
    steps(second, resumed, range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))
