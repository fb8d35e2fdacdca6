"""Tiny random models of the real classes, with weights large enough that a leak shows."""

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    EsmConfig,
    EsmForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
)

VOCABULARY_SIZE, MASK, PAD = 20, 2, 1
SHAPE = {
    "vocab_size": VOCABULARY_SIZE, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48,
    "initializer_range": 0.2, "pad_token_id": PAD, "max_position_embeddings": 64,
}  # fmt: skip
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def modernbert() -> PreTrainedModel:
    special = {"bos_token_id": 3, "eos_token_id": 4, "cls_token_id": 3, "sep_token_id": 4}
    return ModernBertForMaskedLM(ModernBertConfig(**SHAPE, **special, local_attention=8))


def bert() -> PreTrainedModel:
    return BertForMaskedLM(BertConfig(**SHAPE, **NO_DROPOUT))


def esm(**keys: object) -> PreTrainedModel:
    config = {"position_embedding_type": "rotary", "token_dropout": True, **keys}
    return EsmForMaskedLM(EsmConfig(**SHAPE, **NO_DROPOUT, mask_token_id=MASK, **config))


def esm_absolute() -> PreTrainedModel:
    return esm(position_embedding_type="absolute", token_dropout=False)


FAMILIES = {"modernbert": modernbert, "bert": bert, "esm": esm, "esm-absolute": esm_absolute}


def build(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    return FAMILIES[name]()
