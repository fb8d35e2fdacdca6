"""Texts cut to what a model takes, and their states made one vector.

T tokens, W windows of texts, N texts, D hidden size.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from domainbert.engine.attention import Group
from domainbert.engine.packing import Batch, ranges
from domainbert.tokenization.spans import Vocabulary

Ints = NDArray[np.int64]
Pooling = Literal["mean", "cls"]
Long = Literal["windows", "truncate"]


class Windows:
    """Texts cut to windows that the model takes, and their batch with special tokens.

    Args:
        ids_T: tokens of all texts end to end.
        count_N: tokens of each text.
        vocabulary: for the special tokens.
        max_length: tokens of a window with them.
        long: ``windows`` of like length that cover a text, or ``truncate`` for its first.
    """

    def __init__(self, ids_T: Ints, count_N: Ints, vocabulary: Vocabulary, max_length: int, *, long: Long) -> None:
        capacity = max_length - vocabulary.num_special
        begin_N = np.cumsum(count_N) - count_N
        if long == "truncate":
            self.text, self.first, self.length = np.arange(len(count_N)), begin_N, np.minimum(count_N, capacity)
        else:
            number_N = np.maximum(-(-count_N // capacity), 1)
            self.text = np.repeat(np.arange(len(count_N)), number_N)
            place = ranges(np.zeros_like(number_N), number_N)
            bounds = [(count_N[self.text] * (place + step)) // number_N[self.text] for step in (0, 1)]
            self.first, self.length = begin_N[self.text] + bounds[0], bounds[1] - bounds[0]
        before, after = len(vocabulary.prefix), len(vocabulary.suffix)
        length_W = self.length + before + after
        start_W = np.cumsum(length_W) - length_W
        whole = np.empty(int(length_W.sum()), np.int64)
        whole[ranges(start_W, np.full_like(start_W, before))] = np.tile(np.array(vocabulary.prefix, np.int64), len(length_W))
        whole[ranges(start_W + before, self.length)] = ids_T[ranges(self.first, self.length)]
        whole[ranges(start_W + before + self.length, np.full_like(start_W, after))] = np.tile(
            np.array(vocabulary.suffix, np.int64), len(length_W)
        )
        # Every position is selected: labels are what the packed input takes rows by.
        self.batch = Batch(whole, whole, ranges(np.zeros_like(length_W), length_W), length_W)


def pool(states_TD: Tensor, groups: tuple[Group, ...], vocabulary: Vocabulary, pooling: Pooling) -> Tensor:
    """One row a window."""
    before, after = len(vocabulary.prefix), len(vocabulary.suffix)
    parts = []
    for first, count, length in groups:
        states = states_TD[first : first + count * length].view(count, length, -1)
        parts.append(states[:, 0] if pooling == "cls" else states[:, before : length - after].mean(1))
    return torch.cat(parts)


def contents(states_TD: Tensor, groups: tuple[Group, ...], vocabulary: Vocabulary) -> Iterator[NDArray[np.float32]]:
    """The states of each window's own tokens."""
    before, after = len(vocabulary.prefix), len(vocabulary.suffix)
    for first, count, length in groups:
        for state in states_TD[first : first + count * length].view(count, length, -1).cpu().numpy():
            yield state[before : length - after]
