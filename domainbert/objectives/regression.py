"""Regression: predict a number for a whole sample, such as the affinity of a drug for its target.

P rows of all units, U units, D hidden size, H heads, W width of a head.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from domainbert.objectives.base import Encoded, Ints, Sizes, Term, Tokens, Units
from domainbert.recipe.schema import Objective


class Regression(Term):
    """Squared error of standardised labels; a unit is a labelled sample that is a whole record."""

    on_labels = True
    published = True

    @staticmethod
    def find(objective: Objective, tokens: Tokens) -> Units:
        """Every sample with a label: its first token, or all its tokens; with ``cross`` those of samples with two halves."""
        wanted_N = tokens.wanted_N & np.isfinite(tokens.label_N)
        if objective.pooling == "cross":
            wanted_N &= tokens.second_N > 0
        chosen = np.flatnonzero(wanted_N)
        labels = tokens.label_N[chosen].astype(np.float32)
        if objective.pooling == "first":
            return Units.of(tokens.start_N[chosen], chosen, chosen, label_U=labels)
        second_N = tokens.second_N if objective.pooling == "cross" else None
        return whole_samples(chosen, tokens.start_N, tokens.length_N, second_N, label_U=labels)

    @classmethod
    def make_head(cls, objective: Objective, sizes: Sizes) -> nn.Module | None:
        """A map to the label, and the scale of the labels."""
        num_heads = math.gcd(sizes.hidden_size, sizes.num_heads) if objective.pooling == "cross" else 0
        of_first = objective.pooling == "first"
        return RegressionHead(sizes.hidden_size, mean=sizes.label_mean, spread=sizes.label_spread, of_first=of_first, num_heads=num_heads)

    @property
    def layers(self) -> tuple[int, ...]:
        """The last one."""
        return (-1,)

    def total(self, units: Units, encoded: Encoded, other: Encoded | None) -> Tensor:
        """Sum of squared errors in units of the labels' variance."""
        assert isinstance(self.head, RegressionHead)
        states_UD = self.head.pooled(encoded.hidden[-1], units)
        return F.mse_loss(self.head.standardised(states_UD), self.head.scaled(units.label_U), reduction="sum")


def whole_samples(chosen: Ints, start_N: Ints, length_N: Ints, second_N: Ints | None = None, *, label_U: object = None) -> Units:
    """Units of all tokens of samples.

    Args:
        chosen: numbers of the samples, ascending.
        start_N: first token of each sample of the batch.
        length_N: tokens of each.
        second_N: place in each where its second half begins, for terms that tell halves apart.
        label_U: labels of those chosen.
    """
    lengths = length_N[chosen]
    sample_P = np.repeat(chosen, lengths)
    place_P = np.arange(len(sample_P)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    half_P = None if second_N is None else (place_P >= second_N[sample_P]).astype(np.int64)
    return Units.of(start_N[sample_P] + place_P, sample_P, sample_P, label_U=label_U, half_P=half_P)


class RegressionHead(nn.Module):
    """A linear map from a sample's state to its label.

    Args:
        hidden_size: of the model.
        mean: of the training labels.
        spread: their standard deviation.
        of_first: whether a sample's state is that of its first token, else the mean of all.
        num_heads: above 0, a sample's state is what ``CrossAttention`` makes of its two halves.
    """

    mean: Tensor
    spread: Tensor
    of_first: Tensor

    def __init__(self, hidden_size: int, *, mean: float, spread: float, of_first: bool = True, num_heads: int = 0) -> None:
        super().__init__()
        self.halves = CrossAttention(hidden_size, num_heads) if num_heads else None
        self.linear = nn.Linear(hidden_size, 1)
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("spread", torch.tensor(spread))
        self.register_buffer("of_first", torch.tensor(of_first))

    def forward(self, states_UD: Tensor) -> Tensor:
        """Labels in their own unit, ``(U,)``."""
        return self.standardised(states_UD) * self.spread + self.mean

    def pooled(self, states_TD: Tensor, units: Units) -> Tensor:
        """The samples' states, ``(U, D)``, from those of all tokens of a micro-batch."""
        if self.halves is None:
            return units.rows(states_TD)
        states_UD: Tensor = self.halves(states_TD[units.row_P].float(), units.unit_P, units.half_P, len(units))
        return states_UD

    def standardised(self, states_UD: Tensor) -> Tensor:
        """Labels with mean 0 and spread 1, ``(U,)``."""
        out: Tensor = self.linear(states_UD)
        return out[:, 0]

    def scaled(self, labels_U: Tensor) -> Tensor:
        """Labels of their own unit as ``standardised`` gives them."""
        return (labels_U - self.mean) / self.spread


class CrossAttention(nn.Module):
    """The first token of either half of a pair attends to all tokens of the other half, its own first and last ones included.

    As in SSM-DTA (Pei et al. 2023, Brief. Bioinform. 24, bbad386; its ``roberta_dti_cross_attn`` with ``--use-2-attention``): one
    attention for both directions, what they find side by side, then the dense layer of RoBERTa's classification head; its last layer
    is ``RegressionHead.linear``. Tokens of a half do not attend to those of the other one by one. No padding, no dropout.

    Args:
        hidden_size: of the model, a multiple of ``num_heads``.
        num_heads: of the attention.
    """

    num_heads: Tensor

    def __init__(self, hidden_size: int, num_heads: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(hidden_size, hidden_size) for _ in range(4))
        self.dense = nn.Linear(2 * hidden_size, hidden_size)
        self.register_buffer("num_heads", torch.tensor(num_heads))  # the weights alone do not tell
        self._shape = (num_heads, hidden_size // num_heads)

    def forward(self, states_PD: Tensor, unit_P: Tensor, half_P: Tensor, num_units: int) -> Tensor:
        """States of the pairs, ``(U, D)``.

        Args:
            states_PD: of the tokens of all pairs, end to end.
            unit_P: number of the pair of each, ascending.
            half_P: 0 for its first half and then 1 for its second; neither is empty.
            num_units: pairs.
        """
        part_P = 2 * unit_P + half_P  # halves end to end, (2 U)
        first = torch.searchsorted(part_P, torch.arange(2 * num_units, device=part_P.device))
        asked = self.query(states_PD[first]).unflatten(0, (num_units, 2)).flip(1).flatten(0, 1)  # by the other half
        query, key, value = (x.unflatten(-1, self._shape) for x in (asked, self.key(states_PD), self.value(states_PD)))
        score_PH = (query[part_P] * key).sum(-1) / self._shape[1] ** 0.5
        index_PH = part_P[:, None].expand_as(score_PH)
        largest = score_PH.new_full((2 * num_units, self._shape[0]), -torch.inf).scatter_reduce(0, index_PH, score_PH.detach(), "amax")
        weight_PH = (score_PH - largest[part_P]).exp()
        total = torch.zeros_like(largest).index_add(0, part_P, weight_PH)
        found = torch.zeros_like(query).index_add(0, part_P, weight_PH[..., None] * value) / total[..., None]
        both = self.out(found.flatten(1)).unflatten(0, (num_units, 2)).flip(1)  # what the first half found in the second, then back
        return torch.tanh(self.dense(both.flatten(1)))
