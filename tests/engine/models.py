"""Tiny random models of the real classes, with weights large enough that a leak shows."""

from collections.abc import Callable
from functools import partial

import torch
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
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


def named(model_type: str, **keys: object) -> PreTrainedModel:
    config = AutoConfig.for_model(model_type, **{**SHAPE, **NO_DROPOUT, **keys})
    return AutoModelForMaskedLM.from_config(config)


def distilbert() -> PreTrainedModel:
    shape = {"vocab_size": VOCABULARY_SIZE, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48, "initializer_range": 0.2}
    config = AutoConfig.for_model(
        "distilbert", **shape, pad_token_id=PAD, max_position_embeddings=64, dropout=0.0, attention_dropout=0.0
    )
    return AutoModelForMaskedLM.from_config(config)


DEBERTA_V3 = {
    "relative_attention": True, "position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "max_relative_positions": -1, "type_vocab_size": 0,
}  # fmt: skip

FAMILIES: dict[str, Callable[[], PreTrainedModel]] = {
    "modernbert": modernbert,
    "bert": bert,
    "esm": esm,
    "esm-absolute": esm_absolute,
    "roberta": partial(named, "roberta", max_position_embeddings=66),
    "camembert": partial(named, "camembert", max_position_embeddings=66),
    "xlm-roberta": partial(named, "xlm-roberta", max_position_embeddings=66),
    "electra": partial(named, "electra", embedding_size=24),
    "distilbert": distilbert,
    "deberta-v2": partial(named, "deberta-v2", **DEBERTA_V3),
    "deberta-v2-convolution": partial(named, "deberta-v2", **DEBERTA_V3, conv_kernel_size=3, conv_act="gelu"),
    "delta-hybrid": partial(named, "delta-hybrid"),
    "eurobert": partial(named, "eurobert", num_key_value_heads=2, bos_token_id=3, eos_token_id=4, mask_token_id=MASK),
}


def build(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    return FAMILIES[name]()
