"""Distillation of predictions: the model's distribution over tokens shall be a companion's, where both have one vocabulary.

U units, S rows of the head, V vocabulary.
"""

import torch.nn.functional as F
from torch import Tensor

from domainbert.objectives.base import Encoded, Term, Tokens, Units
from domainbert.objectives.positions import compared
from domainbert.recipe.schema import Objective


class Logits(Term):
    """Kullback-Leibler divergence from the companion's prediction; a unit is a token."""

    on_logits = True

    @staticmethod
    def find(objective: Objective, tokens: Tokens) -> Units:
        """Tokens that neither model sees, or both, as the objective asks."""
        return compared(tokens, positions=objective.positions, by_other=False)

    def total(self, units: Units, encoded: Encoded, other: Encoded | None) -> Tensor:
        """Sum in nats, times the squared temperature, which keeps gradients at one size (Hinton et al. 2015, section 2)."""
        assert other is not None
        temperature = self.objective.temperature
        # Either table of embeddings may be padded beyond the vocabulary; those rows are of no token.
        size = min(encoded.logits_SV.shape[-1], other.logits_SV.shape[-1])
        mine_UV, theirs_UV = encoded.logits_SV[units.row_P, :size], other.logits_SV[units.other_P, :size]
        mine, theirs = (F.log_softmax(logits.float() / temperature, -1) for logits in (mine_UV, theirs_UV))
        return F.kl_div(mine, theirs, reduction="sum", log_target=True) * temperature**2
