"""What each supported architecture needs: the one table of differences between model families."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from domainbert.recipe.schema import Scratch
    from domainbert.tokenization.spans import Vocabulary


@dataclass(frozen=True, slots=True)
class Family:
    """How the engine drives one architecture.

    Args:
        packed: whether the registered attention reaches its layers; others run on rectangles of like lengths.
        position_offset: id of the first position where positions are embedded.
        learned_positions: whether a table of positions bounds the length.
        feed_forward: names of a layer's modules that hold its matrices outside attention.
        dropouts: config keys that hold dropout rates.
        linear_head: whether the head's logits are what its last linear map gives.
        scratch: builds a config from a recipe's shape; ``None`` for families that are only continued.
        known: whether the table names the family; others are proved on the model itself when it is loaded.
    """

    packed: bool
    position_offset: int
    learned_positions: bool
    feed_forward: tuple[str, ...]
    dropouts: tuple[str, ...]
    scratch: "Callable[[Scratch, Vocabulary, int], Mapping[str, Any]] | None" = None
    linear_head: bool = True
    known: bool = True


def family_of(config: "PretrainedConfig") -> Family:
    """The family of a model's config; what can be read off the config for one that the table does not name."""
    family = FAMILIES.get(config.model_type)
    if family is None:
        return _unknown(config)
    if config.model_type == "esm" and getattr(config, "position_embedding_type", "rotary") == "absolute":
        return replace(family, position_offset=config.pad_token_id + 1, learned_positions=True)
    if config.model_type == "deberta-v2" and not config.position_biased_input:
        return replace(family, learned_positions=False)
    if config.model_type in _AFTER_PADDING:
        return replace(family, position_offset=config.pad_token_id + 1)
    return family


def bound_length(config: "PretrainedConfig") -> int | None:
    """Most tokens that a model's position table holds; ``None`` for rotary or relative positions."""
    family = family_of(config)
    return int(config.max_position_embeddings) - family.position_offset if family.learned_positions else None


def _unknown(config: "PretrainedConfig") -> Family:
    dropouts = tuple(name for name, value in config.to_dict().items() if "drop" in name and isinstance(value, float))
    return Family(True, 0, getattr(config, "max_position_embeddings", None) is not None, (), dropouts, linear_head=False, known=False)


def _special_ids(vocabulary: "Vocabulary") -> dict[str, Any]:
    first = vocabulary.prefix[0] if vocabulary.prefix else None
    last = vocabulary.suffix[-1] if vocabulary.suffix else None
    return {"pad_token_id": vocabulary.pad_id, "bos_token_id": first, "eos_token_id": last}


def _bert(scratch: "Scratch", vocabulary: "Vocabulary", max_length: int) -> dict[str, Any]:
    return {
        "hidden_size": scratch.hidden_size,
        "num_hidden_layers": scratch.num_layers,
        "num_attention_heads": scratch.num_heads,
        "intermediate_size": scratch.intermediate_size or 4 * scratch.hidden_size,
        "vocab_size": vocabulary.size,
        "max_position_embeddings": max_length,
        **_special_ids(vocabulary),
    }


def _modernbert(scratch: "Scratch", vocabulary: "Vocabulary", max_length: int) -> dict[str, Any]:
    special = _special_ids(vocabulary)
    return {
        **_bert(scratch, vocabulary, max_length),
        # 1152 / 768 in ModernBERT-base: a gated layer has three matrices where a plain one has two.
        "intermediate_size": scratch.intermediate_size or 3 * scratch.hidden_size // 2,
        "cls_token_id": special["bos_token_id"],
        "sep_token_id": special["eos_token_id"],
    }


def _esm(scratch: "Scratch", vocabulary: "Vocabulary", max_length: int) -> dict[str, Any]:
    # token_dropout rescales embeddings for masks at 15 % x 80 % only, so a fresh model goes without.
    return {
        **_bert(scratch, vocabulary, max_length),
        "position_embedding_type": "rotary",
        "token_dropout": False,
        "mask_token_id": vocabulary.mask_id,
    }


def _roberta(scratch: "Scratch", vocabulary: "Vocabulary", max_length: int) -> dict[str, Any]:
    config = _bert(scratch, vocabulary, max_length)
    return {**config, "max_position_embeddings": max_length + vocabulary.pad_id + 1, "type_vocab_size": 1}


def _delta_hybrid(scratch: "Scratch", vocabulary: "Vocabulary", max_length: int) -> dict[str, Any]:
    return {**_bert(scratch, vocabulary, max_length), "intermediate_size": scratch.intermediate_size or 3 * scratch.hidden_size // 2}


def _deberta(scratch: "Scratch", vocabulary: "Vocabulary", max_length: int) -> dict[str, Any]:
    # The settings of DeBERTa-v3 (He et al. 2021, and its published config): relative positions only, in logarithmic buckets.
    return {
        **_bert(scratch, vocabulary, max_length),
        "type_vocab_size": 0,
        "relative_attention": True,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "max_relative_positions": -1,
        "max_position_embeddings": max(512, max_length),  # where the last bucket lies; there is no table of positions
    }


_BERT_FEED_FORWARD = ("intermediate", "output")
_BERT_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")

_GATED_FEED_FORWARD = ("mlp",)

# RoBERTa counts positions from behind the padding id.
_AFTER_PADDING = frozenset({"roberta", "camembert", "xlm-roberta"})

OWN = "delta-hybrid"
"""The architecture that transformers lacks: its folders load only after ``import domainbert``."""

FAMILIES: dict[str, Family] = {
    "modernbert": Family(True, 0, False, _GATED_FEED_FORWARD, ("attention_dropout", "embedding_dropout", "mlp_dropout"), _modernbert),
    "bert": Family(True, 0, True, _BERT_FEED_FORWARD, _BERT_DROPOUTS, _bert),
    # The head's bias is added behind its linear map.
    "esm": Family(True, 0, False, _BERT_FEED_FORWARD, _BERT_DROPOUTS, _esm, linear_head=False),
    "roberta": Family(True, 2, True, _BERT_FEED_FORWARD, _BERT_DROPOUTS, _roberta),
    "camembert": Family(True, 2, True, _BERT_FEED_FORWARD, _BERT_DROPOUTS),
    "xlm-roberta": Family(True, 2, True, _BERT_FEED_FORWARD, _BERT_DROPOUTS),
    "electra": Family(True, 0, True, _BERT_FEED_FORWARD, _BERT_DROPOUTS),
    "distilbert": Family(True, 0, True, ("ffn",), ("dropout", "attention_dropout")),
    # Disentangled attention computes its own scores and never asks for the registered function.
    "deberta-v2": Family(False, 0, True, _BERT_FEED_FORWARD, _BERT_DROPOUTS, _deberta),
    # The delta rule reads along a row: packed, its state would go from one document to the next.
    OWN: Family(False, 0, False, _GATED_FEED_FORWARD, ("hidden_dropout", "attention_dropout"), _delta_hybrid),
    "eurobert": Family(True, 0, False, _GATED_FEED_FORWARD, ("attention_dropout",)),
}
