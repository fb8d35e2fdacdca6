"""Attention over sequences laid end to end, none of which sees another.

The function is registered with transformers' attention interface, so every model whose layers go through that interface runs
on packed input without a change to its code. On a GPU in half precision one kernel takes sequences of any lengths; elsewhere sequences of
equal length are computed together as one dense batch.

T tokens of a packed batch, H heads, D head size, B sequences of a group, L their length.
"""

from collections.abc import Callable, Sequence
from functools import cache
from inspect import signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NAME = "domainbert_packed"
_LARGEST_HEAD = 256  # of flash attention

Group = tuple[int, int, int]
"""First token, number of sequences, length of each: consecutive sequences of one length."""


def register() -> None:
    """Make ``attn_implementation="domainbert_packed"`` known to transformers. Safe to call again."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, no_mask)


def group_lengths(lengths: Sequence[int]) -> tuple[Group, ...]:
    """Runs of equal lengths among sequences laid end to end."""
    groups: list[Group] = []
    start = 0
    for length in lengths:
        if groups and groups[-1][2] == length:
            first, count, _ = groups[-1]
            groups[-1] = (first, count + 1, length)
        else:
            groups.append((start, 1, length))
        start += length
    return tuple(groups)


def packed_attention(  # noqa: PLR0913  # the interface's own, and ours
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    groups: tuple[Group, ...],
    cu_seqlens: Tensor | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    causal: bool = False,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attention within each sequence of a packed batch, bidirectional or causal.

    Args:
        module: the layer that calls.
        query: ``(1, H, T, D)``.
        key: likewise; with fewer heads where several queries share one.
        value: likewise.
        attention_mask: always ``None`` here; ``groups`` says what may see what.
        groups: how the T tokens fall into sequences.
        cu_seqlens: where each sequence begins, and T: the same on the device, int32.
        dropout: of the attention weights; 0 outside training.
        scaling: of the scores; ``D ** -0.5`` when absent.
        sliding_window: tokens further apart than ``sliding_window - 1`` do not see each other, as in flash attention.
        causal: tokens do not see those behind them.
        kwargs: what the interface passes to other implementations.

    Returns:
        ``(1, T, H, D)`` and no weights.
    """
    assert attention_mask is None and query.shape[0] == 1, "packed attention takes one packed row and no mask"
    if cu_seqlens is not None and takes_any_lengths(query, dropout):
        longest = max(length for _, _, length in groups)
        return _any_lengths(query, key, value, cu_seqlens, longest, scaling, sliding_window, causal), None
    parts = []
    # One split for all groups: its backward pass joins their gradients once, where slices would each fill a whole row with zeros.
    sizes = [count * length for _, count, length in groups]
    split = (torch.split(states[0], sizes, dim=1) for states in (query, key, value))
    for (_, count, length), *states in zip(groups, *split, strict=True):
        q, k, v = (_sequences(each, count, length) for each in states)
        mask = _band(length, sliding_window, q.device) if sliding_window is not None and length > sliding_window else None
        if mask is not None and causal:
            mask = mask.tril()
        keys: dict[str, Any] = {"attn_mask": mask, "is_causal": causal and mask is None, "enable_gqa": k.shape[1] != q.shape[1]}
        out = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=scaling, **keys)
        parts.append(out.transpose(1, 2).flatten(0, 1))
    return torch.cat(parts).unsqueeze(0), None


def takes_any_lengths(query: Tensor, dropout: float) -> bool:
    """Whether torch's kernel for sequences of any lengths serves: a GPU, half precision, no dropout, a head size that it knows."""
    if query.device.type != "cuda" or query.dtype not in (torch.bfloat16, torch.float16) or dropout:
        return False
    head_size = query.shape[-1]
    return head_size % 8 == 0 and head_size <= _LARGEST_HEAD and _varlen_attention() is not None


@cache
def _varlen_attention() -> Callable[..., Any] | None:
    """``varlen_attn`` where torch has it with sliding windows; the first releases had it without."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return varlen_attn if {"scale", "window_size"} <= signature(varlen_attn).parameters.keys() else None


def _any_lengths(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seqlens: Tensor,
    longest: int,
    scaling: float | None,
    sliding_window: int | None,
    causal: bool,
) -> Tensor:
    """``(1, H, T, D)`` to the ``(1, T, H, D)`` of attention within each sequence, in one kernel."""
    kernel = _varlen_attention()
    assert kernel is not None
    q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
    if k.shape[1] != q.shape[1]:
        k, v = (states.repeat_interleave(q.shape[1] // states.shape[1], dim=1) for states in (k, v))
    reach = -1 if sliding_window is None else sliding_window - 1
    out: Tensor = kernel(q, k, v, cu_seqlens, cu_seqlens, longest, longest, scale=scaling, window_size=(reach, 0 if causal else reach))
    return out.unsqueeze(0)


def no_mask(*args: Any, **kwargs: Any) -> None:
    """Mask function of the packed implementation: there is no mask."""


def _sequences(heads: Tensor, count: int, length: int) -> Tensor:
    """``(H, B L, D)`` to the ``(B, H, L, D)`` of one group, without a copy."""
    return heads.view(heads.shape[0], count, length, heads.shape[2]).transpose(0, 1)


_bands: dict[tuple[int, torch.device], Tensor] = {}


def _band(length: int, sliding_window: int, device: torch.device) -> Tensor:
    """Which tokens of a sequence see each other; cut from the longest one asked for so far, so that one is kept a window."""
    kept = _bands.get((sliding_window, device))
    if kept is None or len(kept) < length:
        with torch.inference_mode(False):
            place = torch.arange(length, device=device)
            kept = _bands[sliding_window, device] = (place[:, None] - place[None, :]).abs() < sliding_window
    return kept[:length, :length]
