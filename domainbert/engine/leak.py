"""Proves on the model itself that a causal stage hides the future: other tokens from some place on, and nothing before it may change."""

from dataclasses import replace

import numpy as np
import torch
from transformers import PreTrainedModel

from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.families import FAMILIES
from domainbert.engine.order import Ints
from domainbert.engine.packing import Batch, ranges
from domainbert.errors import ModelError
from domainbert.tokenization.spans import Vocabulary

# Two of a length, since equal lengths are computed together; one that leaves the usual local windows of 64 to either side.
_LENGTHS = (5, 9, 9, 17, 33, 160)


def require_causal(encoder: PackedEncoder, vocabulary: Vocabulary, *, max_length: int) -> None:
    """Check that the model as it runs in training never shows a token those behind it.

    Args:
        encoder: of the model, on the device where it trains.
        vocabulary: whose targets the sequences are made of.
        max_length: most tokens that the run gives it.

    Raises:
        ModelError: the model cannot be made causal, or a future token changes what the model says before it.
    """
    kind = encoder.model.config.model_type
    if not encoder.layout.packed:
        packed = ", ".join(name for name, family in FAMILIES.items() if family.packed)
        raise ModelError(
            f"architecture {kind!r} cannot run with causal attention: its layers never ask for the attention that hides the future; "
            f"take stages with attention = 'bidirectional', or one of {packed}"
        )
    difference, moved = _differences(encoder, vocabulary, max_length)
    if difference:
        raise ModelError(
            f"architecture {kind!r} leaks the future: with other tokens behind it, a logit of a causal stage changes by {difference:.1e}; "
            "training would learn to copy. Take stages with attention = 'bidirectional'"
        )
    assert moved, "the probe's changed tokens did not reach the logits behind them"


def _differences(encoder: PackedEncoder, vocabulary: Vocabulary, max_length: int) -> tuple[float, float]:
    """Largest change of a logit in front of tokens that are changed, and behind."""
    rng = np.random.default_rng(0)
    length_N = np.unique(np.minimum(_LENGTHS, max_length)).repeat(2).astype(np.int64)
    position_T, length_T = ranges(np.zeros_like(length_N), length_N), length_N.repeat(length_N)
    ids_T, other_T = (rng.choice(vocabulary.alphabet, len(position_T)) for _ in range(2))
    before = _logits(encoder, ids_T, position_T, length_N)
    leaked = moved = 0.0
    for first_T in (np.ones_like(length_T), length_T // 2, length_T - 1):
        changed_T = position_T >= first_T
        change_T = (_logits(encoder, np.where(changed_T, other_T, ids_T), position_T, length_N) - before).abs().amax(-1)
        leaked = max(leaked, float(change_T[~torch.from_numpy(changed_T)].max()))
        moved = max(moved, float(change_T.max()))
    return leaked, moved


def _logits(encoder: PackedEncoder, ids_T: Ints, position_T: Ints, length_N: Ints) -> torch.Tensor:
    """Of every token, in the precision of training."""
    model: PreTrainedModel = encoder.model
    inputs = PackedInput.of(Batch(ids_T, ids_T, position_T, length_N)).to(model.device)
    was_training = model.training
    model.train(False)
    try:
        with torch.inference_mode():
            # The model's own call, not its class's: accelerate puts the autocast of training there.
            return encoder.logits(replace(inputs, causal=True), wrapped=model).float().cpu()
    finally:
        model.train(was_training)
