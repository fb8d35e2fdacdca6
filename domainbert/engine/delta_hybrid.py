"""The hybrid encoder of HAD (Yang et al. 2025, arXiv 2505.20836): the gated delta rule in both directions, one layer of softmax attention.

Its parts are those of Qwen3-Next in transformers, in plain torch where no kernel is installed. The paper does not say how directions are
joined: each has weights of its own here, and their outputs are added.

B sequences, L their length, D hidden size, V vocabulary.
"""

# mypy: disable-error-code="no-untyped-call,arg-type"
# Classes of transformers are untyped in part, and those of Qwen3-Next name its own config, of which they read what ours has too.

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_layers import GenericForTokenClassification, GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutput, MaskedLMOutput, SequenceClassifierOutput
from transformers.models.qwen3_next.modeling_qwen3_next import (
    Qwen3NextAttention,
    Qwen3NextGatedDeltaNet,
    Qwen3NextMLP,
    Qwen3NextRMSNorm,
    Qwen3NextRotaryEmbedding,
)

from domainbert.engine.delta_config import SOFTMAX, DeltaHybridConfig


class DeltaHybridPreTrainedModel(PreTrainedModel):
    """What the classes share."""

    config_class = DeltaHybridConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["DeltaHybridLayer"]  # noqa: RUF012  # transformers' own convention
    _supports_sdpa = True
    _supports_attention_backend = True

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, Qwen3NextGatedDeltaNet):
            # A log-uniform step of 0.001 to 0.1 and a rate of up to 16, as Mamba-2 (Dao and Gu 2024) and Gated DeltaNet (Yang et al. 2024)
            # begin: heads remember from one token to a thousand. Qwen3-Next's own steps of 1.3 would forget all within a few tokens.
            step = torch.exp(torch.empty_like(module.dt_bias).uniform_(math.log(0.001), math.log(0.1)))
            init.copy_(module.dt_bias, step + torch.log(-torch.expm1(-step)))  # whose softplus is the step
            init.copy_(module.A_log, torch.empty_like(module.A_log).uniform_(0.01, 16).log_())
        elif isinstance(module, Qwen3NextRMSNorm):
            init.zeros_(module.weight)  # it multiplies by 1 + weight


class DeltaHybridLayer(GradientCheckpointingLayer):
    """Tokens are mixed, then each goes through a gated feed-forward part."""

    def __init__(self, config: DeltaHybridConfig, number: int) -> None:
        super().__init__()
        self.mixer_norm, self.mlp_norm = (Qwen3NextRMSNorm(config.hidden_size, eps=config.rms_norm_eps) for _ in range(2))
        self.mlp = Qwen3NextMLP(config)
        self.dropout = nn.Dropout(config.hidden_dropout)
        assert config.layer_types is not None
        self.softmax = config.layer_types[number] == SOFTMAX
        if self.softmax:
            self.attention = Qwen3NextAttention(config, number)
            self.attention.is_causal = False
        else:
            self.rightward, self.leftward = (Qwen3NextGatedDeltaNet(config, number) for _ in range(2))

    def forward(
        self, states: Tensor, *, padding: Tensor | None, mask: Any, position_embeddings: tuple[Tensor, Tensor], **kwargs: Any
    ) -> Tensor:
        """``(B, L, D)`` to the same shape.

        Args:
            states: of all tokens.
            padding: ``(B, L)``, 1 for tokens and 0 for padding, which comes last; ``None`` where there is none.
            mask: what softmax attention takes.
            position_embeddings: cosines and sines.
            kwargs: for the attention.
        """
        normed = self.mixer_norm(states)
        if self.softmax:
            mixed, _ = self.attention(normed, position_embeddings=position_embeddings, attention_mask=mask, **kwargs)
        else:
            # Padding is 0 there, and a state of 0 that reads zeros stays 0: leftward too, text begins with an empty state.
            turned = self.leftward(normed.flip(1), attention_mask=None if padding is None else padding.flip(1))
            mixed = self.rightward(normed, attention_mask=padding) + turned.flip(1)
        states = states + self.dropout(mixed)
        out: Tensor = states + self.dropout(self.mlp(self.mlp_norm(states)))
        return out


class DeltaHybridModel(DeltaHybridPreTrainedModel):
    """The encoder without a head."""

    def __init__(self, config: DeltaHybridConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.layers = nn.ModuleList(DeltaHybridLayer(config, number) for number in range(config.num_hidden_layers))
        self.norm = Qwen3NextRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.rotary = Qwen3NextRotaryEmbedding(config)
        self.gradient_checkpointing = False
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_hidden_states: bool | None = None,
        **kwargs: Any,
    ) -> BaseModelOutput:
        """States of all tokens.

        Args:
            input_ids: ``(B, L)``.
            attention_mask: ``(B, L)``, 0 for padding on the right.
            position_ids: places for softmax attention; from 0 by default.
            inputs_embeds: instead of ids.
            output_hidden_states: whether the states of every layer are wanted too.
            kwargs: for the attention.
        """
        states: Tensor = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        if position_ids is None:
            position_ids = torch.arange(states.shape[1], device=states.device)[None]
        mask = create_bidirectional_mask(config=self.config, inputs_embeds=states, attention_mask=attention_mask)
        places = self.rotary(states, position_ids)
        every = [states]
        for layer in self.layers:
            states = layer(states, padding=attention_mask, mask=mask, position_embeddings=places, **kwargs)
            every.append(states)
        every[-1] = states = self.norm(states)
        wanted = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        return BaseModelOutput(last_hidden_state=states, hidden_states=tuple(every) if wanted else None)


class DeltaHybridForMaskedLM(DeltaHybridPreTrainedModel):
    """The encoder with a head that predicts tokens by their embeddings."""

    _tied_weights_keys = {"decoder.weight": "model.embed_tokens.weight"}  # noqa: RUF012

    def __init__(self, config: DeltaHybridConfig) -> None:
        super().__init__(config)
        self.model = DeltaHybridModel(config)
        # In a module of its own: a name that the encoder has too would be taken for the encoder's where it is loaded alone.
        norm = Qwen3NextRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.head = nn.Sequential(nn.Linear(config.hidden_size, config.hidden_size, bias=False), nn.GELU(), norm)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        """The matrix of the predictions."""
        return self.decoder

    def set_output_embeddings(self, new: nn.Linear) -> None:
        """Another one."""
        self.decoder = new

    def forward(
        self, input_ids: Tensor | None = None, position_ids: Tensor | None = None, labels: Tensor | None = None, **kwargs: Any
    ) -> MaskedLMOutput:
        """Logits, ``(B, L, V)``, and the loss where there are labels.

        Args:
            input_ids: ``(B, L)``.
            position_ids: places for softmax attention.
            labels: -100 where nothing is predicted.
            kwargs: for the encoder.
        """
        out = self.model(input_ids=input_ids, position_ids=position_ids, **kwargs)
        logits = self.decoder(self.head(out.last_hidden_state))
        loss = None if labels is None else self.loss_function(logits, labels, vocab_size=self.config.vocab_size)
        return MaskedLMOutput(loss=loss, logits=logits, hidden_states=out.hidden_states)


class DeltaHybridForSequenceClassification(DeltaHybridPreTrainedModel):
    """The encoder with a head on the mean of a sequence's states."""

    def __init__(self, config: DeltaHybridConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.model = DeltaHybridModel(config)
        self.drop = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, labels: Tensor | None = None, **kwargs: Any
    ) -> SequenceClassifierOutput:
        """Logits, ``(B, num_labels)``, and the loss where there are labels.

        Args:
            input_ids: ``(B, L)``.
            attention_mask: ``(B, L)``.
            labels: classes or values.
            kwargs: for the encoder.
        """
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, **kwargs)
        states = out.last_hidden_state
        weight = states.new_ones(states.shape[:2]) if attention_mask is None else attention_mask.to(states.dtype)
        pooled = (states * weight[..., None]).sum(1) / weight.sum(1, keepdim=True)
        logits = self.classifier(self.drop(pooled))
        loss = None if labels is None else self.loss_function(labels=labels, pooled_logits=logits, config=self.config)
        return SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=out.hidden_states)


class DeltaHybridForTokenClassification(GenericForTokenClassification, DeltaHybridPreTrainedModel):
    """The encoder with a head on every token."""
