"""What each supported architecture needs: the one table of differences between model families."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from domainbert.errors import ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

    from domainbert.recipe.schema import Scratch
    from domainbert.tokenization.spans import Vocabulary


@dataclass(frozen=True, slots=True)
class Family:
    """How the engine drives one architecture.

    Args:
        head: name of the module that turns hidden states into logits (or its first part): it is given selected rows only.
        position_offset: id of the first position where positions are embedded.
        learned_positions: whether a table of positions bounds the length.
        feed_forward: names of a layer's modules that hold its matrices outside attention.
        dropouts: config keys that hold dropout rates.
        scratch: builds a config from a recipe's shape.
    """

    head: str
    position_offset: int
    learned_positions: bool
    feed_forward: tuple[str, ...]
    dropouts: tuple[str, ...]
    scratch: "Callable[[Scratch, Vocabulary, int], Mapping[str, Any]]"


def family_of(config: "PretrainedConfig") -> Family:
    """The family of a model's config.

    Raises:
        ModelError: the architecture is not one that the engine is exact for.
    """
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise ModelError(f"architecture {config.model_type!r} is not supported; supported: {', '.join(FAMILIES)}")
    if config.model_type == "esm" and getattr(config, "position_embedding_type", "rotary") == "absolute":
        return replace(family, position_offset=config.pad_token_id + 1, learned_positions=True)
    return family


def bound_length(model: "PreTrainedModel") -> int | None:
    """Most tokens that the model's position table holds; ``None`` for rotary positions."""
    family = family_of(model.config)
    return int(model.config.max_position_embeddings) - family.position_offset if family.learned_positions else None


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


_BERT_FEED_FORWARD = ("intermediate", "output")
_BERT_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")

FAMILIES: dict[str, Family] = {
    "modernbert": Family("head", 0, False, ("mlp",), ("attention_dropout", "embedding_dropout", "mlp_dropout"), _modernbert),
    "bert": Family("cls", 0, True, _BERT_FEED_FORWARD, _BERT_DROPOUTS, _bert),
    "esm": Family("lm_head", 0, False, _BERT_FEED_FORWARD, _BERT_DROPOUTS, _esm),
}
