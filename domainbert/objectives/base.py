"""What every objective provides, and what it gets.

A term sums over *units*: predicted tokens, aligned positions, labelled samples. Which units a batch has is found where batches are
made, from plain arrays and without a model; the trainer adds their counts up over the whole step and divides by them, so that a
step means the same however it is cut into micro-batches and dealt to processes.

T tokens of a micro-batch, P pairs of tokens, U units, S rows of the head, D hidden size, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from domainbert.recipe.schema import Objective

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which tokens of a batch share characters with which tokens of a companion's reading of it.

    Args:
        row_P: the batch's token.
        other_P: the companion's token.
        characters_P: characters that they share.
        hidden_P: whether the companion's token is hidden.
    """

    row_P: Ints
    other_P: Ints
    characters_P: Ints
    hidden_P: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A batch as objectives see it.

    Args:
        labels_T: original ids where something is hidden, -100 elsewhere.
        length_N: tokens of each sample, special ones included.
        wanted_N: whether the term applies to each sample.
        label_N: label of each sample, nan for none.
        second_N: place in each sample where its second half begins; 0 for those that are no pairs.
        pairs: with the term's companion; ``None`` for terms without one.
    """

    labels_T: Ints
    length_N: Ints
    wanted_N: NDArray[np.bool_]
    label_N: NDArray[np.float64]
    second_N: Ints
    pairs: Pairs | None = None

    @property
    def sample_T(self) -> Ints:
        """Number of the sample that each token belongs to."""
        return np.repeat(np.arange(len(self.length_N)), self.length_N)

    @property
    def start_N(self) -> Ints:
        """First token of each sample."""
        return np.cumsum(self.length_N) - self.length_N


@dataclass(frozen=True, slots=True)
class Units:
    """The units of one term in a micro-batch: each is a weighted mean of rows, set against such a mean of a companion or a label.

    Args:
        row_P: rows of the model; rows of the head for terms that ask for it.
        unit_P: the unit that each belongs to, ascending.
        weight_P: share of each in its unit.
        other_P: the companion's row that goes with each; empty without a companion.
        label_U: what is to be predicted; empty with a companion.
        per_sample: units of each sample that has any.
        position_P: place in its sample of each, for terms that leave out what is hidden; ``row_P`` is then its sequence.
        half_P: 0 for rows of the first half of a pair, 1 for those of the second, for terms that tell them apart.
    """

    row_P: Tensor
    unit_P: Tensor
    weight_P: Tensor
    other_P: Tensor
    label_U: Tensor
    per_sample: tuple[int, ...]
    position_P: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    half_P: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))

    @classmethod
    def of(
        cls,
        row_P: Ints,
        unit_P: Ints,
        sample_P: Ints,
        *,
        weight_P: Any = None,
        other_P: Ints | None = None,
        label_U: Any = None,
        half_P: Ints | None = None,
    ) -> "Units":
        """Units from arrays.

        Args:
            row_P: rows.
            unit_P: any number that is the same for the rows of one unit and ascends.
            sample_P: sample of each row.
            weight_P: how much each row counts in its unit; alike when absent.
            other_P: the companion's rows.
            label_U: labels, one a unit.
            half_P: half of a pair that each row is of.
        """
        begins = np.ones(len(row_P), bool)
        begins[1:] = unit_P[1:] != unit_P[:-1]
        unit_P = np.cumsum(begins) - 1
        weight_P = np.ones(len(row_P)) if weight_P is None else np.asarray(weight_P, np.float64)
        weight_P = weight_P / np.bincount(unit_P, weights=weight_P)[unit_P] if len(row_P) else weight_P
        counts = np.bincount(sample_P[begins])
        return cls(
            torch.from_numpy(np.ascontiguousarray(row_P)),
            torch.from_numpy(unit_P),
            torch.from_numpy(weight_P.astype(np.float32)),
            torch.from_numpy(np.empty(0, np.int64) if other_P is None else np.ascontiguousarray(other_P)),
            torch.from_numpy(np.empty(0, np.int64) if label_U is None else np.ascontiguousarray(label_U)),
            tuple(counts[counts > 0].tolist()),
            half_P=torch.from_numpy(np.empty(0, np.int64) if half_P is None else np.ascontiguousarray(half_P)),
        )

    def __len__(self) -> int:
        return sum(self.per_sample)

    def each(self, change: Callable[[Tensor], Tensor]) -> "Units":
        """The same with every tensor changed, such as moved to a device."""
        names = ("row_P", "unit_P", "weight_P", "other_P", "label_U", "position_P", "half_P")
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in names}
        return replace(self, **changed)

    def among(self, kept_T: Tensor) -> "Units":
        """The same of some rows of the batch, each unit a mean over what is left of it, which must be something.

        Args:
            kept_T: whether each row of the batch stays.
        """
        kept_P = kept_T[self.row_P]
        if kept_P.all():
            return self
        names = ("row_P", "unit_P", "weight_P", "other_P", "half_P")
        left: dict[str, Any] = {name: value[kept_P] for name in names if len(value := getattr(self, name))}
        total_U = torch.zeros(len(self)).index_add(0, left["unit_P"], left["weight_P"])
        return replace(self, **{**left, "weight_P": left["weight_P"] / total_U[left["unit_P"]]})

    def rows(self, states_TD: Tensor) -> Tensor:
        """The units' states, ``(U, D)``: means over their rows."""
        return self._mean(states_TD, self.row_P)

    def others(self, states_TD: Tensor) -> Tensor:
        """The companion's states of the units, ``(U, D)``."""
        return self._mean(states_TD, self.other_P)

    def _mean(self, states_TD: Tensor, rows_P: Tensor) -> Tensor:
        picked = states_TD[rows_P].float()
        if len(rows_P) == len(self):
            return picked
        return picked.new_zeros(len(self), picked.shape[-1]).index_add(0, self.unit_P, picked * self.weight_P[:, None])


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a model computed for a micro-batch.

    Args:
        logits_SV: of the head's rows.
        hidden: states of all tokens, ``(T, D)``, by layer: 0 the embeddings, -1 the last.
        nats: summed cross-entropy of the head's rows, where only that was asked; there are no logits then.
        position_T: place of each token in its sample.
        sequence_T: number of its sequence.
    """

    logits_SV: Tensor
    hidden: Mapping[int, Tensor]
    nats: Tensor | None = None
    position_T: Tensor | None = None
    sequence_T: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a term's own parameters are shaped and scaled by.

    Args:
        hidden_size: of the model.
        other_size: of the companion; 0 without one.
        label_mean: of the training labels of the term's corpora; 0 where they have none.
        label_spread: their standard deviation; 1 where it is 0.
        num_tokens: that the model can predict.
        num_heads: of the model's attention.
    """

    hidden_size: int
    other_size: int = 0
    label_mean: float = 0.0
    label_spread: float = 1.0
    num_tokens: int = 0
    num_heads: int = 1


class Term(ABC):
    """One weighted term of the loss.

    Args:
        objective: as the stage has it.
        head: its own parameters, from ``make_head``; shared by the terms of that name in all stages.
    """

    on_logits: ClassVar[bool] = False
    """Whether ``row_P`` of its units are rows whose logits it needs."""
    on_nats: ClassVar[bool] = False
    """Whether the summed cross-entropy of its units' labels is all that it needs of them, its units being one row each."""
    on_labels: ClassVar[bool] = False
    """Whether it needs samples' labels."""
    removes_hidden: ClassVar[bool] = False
    """Whether what is hidden is left out of the model's input, for all terms of its stage."""
    published: ClassVar[bool] = False
    """Whether its head belongs to what a run publishes."""

    def __init__(self, objective: Objective, head: nn.Module | None) -> None:
        self.objective, self.head = objective, head

    @staticmethod
    @abstractmethod
    def find(objective: Objective, tokens: Tokens) -> Units:
        """The term's units in a batch."""

    @classmethod
    def make_head(cls, objective: Objective, sizes: Sizes) -> nn.Module | None:
        """The term's own parameters, drawn from the global generator; ``None`` for none."""
        return None

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers of the model whose states it needs."""
        return ()

    @property
    def other_layers(self) -> tuple[int, ...]:
        """Layers of the companion whose states it needs."""
        return ()

    @abstractmethod
    def total(self, units: Units, encoded: Encoded, other: Encoded | None) -> Tensor:
        """Sum of the term over the units, in fp32."""
