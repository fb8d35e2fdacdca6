"""Regression: predict a number for a whole sample, such as the affinity of a drug for its target.

U units, D hidden size.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from domainbert.objectives.base import Encoded, Sizes, Term, Tokens, Units
from domainbert.recipe.schema import Objective


class Regression(Term):
    """Squared error of standardised labels; a unit is a labelled sample that is a whole record."""

    on_labels = True
    published = True

    @staticmethod
    def find(objective: Objective, tokens: Tokens) -> Units:
        """Every sample with a label: its first token, or all its tokens."""
        chosen = np.flatnonzero(tokens.wanted_N & np.isfinite(tokens.label_N))
        lengths = np.ones_like(chosen) if objective.pooling == "first" else tokens.length_N[chosen]
        sample_P = np.repeat(chosen, lengths)
        place_P = np.arange(len(sample_P)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return Units.of(tokens.start_N[sample_P] + place_P, sample_P, sample_P, label_U=tokens.label_N[chosen].astype(np.float32))

    @classmethod
    def make_head(cls, objective: Objective, sizes: Sizes) -> nn.Module | None:
        """A linear map to the label, and the scale of the labels."""
        return RegressionHead(
            sizes.hidden_size, mean=sizes.label_mean, spread=sizes.label_spread, of_first=objective.pooling == "first"
        )

    @property
    def layers(self) -> tuple[int, ...]:
        """The last one."""
        return (-1,)

    def total(self, units: Units, encoded: Encoded, other: Encoded | None) -> Tensor:
        """Sum of squared errors in units of the labels' variance."""
        assert isinstance(self.head, RegressionHead)
        return F.mse_loss(self.head.standardised(units.rows(encoded.hidden[-1])), self.head.scaled(units.label_U), reduction="sum")


class RegressionHead(nn.Module):
    """A linear map from a sample's state to its label.

    Args:
        hidden_size: of the model.
        mean: of the training labels.
        spread: their standard deviation.
        of_first: whether a sample's state is that of its first token, else the mean of all.
    """

    mean: Tensor
    spread: Tensor
    of_first: Tensor

    def __init__(self, hidden_size: int, *, mean: float, spread: float, of_first: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, 1)
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("spread", torch.tensor(spread))
        self.register_buffer("of_first", torch.tensor(of_first))

    def forward(self, states_UD: Tensor) -> Tensor:
        """Labels in their own unit, ``(U,)``."""
        return self.standardised(states_UD) * self.spread + self.mean

    def standardised(self, states_UD: Tensor) -> Tensor:
        """Labels with mean 0 and spread 1, ``(U,)``."""
        out: Tensor = self.linear(states_UD)
        return out[:, 0]

    def scaled(self, labels_U: Tensor) -> Tensor:
        """Labels of their own unit as ``standardised`` gives them."""
        return (labels_U - self.mean) / self.spread
