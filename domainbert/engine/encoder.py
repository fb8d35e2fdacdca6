"""Runs a Hugging Face masked language model on packed batches, computing logits at selected positions only.

T tokens, N sequences, S selected positions, V vocabulary.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from domainbert.engine import attention
from domainbert.engine.cross_entropy import linear_cross_entropy
from domainbert.engine.families import family_of
from domainbert.engine.layout import Layout, Rectangle, layout_of, rectangles
from domainbert.engine.order import Ints
from domainbert.engine.packing import Batch
from domainbert.objectives.base import Encoded, Units

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
        selected_S: rows of the head, ascending: those to predict.
        labels_S: their original ids; -100 for a row that is not hidden.
        groups: how tokens fall into sequences.
        cu_seqlens: where each sequence begins, and the number of tokens, int32.
        units: of each objective, by its title.
        others: the same samples as each companion reads them, by its name.
        keys: what each sequence is called in a cache; empty where there is none.
        causal: no token sees those behind it.
    """

    input_ids_T: Tensor
    position_T: Tensor
    sequence_T: Tensor
    selected_S: Tensor
    labels_S: Tensor
    groups: tuple[attention.Group, ...]
    cu_seqlens: Tensor
    units: Mapping[str, Units] = field(default_factory=dict)
    others: Mapping[str, "PackedInput"] = field(default_factory=dict)
    keys: tuple[bytes, ...] = ()
    causal: bool = False

    @classmethod
    def of(cls, batch: Batch, *, rows: Ints | None = None) -> "PackedInput":
        """Tensors of a batch, on the CPU.

        Args:
            batch: samples that all have a token.
            rows: of the head; every hidden token when absent.
        """
        selected = np.flatnonzero(batch.labels_T >= 0) if rows is None else rows
        return cls(
            torch.from_numpy(batch.input_ids_T),
            torch.from_numpy(batch.position_T),
            torch.from_numpy(np.repeat(np.arange(len(batch.length_N)), batch.length_N)),
            torch.from_numpy(selected),
            torch.from_numpy(batch.labels_T[selected]),
            attention.group_lengths(batch.length_N.tolist()),
            torch.from_numpy(np.concatenate(([0], np.cumsum(batch.length_N))).astype(np.int32)),
        )

    def pin_memory(self) -> "PackedInput":
        """The same in page-locked memory, from which a GPU copies while it computes; the data loader calls it."""
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device) -> "PackedInput":
        """The same on a device."""
        return self._each(partial(Tensor.to, device=device, non_blocking=True))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "PackedInput":
        names = ("input_ids_T", "position_T", "sequence_T", "selected_S", "labels_S", "cu_seqlens")
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in names}
        units = {name: each.each(change) for name, each in self.units.items()}
        others = {name: each._each(change) for name, each in self.others.items()}
        return replace(self, **changed, units=units, others=others)


class PackedEncoder:
    """Drives a model through hooks, so that what is trained and saved is the plain Hugging Face model.

    A model whose layers the registered attention reaches runs on packed rows. Any other runs on rectangles: sequences of like length
    side by side, padded to the longest, which costs some padding and is exact all the same.

    Args:
        model: a masked language model; its attention becomes the packed one where that is exact.
        layout: how it runs; by default what ``layout_of`` says.
    """

    def __init__(self, model: PreTrainedModel, *, layout: Layout | None = None) -> None:
        self.model = model
        self.family = family_of(model.config)
        self.layout = layout or layout_of(model)
        self._library_attention = model.config._attn_implementation
        if self.layout.packed:
            attention.register()
            model.set_attn_implementation(attention.NAME)
        accepted = signature(type(model).forward).parameters
        self._takes_positions, self._takes_types = "position_ids" in accepted, "token_type_ids" in accepted
        self._current: PackedInput | None = None
        self._rows: Tensor | None = None
        self._labels: Tensor | None = None
        self._layers: tuple[int, ...] = ()
        self._states: list[Tensor] = []
        self._hooks = [model.base_model.register_forward_hook(self._select)]
        output = model.get_output_embeddings()  # type: ignore[no-untyped-call]
        self._fused = self.family.linear_head and isinstance(output, nn.Linear)
        if self._fused:
            self._hooks += [output.register_forward_pre_hook(self._withhold), output.register_forward_hook(self._lose)]
        if self.layout.packed and model.config.model_type == "esm" and model.config.token_dropout:
            self._own_token_dropout(model)

    def logits(self, inputs: PackedInput, *, wrapped: nn.Module | None = None) -> Tensor:
        """Logits of the selected positions, ``(S, V)``, in input order; see ``encode``."""
        return self.encode(inputs, wrapped=wrapped).logits_SV

    def encode(
        self, inputs: PackedInput, *, wrapped: nn.Module | None = None, layers: Sequence[int] = (), labels_S: Tensor | None = None
    ) -> Encoded:
        """Logits of the selected positions, in input order, and the states of all tokens at some layers.

        Args:
            inputs: a micro-batch on the model's device.
            wrapped: what training calls, such as the distributed wrapper with its autocast. Without it the model's own forward runs in
                the precision of its weights, which is what a user of the saved folder gets.
            layers: 0 for the embeddings, 1 for the first layer, -1 for the last.
            labels_S: what the selected positions are to be, for a caller that needs only their cross-entropy: instead of logits it then
                gets ``nats``, from families whose head ends in a linear map.
        """
        forward = wrapped or partial(type(self.model).forward, self.model)
        self._current, self._layers = inputs, tuple(dict.fromkeys(layers))
        labels_S = labels_S if self._fused else None
        try:
            if self.layout.packed:
                lengths: dict[str, Any] = {"groups": inputs.groups, "cu_seqlens": inputs.cu_seqlens, "causal": inputs.causal}
                return self._run(forward, inputs.input_ids_T[None], inputs.position_T[None], inputs.selected_S, labels_S, **lengths)
            every = rectangles(inputs.groups, slack=self.layout.slack)
            parts = [self._rectangle(forward, inputs, rectangle, labels_S) for rectangle in every]
            return _joined([part for part in parts if part is not None])
        finally:
            self._current, self._layers, self._states, self._labels = None, (), [], None

    def states(self, inputs: PackedInput) -> Tensor:
        """What the last layer says of the selected positions, ``(S, D)``, in input order; the head is not asked."""
        return self.encode(replace(inputs, selected_S=inputs.selected_S[:0]), layers=(-1,)).hidden[-1][inputs.selected_S]

    def num_computed(self, inputs: PackedInput) -> int:
        """Tokens that the model computes for a micro-batch, padding included."""
        if self.layout.packed:
            return len(inputs.input_ids_T)
        return sum(len(lengths) * max(lengths) for _, lengths in rectangles(inputs.groups, slack=self.layout.slack))

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
        if self.layout.packed:
            self.model.set_attn_implementation(self._library_attention)
        if self.model.config.model_type == "esm" and self.model.config.token_dropout:
            setattr(self.model.get_submodule("esm.embeddings"), "token_dropout", True)  # noqa: B010

    def _run(
        self,
        forward: Callable[..., Any],
        ids_BL: Tensor,
        position_BL: Tensor,
        rows: Tensor,
        labels: Tensor | None,
        real: Tensor | None = None,
        **keys: Any,
    ) -> Encoded:
        """Logits of ``rows`` of a batch laid end to end, or with ``labels`` their cross-entropy, and states of ``real`` tokens or all."""
        if self._takes_positions:
            keys["position_ids"] = position_BL + self.layout.position_offset
        if self._takes_types:
            keys["token_type_ids"] = torch.zeros_like(ids_BL)
        if any(layer != -1 for layer in self._layers):
            keys["output_hidden_states"] = True
        self._rows, self._labels = rows, labels
        logits: Tensor = forward(input_ids=ids_BL, **keys).logits[0]
        states = (each if real is None else each[real] for each in self._states)
        hidden = dict(zip(self._layers, states, strict=True))
        return Encoded(logits, hidden) if labels is None else Encoded(logits[:0], hidden, nats=logits.sum())

    def _rectangle(
        self, forward: Callable[..., Any], inputs: PackedInput, rectangle: Rectangle, labels_S: Tensor | None
    ) -> Encoded | None:
        """Some consecutive sequences; ``None`` if nothing of them is wanted."""
        start, lengths = rectangle
        length_B = torch.tensor(lengths)
        column_L = torch.arange(int(length_B.max()))
        mask_BL = column_L < length_B[:, None]
        index_BL = (start + (length_B.cumsum(0) - length_B)[:, None] + column_L).where(mask_BL, torch.tensor(start))
        place_T = mask_BL.flatten().nonzero()[:, 0].to(inputs.input_ids_T.device)  # where each token lies in the rectangle
        selected = inputs.selected_S
        inside = (selected >= start) & (selected < start + sum(lengths))
        mine = selected[inside] - start
        if not len(mine) and len(selected) and not self._layers:
            return None
        mask_BL, index_BL = mask_BL.to(place_T.device), index_BL.to(place_T.device)
        ids_BL = inputs.input_ids_T[index_BL].masked_fill(~mask_BL, self.model.config.pad_token_id or 0)
        position_BL = inputs.position_T[index_BL].where(mask_BL, column_L.to(place_T.device))
        # A mask of ones is left out: the library then takes its faster way.
        keys = {} if len(set(lengths)) == 1 else {"attention_mask": mask_BL.long()}
        labels = None if labels_S is None else labels_S[inside]
        return self._run(forward, ids_BL, position_BL, place_T[mine], labels, place_T, **keys)

    def _select(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        """Keep the states that are asked for, and give the head the rows to predict and no others: ``(B, L, D)`` to ``(1, S, D)``."""
        assert self._rows is not None, "the packed encoder's model was called around it"
        rows, self._rows = self._rows, None
        kept = (output.last_hidden_state if layer == -1 else output.hidden_states[layer] for layer in self._layers)
        self._states = [states.flatten(0, 1) for states in kept]
        output.last_hidden_state = output.last_hidden_state.flatten(0, 1)[rows][None]
        return output

    def _withhold(self, module: nn.Module, args: tuple[Any, ...]) -> Any:
        """Give the head's last map no rows where only the cross-entropy of its outputs is wanted."""
        if self._labels is None:
            return None
        self._withheld: Tensor = args[0]
        return self._withheld[:, :0], *args[1:]

    def _lose(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        """Their cross-entropy in the place of logits: inside the forward pass, where distributed wrappers expect every parameter."""
        if self._labels is None:
            return None
        assert isinstance(module, nn.Linear)
        return linear_cross_entropy(self._withheld[0], module.weight, module.bias, self._labels).view(1, 1, 1)

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


def _joined(parts: Sequence[Encoded]) -> Encoded:
    """Consecutive parts of a micro-batch as one."""
    hidden = {layer: torch.cat([part.hidden[layer] for part in parts]) for layer in parts[0].hidden}
    nats = [part.nats for part in parts if part.nats is not None]
    return Encoded(torch.cat([part.logits_SV for part in parts]), hidden, nats=torch.stack(nats).sum() if nats else None)
