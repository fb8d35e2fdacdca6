"""Runs a Hugging Face masked language model on packed batches, computing logits at selected positions only.

T tokens, N sequences, S selected positions, V vocabulary.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from domainbert.engine import attention
from domainbert.engine.families import family_of
from domainbert.engine.packing import Batch

# ESM-2 was trained with 15 % of positions chosen and 80 % of those masked; its token dropout is scaled by this (Lin et al. 2022,
# and modeling_esm.py, which hard-codes it).
_ESM_TRAINED_MASK_SHARE = 0.15 * 0.8


@dataclass(frozen=True, slots=True)
class PackedInput:
    """A micro-batch on the device.

    Args:
        input_ids_T: corrupted ids.
        position_T: place of each token in its sequence, without any family's offset.
        sequence_T: number of the sequence that each token belongs to.
        selected_S: rows to predict.
        labels_S: their original ids.
        groups: how tokens fall into sequences.
    """

    input_ids_T: Tensor
    position_T: Tensor
    sequence_T: Tensor
    selected_S: Tensor
    labels_S: Tensor
    groups: tuple[attention.Group, ...]

    @classmethod
    def of(cls, batch: Batch) -> "PackedInput":
        """Tensors of a batch, on the CPU."""
        selected = np.flatnonzero(batch.labels_T >= 0)
        return cls(
            torch.from_numpy(batch.input_ids_T),
            torch.from_numpy(batch.position_T),
            torch.from_numpy(np.repeat(np.arange(len(batch.length_N)), batch.length_N)),
            torch.from_numpy(selected),
            torch.from_numpy(batch.labels_T[selected]),
            attention.group_lengths(batch.length_N.tolist()),
        )

    def to(self, device: torch.device) -> "PackedInput":
        """The same on a device."""
        return PackedInput(
            self.input_ids_T.to(device, non_blocking=True),
            self.position_T.to(device, non_blocking=True),
            self.sequence_T.to(device, non_blocking=True),
            self.selected_S.to(device, non_blocking=True),
            self.labels_S.to(device, non_blocking=True),
            self.groups,
        )


class PackedEncoder:
    """Drives a model through hooks, so that what is trained and saved is the plain Hugging Face model.

    Args:
        model: a masked language model of a supported family; its attention becomes the packed one.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.family = family_of(model.config)
        attention.register()
        model.set_attn_implementation(attention.NAME)
        self._current: PackedInput | None = None
        self._hooks = [model.get_submodule(self.family.head).register_forward_pre_hook(self._select)]
        if model.config.model_type == "esm" and model.config.token_dropout:
            self._own_token_dropout(model)

    def logits(self, inputs: PackedInput, *, wrapped: nn.Module | None = None) -> Tensor:
        """Logits of the selected positions, ``(S, V)``, in input order.

        Args:
            inputs: a micro-batch on the model's device.
            wrapped: what training calls, such as the distributed wrapper with its autocast. Without it the model's own forward runs in
                the precision of its weights, which is what a user of the saved folder gets.
        """
        self._current = inputs
        try:
            output = (wrapped or partial(type(self.model).forward, self.model))(
                input_ids=inputs.input_ids_T[None],
                position_ids=(inputs.position_T + self.family.position_offset)[None],
                groups=inputs.groups,
            )
        finally:
            self._current = None
        logits: Tensor = output.logits
        return logits[0]

    def compile(self) -> None:
        """Compile the feed-forward parts of the layers, once for any number of tokens.

        Attention is left out: its groups change with every micro-batch, and each change would compile anew.
        """
        for name, module in self.model.named_modules():
            layer, _, last = name.rpartition(".")
            if last in self.family.feed_forward and layer.rpartition(".")[2].isdigit():
                module.compile(dynamic=True)

    def release(self) -> None:
        """Take the hooks away and give the model back its library attention."""
        for hook in self._hooks:
            hook.remove()
        self.model.set_attn_implementation("sdpa")
        if self.model.config.model_type == "esm" and self.model.config.token_dropout:
            setattr(self.model.get_submodule("esm.embeddings"), "token_dropout", True)  # noqa: B010

    def _select(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        assert self._current is not None, "the packed encoder's model was called around it"
        return (args[0][:, self._current.selected_S], *args[1:])

    def _own_token_dropout(self, model: PreTrainedModel) -> None:
        """ESM rescales a row by its share of masks; in a packed row that must be each sequence's own share."""
        setattr(model.get_submodule("esm.embeddings"), "token_dropout", False)  # noqa: B010 - a plain attribute, unknown to nn.Module
        self._hooks.append(model.get_submodule("esm.embeddings.word_embeddings").register_forward_hook(self._rescale))

    def _rescale(self, module: nn.Module, args: tuple[Any, ...], embedded: Tensor) -> Tensor:
        assert self._current is not None, "the packed encoder's model was called around it"
        masked_T = args[0][0] == self.model.config.mask_token_id
        sequence_T = self._current.sequence_T
        num_sequences = sum(count for _, count, _ in self._current.groups)
        zeros_N = torch.zeros(num_sequences, device=embedded.device)
        masks_N = zeros_N.index_add(0, sequence_T, masked_T.float())
        length_N = zeros_N.index_add(0, sequence_T, torch.ones_like(sequence_T, dtype=torch.float))
        scale_T = ((1 - _ESM_TRAINED_MASK_SHARE) / (1 - masks_N / length_N))[sequence_T]
        return (embedded.masked_fill(masked_T[None, :, None], 0.0) * scale_T[None, :, None]).to(embedded.dtype)
