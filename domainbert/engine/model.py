"""Gets the encoder that a recipe asks for: from random weights or from a base."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter
from domainbert.engine.families import FAMILIES, bound_length, family_of
from domainbert.engine.reach import require_reachable
from domainbert.errors import ModelError
from domainbert.recipe.schema import SCRATCH, Model, Scratch
from domainbert.tokenization.spans import Vocabulary
from domainbert.tokenization.twin import find_twin

Dropouts = dict[str, float]
"""Rates by config key, as they are to be published."""


class Built(NamedTuple):
    """A model to train.

    Args:
        model: in fp32 on the CPU, with the recipe's dropout.
        dropouts: what ``restore_dropout`` needs before publishing.
        untrained: weights of the head that the base's files lack: an encoder that was saved from another task.
    """

    model: PreTrainedModel
    dropouts: Dropouts
    untrained: tuple[str, ...] = ()


def build_model(model: Model, vocabulary: Vocabulary, *, max_length: int, seed: int) -> Built:
    """The model to train, checked against the tokenizer and the length.

    Args:
        model: the recipe's ``[model]``.
        vocabulary: of the tokenizer that made the token store.
        max_length: tokens of the longest sample, special tokens included.
        seed: of random weights.

    Raises:
        ModelError: it cannot be loaded, is of an unsupported architecture, or does not fit vocabulary or length.
    """
    torch.manual_seed(seed)
    untrained: tuple[str, ...] = ()
    if model.base == SCRATCH:
        config = _scratch_config(model.scratch, vocabulary, max_length)
        published = set_dropout(config, model.dropout)
        built = _from_config(config, model.scratch)
    else:
        config = load_config(model.base, revision=model.revision)
        published = set_dropout(config, model.dropout)
        built, untrained = _load(model.base, revision=model.revision, config=config, trust_remote_code=False, needs_head=False)
    rows = embedding_weight(built).shape[0]
    if rows < vocabulary.size:
        raise ModelError(f"{model.base}: the model has {rows} embedding rows, its tokenizer {vocabulary.size} entries; not a pair")
    bound = bound_length(built.config)
    if bound is not None and max_length > bound:
        raise ModelError(f"training.max_length = {max_length}, but {model.base} has {bound} positions; set it to {bound} or less")
    return Built(built, published, untrained)


def load_config(base: str, *, revision: str = "", trust_remote_code: bool = False) -> PretrainedConfig:
    """The config of a base; ``trust_remote_code`` is for companions whose recipe asks for it.

    Raises:
        ModelError: there is none, or it has a decoder.
    """
    require_reachable(base, revision)
    try:
        config = AutoConfig.from_pretrained(base, revision=revision or None, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError, StrictDataclassError) as error:
        raise ModelError(_explain(base, error)) from error
    assert isinstance(config, PretrainedConfig)
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError(f"{base}: {config.model_type!r} is an encoder with a decoder; encoders are supported: {', '.join(FAMILIES)}")
    return config


def load_base(
    base: str,
    *,
    revision: str = "",
    config: PretrainedConfig | None = None,
    trust_remote_code: bool = False,
    needs_head: bool = True,
) -> PreTrainedModel:
    """A masked language model from a folder or the Hub: safetensors only, no remote code.

    Args:
        base: folder or Hub id.
        revision: of a Hub id.
        config: of the base, where it is loaded already.
        trust_remote_code: for companions whose recipe asks for it.
        needs_head: whether its predictions are wanted; without, an encoder that has no masked-LM head will do.

    Raises:
        ModelError: what is missing, and what to do.
    """
    config = config or load_config(base, revision=revision)
    return _load(base, revision=revision, config=config, trust_remote_code=trust_remote_code, needs_head=needs_head)[0]


def _load(
    base: str, *, revision: str, config: PretrainedConfig, trust_remote_code: bool, needs_head: bool
) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """The model, and the weights of its head that its files lack."""
    require_own_weights(Path(base))
    try:
        loaded, info = AutoModelForMaskedLM.from_pretrained(
            base, revision=revision or None, config=config, dtype=torch.float32, use_safetensors=True,
            trust_remote_code=trust_remote_code, output_loading_info=True,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(_explain(base, error)) from error
    body = f"{loaded.base_model_prefix}."
    missing = sorted(key for key in info["missing_keys"] if needs_head or key.startswith(body))
    if missing:
        raise ModelError(
            f"{base}: {len(missing)} weights of {type(loaded).__name__} are not in its files ({missing[0]} is one): it has no trained "
            "masked-LM head; continue a checkpoint that was saved from a masked language model"
        )
    assert isinstance(loaded, PreTrainedModel)
    return loaded, tuple(sorted(info["missing_keys"]))


def require_own_weights(base: Path) -> None:
    """Check that a folder holds its weights, as safetensors; of a Hub id its client does.

    An index may name any file, and transformers would read it, pickles too.

    Raises:
        ModelError: a file is missing, pickled, or not of this folder.
    """
    index = base / "model.safetensors.index.json"
    if not base.is_dir() or (base / "model.safetensors").is_file():
        return
    if not index.is_file():
        pickles = sorted(path.name for path in base.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".ckpt"))
        seen = f"only pickled ones ({pickles[0]}), which can run any code and are never read" if pickles else "none at all"
        raise ModelError(f"{base}: has no weights as safetensors, {seen}; save it with save_pretrained, or fetch it again")
    try:
        shards = {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    except (ValueError, KeyError, AttributeError, OSError) as error:
        raise ModelError(f"{index}: cannot be read ({error}); fetch the model again") from error
    for name in sorted(shards):
        if not re.fullmatch(r"[\w.-]+\.safetensors", name):
            raise ModelError(f"{index}: names {name!r}, which is no safetensors file of this folder; do not trust this model")
        if not (base / name).is_file():
            raise ModelError(f"{base}: {name} is missing, one of {len(shards)} files that {index.name} names; fetch the model again")


def embedding_weight(model: PreTrainedModel) -> torch.nn.Parameter:
    """The table of token embeddings, one row an id."""
    weight = model.get_input_embeddings().weight
    assert isinstance(weight, torch.nn.Parameter)
    return weight


def load_base_tokenizer(
    base: str, *, revision: str = "", trust_remote_code: bool = False, adapter: Adapter | None = None
) -> PreTrainedTokenizerFast:
    """The base's own tokenizer; one without ``tokenizer.json`` is replaced by the adapter's tokenizer that is the same, if there is one.

    Raises:
        ModelError: there is none, or it is not a fast tokenizer that ``tokenizer.json`` describes.
    """
    require_reachable(base, revision)
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, revision=revision or None, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(_no_tokenizer(base, error)) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast) and adapter is not None:
        tokenizer = find_twin(tokenizer, adapter) or tokenizer
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ModelError(f"{base}: its tokenizer ({type(tokenizer).__name__}) has no tokenizer.json; convert it to a fast tokenizer first")
    # A store holds whole records; windows and padding are the engine's.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def set_dropout(config: PretrainedConfig, rate: float | str) -> Dropouts:
    """Set every dropout of a config before its model is made; ``"base"`` leaves them.

    Returns:
        The config's own values.
    """
    before = {name: float(getattr(config, name)) for name in family_of(config).dropouts}
    if rate != "base":
        for name in before:
            setattr(config, name, float(rate))
    return before


def restore_dropout(model: PreTrainedModel, rates: Dropouts) -> None:
    """Give the config back the dropouts that it publishes."""
    for name, rate in rates.items():
        setattr(model.config, name, rate)


def checkpoint_activations(model: PreTrainedModel) -> None:
    """Compute activations twice instead of keeping them for the backward pass."""
    # The newer name is the only one that transformers 6 will have.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def _scratch_config(scratch: Scratch, vocabulary: Vocabulary, max_length: int) -> PretrainedConfig:
    if scratch.hidden_size % scratch.num_heads:
        raise ModelError(f"model.scratch.hidden_size = {scratch.hidden_size} is not a multiple of num_heads = {scratch.num_heads}")
    make = FAMILIES[scratch.architecture].scratch
    assert make is not None, "the schema offers the architectures that can be made"
    own = dict(make(scratch, vocabulary, max_length))
    if taken := sorted(set(own) & set(scratch.config)):
        raise ModelError(f"model.scratch.config: {', '.join(taken)} follow from the other keys of the recipe; set those")
    if unknown := sorted(_unknown_keys(scratch)):
        raise ModelError(f"model.scratch.config: {scratch.architecture} has no {', '.join(unknown)}")
    try:
        config = AutoConfig.for_model(scratch.architecture, **own, **scratch.config)
    except (ValueError, TypeError, KeyError, AttributeError, StrictDataclassError) as error:
        raise ModelError(f"model.scratch.config: {_first_line(error)}") from error
    assert isinstance(config, PretrainedConfig)
    return config


def _from_config(config: PretrainedConfig, scratch: Scratch) -> PreTrainedModel:
    try:
        built = AutoModelForMaskedLM.from_config(config)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ModelError(f"model.scratch: no {scratch.architecture} can be made of this config: {_first_line(error)}") from error
    assert isinstance(built, PreTrainedModel)
    return built


def _unknown_keys(scratch: Scratch) -> set[str]:
    known: Iterable[str] = {*vars(AutoConfig.for_model(scratch.architecture)), "global_attn_every_n_layers"}
    return set(scratch.config) - set(known)


def _explain(base: str, error: Exception) -> str:
    first = _first_line(error)
    if "trust_remote_code" in str(error):
        return (
            f"{base}: needs code of its own (auto_map in its config.json), which is never run for a base; "
            f"continue a model that transformers knows: {', '.join(FAMILIES)}"
        )
    if Path(base).exists():
        return f"{base}: cannot be loaded as a masked language model from safetensors: {first}"
    return (
        f"{base}: is neither a folder here nor a model that the Hub gave us: {first}; "
        "check the name, or download it and pass its folder (offline: HF_HUB_OFFLINE=1 uses the local cache)"
    )


def _no_tokenizer(base: str, error: Exception) -> str:
    """A folder with a SentencePiece file alone: transformers asks for packages that have nothing to do with it."""
    folder = Path(base)
    if (folder / "tokenizer.json").is_file() or not any(folder.glob("*.model")):
        return _explain(base, error)
    return (
        f"{base}: it has no tokenizer.json, and its SentencePiece file is not read here ({_first_line(error)}); convert it once, where "
        "sentencepiece is installed: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return " ".join(line.strip() for line in lines[:3]) if lines else type(error).__name__
