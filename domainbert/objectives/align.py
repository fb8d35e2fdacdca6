"""Alignment: the model's features shall be those of a companion, through a linear map between their widths.

HAD (Yang et al. 2025, arXiv 2505.20836) takes the mean squared error at visible positions of the last layer.

U units, D hidden size.
"""

from collections.abc import Callable
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from domainbert.objectives.base import Encoded, Sizes, Term, Tokens, Units
from domainbert.objectives.positions import compared
from domainbert.recipe.schema import Objective


class Alignment(Term):
    """Distance between features, averaged over pairs of layers; a unit is a position, or a companion's token with ``pool``."""

    @staticmethod
    def find(objective: Objective, tokens: Tokens) -> Units:
        """Positions that both models see, or neither, as the objective asks."""
        return compared(tokens, positions=objective.positions, by_other=objective.match == "pool")

    @classmethod
    def make_head(cls, objective: Objective, sizes: Sizes) -> nn.Module | None:
        """A projection for each pair of layers."""
        if not projects(objective):
            return None
        return nn.ModuleList(nn.Linear(sizes.hidden_size, sizes.other_size) for _ in objective.layers)

    @property
    def layers(self) -> tuple[int, ...]:
        """First of each pair."""
        return tuple(mine for mine, _ in self.objective.layers)

    @property
    def other_layers(self) -> tuple[int, ...]:
        """Second of each pair."""
        return tuple(theirs for _, theirs in self.objective.layers)

    def total(self, units: Units, encoded: Encoded, other: Encoded | None) -> Tensor:
        """Sum of the distances."""
        assert other is not None
        distance = DISTANCES[self.objective.distance]
        parts = []
        for number, (mine, theirs) in enumerate(self.objective.layers):
            states_UD = units.rows(encoded.hidden[mine])
            if self.head is not None:
                assert isinstance(self.head, nn.ModuleList)
                states_UD = self.head[number](states_UD)
            parts.append(distance(states_UD, units.others(other.hidden[theirs]), units.per_sample))
        return torch.stack(parts).mean()


def projects(objective: Objective) -> bool:
    """Whether a linear map stands between the model and its companion."""
    return objective.projection == "linear" or (objective.projection == "auto" and objective.distance != "relational")


def _squared(mine_UD: Tensor, theirs_UD: Tensor, per_sample: tuple[int, ...]) -> Tensor:
    return F.mse_loss(mine_UD, theirs_UD, reduction="none").mean(-1).sum()


def _cosine(mine_UD: Tensor, theirs_UD: Tensor, per_sample: tuple[int, ...]) -> Tensor:
    return (1 - F.cosine_similarity(mine_UD, theirs_UD, dim=-1)).sum()


def _smooth_l1(mine_UD: Tensor, theirs_UD: Tensor, per_sample: tuple[int, ...]) -> Tensor:
    return F.smooth_l1_loss(mine_UD, theirs_UD, reduction="none").mean(-1).sum()


def _relational(mine_UD: Tensor, theirs_UD: Tensor, per_sample: tuple[int, ...]) -> Tensor:
    """Squared difference of cosine similarities to the other units of the sample, their mean for each unit.

    Within samples only: a term over a whole micro-batch would change with its size.
    """
    total = mine_UD.new_zeros(()) + 0 * mine_UD.sum()
    mine, theirs = F.normalize(mine_UD, dim=-1), F.normalize(theirs_UD, dim=-1)
    ends = list(accumulate(per_sample))
    for begin, end in zip([0, *ends], ends, strict=False):
        a, b = mine[begin:end], theirs[begin:end]
        total = total + (a @ a.T - b @ b.T).square().mean(-1).sum()
    return total


DISTANCES: dict[str, Callable[[Tensor, Tensor, tuple[int, ...]], Tensor]] = {
    "mse": _squared,
    "cosine": _cosine,
    "smooth_l1": _smooth_l1,
    "relational": _relational,
}
