"""Masked language modelling: predict what was hidden.

S selected positions, V vocabulary.
"""

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from domainbert.objectives.base import Encoded, Term, Tokens, Units
from domainbert.recipe.schema import Objective


def masked_token_loss(logits_SV: Tensor, labels_S: Tensor) -> Tensor:
    """Sum of the cross-entropies at the selected positions, in nats, computed in fp32.

    The caller divides by the step's global count of selected positions: a mean here would weigh micro-batches unequally.
    """
    return F.cross_entropy(logits_SV.float(), labels_S, reduction="sum")


class MaskedTokens(Term):
    """Cross-entropy of the hidden tokens; a unit is a hidden token."""

    on_logits = on_nats = True

    @staticmethod
    def find(objective: Objective, tokens: Tokens) -> Units:
        """Every hidden token of the samples that the term applies to."""
        sample_T = tokens.sample_T
        rows = np.flatnonzero((tokens.labels_T >= 0) & tokens.wanted_N[sample_T])
        return Units.of(rows, rows, sample_T[rows], label_U=tokens.labels_T[rows])

    def total(self, units: Units, encoded: Encoded, other: Encoded | None) -> Tensor:
        """Sum in nats."""
        if encoded.nats is not None:
            return encoded.nats
        logits = encoded.logits_SV
        every = len(units.row_P) == len(logits)  # the usual case, in which a copy of the logits would be a waste
        return masked_token_loss(logits if every else logits[units.row_P], units.label_U)
