"""``micro_batch_tokens = "auto"``: how many tokens the device holds at once."""

import numpy as np
import torch

from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.packing import Batch, ranges
from domainbert.objectives.mlm import masked_token_loss
from domainbert.recipe.schema import Training
from domainbert.tokenization.spans import Vocabulary

# On a CPU products of this many rows run at full speed already, and smaller ones stay in the cache.
_CPU_TOKENS = 4096
# What a trial may leave to the allocator's fragments and to the optimizer, which a trial does not have yet.
_MARGIN = 0.8


def fitting_tokens(encoder: PackedEncoder, vocabulary: Vocabulary, training: Training, *, device: torch.device, rate: float) -> int:
    """Tokens of the largest micro-batch that the device trains on, at most a whole step.

    On a CPU that is a stated size. On a GPU one micro-batch of the longest samples is tried, forward and backward, and halved while
    it does not fit.

    Args:
        encoder: the model, moved to the device.
        vocabulary: whose ids the trial is made of.
        training: the step's tokens and the longest sample.
        device: of the run.
        rate: the largest share of positions that a stage predicts.
    """
    if device.type != "cuda":
        return max(training.max_length, min(training.batch_tokens, _CPU_TOKENS))
    encoder.model.to(device)  # type: ignore[arg-type]  # accepts a device
    tokens = training.batch_tokens
    while tokens > training.max_length and not _fits(encoder, vocabulary, training, tokens, device, rate):
        tokens = max(training.max_length, tokens // 2)
    return tokens


def _fits(
    encoder: PackedEncoder, vocabulary: Vocabulary, training: Training, tokens: int, device: torch.device, rate: float
) -> bool:
    inputs = PackedInput.of(_largest(vocabulary, training, tokens, rate)).to(device)
    wanted = 8 * sum(p.numel() for p in encoder.model.parameters())  # two moments in fp32
    try:
        with torch.autocast("cuda", torch.bfloat16, enabled=training.precision != "fp32"):
            masked_token_loss(encoder.logits(inputs), inputs.labels_S).backward()  # type: ignore[no-untyped-call]
        total = torch.cuda.get_device_properties(device).total_memory
        return torch.cuda.max_memory_allocated(device) + wanted < _MARGIN * total
    except torch.cuda.OutOfMemoryError:
        return False
    finally:
        encoder.model.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _largest(vocabulary: Vocabulary, training: Training, tokens: int, rate: float) -> Batch:
    length_N = np.full(max(1, tokens // training.max_length), training.max_length, np.int64)
    ids_T = np.resize(vocabulary.alphabet, int(length_N.sum()))
    labels_T = np.where(np.arange(len(ids_T)) < rate * len(ids_T), ids_T, -100)
    return Batch(ids_T, labels_T, ranges(np.zeros_like(length_N), length_N), length_N)
