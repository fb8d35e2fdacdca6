"""Gets the encoder that a recipe asks for: from random weights or from a base."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from domainbert.engine.families import FAMILIES, bound_length, family_of
from domainbert.errors import ModelError
from domainbert.recipe.schema import SCRATCH, Model, Scratch
from domainbert.tokenization.spans import Vocabulary


def build_model(model: Model, vocabulary: Vocabulary, *, max_length: int, seed: int) -> PreTrainedModel:
    """The model to train, in fp32 on the CPU, checked against the tokenizer and the length.

    Args:
        model: the recipe's ``[model]``.
        vocabulary: of the tokenizer that made the token store.
        max_length: tokens of the longest sample, special tokens included.
        seed: of random weights.

    Raises:
        ModelError: it cannot be loaded, is of an unsupported architecture, or does not fit vocabulary or length.
    """
    torch.manual_seed(seed)
    if model.base == SCRATCH:
        built = _from_scratch(model.scratch, vocabulary, max_length)
    else:
        built = load_base(model.base, revision=model.revision)
    rows = embedding_weight(built).shape[0]
    if rows < vocabulary.size:
        raise ModelError(f"{model.base}: the model has {rows} embedding rows, its tokenizer {vocabulary.size} entries; not a pair")
    bound = bound_length(built)
    if bound is not None and max_length > bound:
        raise ModelError(f"training.max_length = {max_length}, but {model.base} has {bound} positions; set it to {bound} or less")
    return built


def load_base(base: str, *, revision: str = "") -> PreTrainedModel:
    """A masked language model from a folder or the Hub: safetensors only, no remote code.

    Raises:
        ModelError: what is missing, and what to do.
    """
    try:
        config = AutoConfig.from_pretrained(base, revision=revision or None, trust_remote_code=False)
        family_of(config)
        loaded, info = AutoModelForMaskedLM.from_pretrained(
            base, revision=revision or None, config=config, dtype=torch.float32, use_safetensors=True,
            trust_remote_code=False, output_loading_info=True,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(_explain(base, error)) from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise ModelError(
            f"{base}: {len(missing)} weights of {type(loaded).__name__} are not in its files ({missing[0]} is one): it has no trained "
            "masked-LM head; continue a checkpoint that was saved from a masked language model"
        )
    assert isinstance(loaded, PreTrainedModel)
    return loaded


def embedding_weight(model: PreTrainedModel) -> torch.nn.Parameter:
    """The table of token embeddings, one row an id."""
    weight = model.get_input_embeddings().weight
    assert isinstance(weight, torch.nn.Parameter)
    return weight


def load_base_tokenizer(base: str, *, revision: str = "") -> PreTrainedTokenizerFast:
    """The base's own tokenizer.

    Raises:
        ModelError: there is none, or it is not a fast tokenizer that ``tokenizer.json`` describes.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, revision=revision or None, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(_explain(base, error)) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ModelError(f"{base}: its tokenizer ({type(tokenizer).__name__}) has no tokenizer.json; convert it to a fast tokenizer first")
    return tokenizer


def set_dropout(model: PreTrainedModel, rate: float) -> dict[str, float]:
    """Set every dropout of the model for training.

    Returns:
        The config's own values, to be given to ``restore_dropout`` before publishing.
    """
    family = family_of(model.config)
    before = {name: float(getattr(model.config, name)) for name in family.dropouts if hasattr(model.config, name)}
    for name in before:
        setattr(model.config, name, rate)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate
        for name in ("dropout", "attention_dropout", "dropout_prob"):  # layers that keep the rate as a number
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, rate)
    return before


def restore_dropout(model: PreTrainedModel, rates: dict[str, float]) -> None:
    """Give the config back the dropouts that it publishes."""
    for name, rate in rates.items():
        setattr(model.config, name, rate)


def _from_scratch(scratch: Scratch, vocabulary: Vocabulary, max_length: int) -> PreTrainedModel:
    if scratch.hidden_size % scratch.num_heads:
        raise ModelError(f"model.scratch.hidden_size = {scratch.hidden_size} is not a multiple of num_heads = {scratch.num_heads}")
    keys: dict[str, Any] = {**FAMILIES[scratch.architecture].scratch(scratch, vocabulary, max_length), **scratch.config}
    unknown = _unknown_keys(scratch)
    if unknown:
        raise ModelError(f"model.scratch.config: {scratch.architecture} has no {', '.join(sorted(unknown))}")
    built = AutoModelForMaskedLM.from_config(AutoConfig.for_model(scratch.architecture, **keys))  # type: ignore[no-untyped-call]
    assert isinstance(built, PreTrainedModel)
    return built


def _unknown_keys(scratch: Scratch) -> set[str]:
    known: Iterable[str] = {*vars(AutoConfig.for_model(scratch.architecture)), "global_attn_every_n_layers"}
    return set(scratch.config) - set(known)


def _explain(base: str, error: Exception) -> str:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if Path(base).exists():
        return f"{base}: cannot be loaded as a masked language model from safetensors: {first}"
    return (
        f"{base}: is neither a folder here nor a model that the Hub gave us: {first}; "
        "check the name, or download it and pass its folder (offline: HF_HUB_OFFLINE=1 uses the local cache)"
    )
