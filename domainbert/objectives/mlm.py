"""Masked language modelling: predict what was hidden.

S selected positions, V vocabulary.
"""

import torch.nn.functional as F
from torch import Tensor


def masked_token_loss(logits_SV: Tensor, labels_S: Tensor) -> Tensor:
    """Sum of the cross-entropies at the selected positions, in nats, computed in fp32.

    The caller divides by the step's global count of selected positions: a mean here would weigh micro-batches unequally.
    """
    return F.cross_entropy(logits_SV.float(), labels_S, reduction="sum")
