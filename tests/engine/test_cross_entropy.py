"""The cross-entropy that never holds a table of logits: exact in fp32, as near as bf16 allows under autocast, small."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from domainbert.engine import cross_entropy
from domainbert.engine.cross_entropy import linear_cross_entropy

S, D, V = 50, 16, 300


class Largest(TorchDispatchMode):
    """Numbers in the largest tensor that any operation gives."""

    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.numel = max([self.numel, *(each.numel() for each in (out if isinstance(out, tuple) else (out,)) if isinstance(each, Tensor))])
        return out


def leaves(*, bias: bool = True) -> tuple[list[Tensor], Tensor]:
    torch.manual_seed(0)
    tensors = [torch.randn(S, D), torch.randn(V, D), *([torch.randn(V)] if bias else [])]
    return [each.requires_grad_() for each in tensors], torch.randint(V, (S,))


def plain(states: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor) -> Tensor:
    return F.cross_entropy(F.linear(states, weight, bias).float(), labels, reduction="sum")


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven rows at a time, so that the last piece is a smaller one."""
    monkeypatch.setitem(cross_entropy._NUM_LOGITS, "cpu", 7 * V)


def run(loss: Any, *, bias: bool = True, autocast: bool = False) -> list[Tensor]:
    tensors, labels = leaves(bias=bias)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        value = loss(*tensors, *([] if bias else [None]), labels)
    (value / S).backward()
    return [value.detach(), *(each.grad for each in tensors if each.grad is not None)]


@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_plain_loss(bias: bool) -> None:
    for seen, wanted in zip(run(linear_cross_entropy, bias=bias), run(plain, bias=bias), strict=True):
        assert (seen - wanted).norm() <= 1e-6 * wanted.norm()  # fp32 sums in another order


def test_follows_autocast() -> None:
    wanted = run(plain)
    usual = [(each - exact).norm() / exact.norm() for each, exact in zip(run(plain, autocast=True), wanted, strict=True)]
    for each, exact, bound in zip(run(linear_cross_entropy, autocast=True), wanted, usual, strict=True):
        assert each.dtype == exact.dtype
        assert (each - exact).norm() / exact.norm() <= 2 * bound  # no worse than bf16 in the plain way
    assert not torch.equal(run(linear_cross_entropy, autocast=True)[1], run(linear_cross_entropy)[1])


def test_never_holds_the_logits() -> None:
    tensors, labels = leaves()
    with Largest() as usual:
        plain(*tensors, labels).backward()
    with Largest() as ours:
        linear_cross_entropy(*tensors, labels).backward()
    assert usual.numel == S * V
    assert ours.numel == V * D


def test_computes_no_gradient_that_nobody_wants() -> None:
    (states, weight, bias), labels = leaves()
    loss = linear_cross_entropy(states, weight.detach(), bias.detach(), labels)
    loss.backward()
    assert states.grad is not None
    assert weight.grad is None
    with torch.no_grad():
        assert linear_cross_entropy(states[:0], weight, bias, labels[:0]) == 0
