"""Packed attention: the kernel for any lengths is asked for the same attention as the grouped one computes."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from domainbert.engine import attention

LENGTHS = [5, 9, 9, 30, 2]


def states(heads: int = 4, shared: int = 4, **keys: object) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(1, n, sum(LENGTHS), 16, generator=generator).to(**keys) for n in (heads, shared, shared))


def reference_kernel(
    q: Tensor, k: Tensor, v: Tensor, begin: Tensor, _: Tensor, longest: int, __: int, *, scale: float, window_size: tuple[int, int]
) -> Tensor:
    """What ``varlen_attn`` documents, one sequence at a time."""
    assert begin.dtype == torch.int32 and longest == max(LENGTHS)
    parts = []
    for start, end in zip(begin[:-1].tolist(), begin[1:].tolist(), strict=True):
        place = torch.arange(end - start)
        apart = place[:, None] - place[None, :]
        left, right = (size if size >= 0 else end for size in window_size)
        mask = (apart <= left) & (-apart <= right)
        one = (part[start:end].transpose(0, 1) for part in (q, k, v))
        parts.append(F.scaled_dot_product_attention(*one, attn_mask=mask, scale=scale).transpose(0, 1))
    return torch.cat(parts)


def beginnings() -> Tensor:
    return torch.tensor([0, *LENGTHS]).cumsum(0).to(torch.int32)


@pytest.mark.invariant
@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("shared", [4, 2])
@pytest.mark.parametrize("causal", [False, True])
def test_both_ways_are_the_same_attention(window: int | None, shared: int, causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"groups": attention.group_lengths(LENGTHS), "scaling": 0.2, "sliding_window": window, "causal": causal}
    grouped, _ = attention.packed_attention(nn.Identity(), *states(shared=shared), None, **keys)
    monkeypatch.setattr(attention, "takes_any_lengths", lambda query, dropout: True)
    monkeypatch.setattr(attention, "_varlen_attention", lambda: reference_kernel)
    single, _ = attention.packed_attention(nn.Identity(), *states(shared=shared), None, cu_seqlens=beginnings(), **keys)
    torch.testing.assert_close(single, grouped, rtol=1e-5, atol=1e-6)  # fp32, sums in another order


def test_a_cpu_never_takes_the_kernel_of_gpus() -> None:
    assert not attention.takes_any_lengths(states(dtype=torch.bfloat16)[0], 0.0)


def test_the_installed_torch_has_the_kernel_as_it_is_called() -> None:
    pytest.importorskip("torch.nn.attention.varlen")
    kernel = attention._varlen_attention()
    if kernel is None:
        pytest.skip("this torch has the kernel without sliding windows")
    from inspect import signature

    signature(kernel).bind(*range(7), scale=None, window_size=(-1, -1))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("causal", [False, True])
def test_on_a_gpu_the_kernel_agrees(window: int | None, causal: bool) -> None:
    keys = {"groups": attention.group_lengths(LENGTHS), "scaling": 0.2, "sliding_window": window, "causal": causal}
    query, key, value = states(device="cuda", dtype=torch.bfloat16)
    assert attention.takes_any_lengths(query, 0.0)
    grouped, _ = attention.packed_attention(nn.Identity(), query, key, value, None, **keys)
    single, _ = attention.packed_attention(nn.Identity(), query, key, value, None, cu_seqlens=beginnings().cuda(), **keys)
    torch.testing.assert_close(single, grouped, rtol=2e-2, atol=2e-2)  # bf16 has 8 bits
