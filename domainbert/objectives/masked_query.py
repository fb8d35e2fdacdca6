"""Reconstruction by queries: what was hidden is left out of the model's input, and a small decoder asks the states of the rest for it.

The encoder never sees a mask token (He et al. 2021, arXiv 2111.06377); each hidden token is a query that attends to the visible ones
alone, not to other queries (Fu et al. 2024, CrossMAE, arXiv 2401.14391). The decoder belongs to training and is not published, and the
model's own head learns nothing here: the encoder is for vectors and for fine-tuning, unless a stage of ``mlm`` follows.

T visible tokens, S hidden ones, N sequences, L and M the most of either in a sequence, H heads, D hidden size, V vocabulary.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from domainbert.objectives.base import Encoded, Sizes, Term, Tokens, Units
from domainbert.objectives.mlm import MaskedTokens, masked_token_loss
from domainbert.recipe.schema import Objective

_HEAD = 32  # width of a head


class MaskedQueries(Term):
    """Cross-entropy of the hidden tokens; a unit is a hidden token, given by its sequence (``row_P``) and its place there."""

    removes_hidden = True

    @staticmethod
    def find(objective: Objective, tokens: Tokens) -> Units:
        """Every hidden token of the samples that the term applies to."""
        return MaskedTokens.find(objective, tokens)

    @classmethod
    def make_head(cls, objective: Objective, sizes: Sizes) -> nn.Module | None:
        """The decoder."""
        return QueryDecoder(sizes.hidden_size, sizes.num_tokens)

    @property
    def layers(self) -> tuple[int, ...]:
        """The last one."""
        return (-1,)

    def total(self, units: Units, encoded: Encoded, other: Encoded | None) -> Tensor:
        """Sum in nats."""
        assert self.head is not None and encoded.position_T is not None and encoded.sequence_T is not None
        logits_SV = self.head(encoded.hidden[-1], encoded.position_T, encoded.sequence_T, units.position_P, units.row_P)
        return masked_token_loss(logits_SV, units.label_U)


class QueryDecoder(nn.Module):
    """One block of attention from queries to visible states, and a linear map to tokens.

    All queries are one learned vector; where it asks from enters by rotation, so what it finds depends on distances.

    Args:
        hidden_size: of the encoder.
        num_tokens: that may be predicted.
    """

    def __init__(self, hidden_size: int, num_tokens: int) -> None:
        super().__init__()
        self.num_heads = next(heads for heads in range(max(1, hidden_size // _HEAD), 0, -1) if hidden_size % (2 * heads) == 0)
        self.query = nn.Parameter(0.02 * torch.randn(hidden_size))
        self.seen_norm, self.mlp_norm, self.norm = (nn.LayerNorm(hidden_size) for _ in range(3))
        self.ask, self.key, self.value, self.out = (nn.Linear(hidden_size, hidden_size) for _ in range(4))
        self.mlp = nn.Sequential(nn.Linear(hidden_size, 4 * hidden_size), nn.GELU(), nn.Linear(4 * hidden_size, hidden_size))
        self.predict = nn.Linear(hidden_size, num_tokens)

    def forward(self, states_TD: Tensor, position_T: Tensor, sequence_T: Tensor, position_S: Tensor, sequence_S: Tensor) -> Tensor:
        """Logits ``(S, V)``.

        Args:
            states_TD: of the visible tokens, sequences end to end.
            position_T: places of the visible tokens.
            sequence_T: number of the sequence of each, ascending.
            position_S: places that are asked for.
            sequence_S: their sequences, ascending.
        """
        num = int(sequence_T[-1]) + 1
        column_T, column_S = (_column(sequence, num) for sequence in (sequence_T, sequence_S))
        seen = self.seen_norm(states_TD.float())
        asked = self.ask(self.query).expand(len(position_S), -1)
        q, k = (self._turned(x, position) for x, position in ((asked, position_S), (self.key(seen), position_T)))
        query, key, value = (
            _laid_out(x, sequence, column, num).transpose(1, 2)
            for x, sequence, column in (
                (q, sequence_S, column_S), (k, sequence_T, column_T), (self._heads(self.value(seen)), sequence_T, column_T),
            )
        )  # fmt: skip
        there = _laid_out(torch.ones_like(sequence_T, dtype=torch.bool), sequence_T, column_T, num)
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None])
        x_SD = self.query + self.out(found.transpose(1, 2)[sequence_S, column_S].flatten(1))
        x_SD = x_SD + self.mlp(self.mlp_norm(x_SD))
        logits: Tensor = self.predict(self.norm(x_SD))
        return logits

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(len(x), self.num_heads, x.shape[-1] // self.num_heads)

    def _turned(self, x: Tensor, position: Tensor) -> Tensor:
        """Heads, rotated by place (Su et al. 2021, arXiv 2104.09864): scores depend on distances."""
        one, other = self._heads(x).chunk(2, dim=-1)
        wave = 10_000.0 ** -(torch.arange(one.shape[-1], device=x.device) / one.shape[-1])
        angle = (position[:, None] * wave)[:, None]
        return torch.cat((one * angle.cos() - other * angle.sin(), other * angle.cos() + one * angle.sin()), -1)


def _column(sequence: Tensor, num: int) -> Tensor:
    """Place of each row among those of its sequence."""
    counts = torch.bincount(sequence, minlength=num)
    return torch.arange(len(sequence), device=sequence.device) - (counts.cumsum(0) - counts)[sequence]


def _laid_out(rows: Tensor, sequence: Tensor, column: Tensor, num: int) -> Tensor:
    """Rows end to end as ``(N, most, ...)``, zeros where a sequence has fewer; a column at least, so that all have a gradient."""
    most = int(column.max()) + 1 if len(column) else 1
    return rows.new_zeros((num, most, *rows.shape[1:])).index_put((sequence, column), rows)
