"""Frozen models beside the one that is trained: loaded, checked against the text and the objectives, run without gradients."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter
from domainbert.engine.cache import FeatureCache, weights_hash
from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.model import embedding_weight, load_base, load_base_tokenizer, load_config
from domainbert.engine.proof import proven_layout
from domainbert.engine.reading import Reader
from domainbert.errors import DomainBertError, ModelError
from domainbert.objectives.align import projects
from domainbert.objectives.base import Encoded
from domainbert.recipe.schema import Companion, Objective
from domainbert.tokenization.check import check_tokenizer
from domainbert.tokenization.spans import read_vocabulary

_NO_LIMIT = 10**6  # tokens; transformers writes 1e30 where a tokenizer was saved without a limit
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class FrozenEncoder:
    """A companion's model.

    Args:
        name: in the recipe.
        encoder: drives the model, which is frozen from now on.
    """

    def __init__(self, name: str, encoder: PackedEncoder) -> None:
        self.name, self.encoder = name, encoder
        self._cache: FeatureCache | None = None
        self._cached: tuple[int, ...] = ()
        encoder.model.requires_grad_(False).train(False)

    @property
    def hidden_size(self) -> int:
        """Width of its features."""
        return int(self.encoder.model.config.hidden_size)

    @property
    def num_logits(self) -> int:
        """Rows of its table of embeddings."""
        return int(embedding_weight(self.encoder.model).shape[0])

    @property
    def num_cached(self) -> int | None:
        """Samples in its cache; ``None`` where it has none."""
        return None if self._cache is None else len(self._cache)

    def to(self, device: torch.device, *, precision: str) -> None:
        """Move it, with weights in a precision."""
        model: nn.Module = self.encoder.model
        model.to(device=device, dtype=_DTYPES[precision])

    def encode(self, inputs: PackedInput, *, layers: Sequence[int]) -> Encoded:
        """Logits of the head's rows and states of all tokens; both empty for an empty micro-batch."""
        if not len(inputs.input_ids_T):
            states, logits = (inputs.input_ids_T.new_zeros((0, width)).float() for width in (self.hidden_size, self.num_logits))
            return Encoded(logits, dict.fromkeys(layers, states))
        if self._cache is None:
            with torch.inference_mode():
                return self.encoder.encode(inputs, layers=layers)
        return self._through(self._cache, inputs, layers)

    def open_cache(self, folder: Path, *, tokenizer_sha256: str, layers: Sequence[int], rank: int) -> None:
        """Keep features on disk from now on, and read those that are there.

        Args:
            folder: of the cache.
            tokenizer_sha256: of the companion's tokenizer.
            layers: that some objective needs.
            rank: of this process.

        Raises:
            ModelError: the folder holds another companion's features, or cannot be used.
        """
        self._cached = tuple(sorted(set(layers)))
        model = self.encoder.model
        owner = {
            "weights": weights_hash(model), "tokenizer": tokenizer_sha256, "layers": list(self._cached), "precision": str(model.dtype),
        }  # fmt: skip
        width = len(self._cached) * self.hidden_size
        self._cache = FeatureCache(folder, owner=owner, width=width, dtype=model.dtype, rank=rank)

    def close(self) -> None:
        """Give its cache free for another run."""
        if self._cache is not None:
            self._cache.close()

    def _through(self, cache: FeatureCache, inputs: PackedInput, layers: Sequence[int]) -> Encoded:
        """Features from the cache, or computed for the whole micro-batch and kept."""
        device = inputs.input_ids_T.device
        states = cache.read(inputs.keys)
        if states is None:
            with torch.inference_mode():
                encoded = self.encoder.encode(inputs, layers=self._cached)
            states = torch.cat([encoded.hidden[layer] for layer in self._cached], dim=-1)
            ends = inputs.cu_seqlens.tolist()
            cache.write(inputs.keys, [states[begin:end] for begin, end in pairwise(ends)])
        parts = dict(zip(self._cached, states.to(device, non_blocking=True).chunk(len(self._cached), dim=-1), strict=True))
        return Encoded(states.new_zeros((0, self.num_logits)), {layer: parts[layer] for layer in layers})


def load_tokenizer(name: str, companion: Companion, adapter: Adapter) -> PreTrainedTokenizerFast:
    """A companion's own tokenizer, checked against the adapter's text.

    Raises:
        ModelError: there is none, or it does not spell the adapter's text: both models must see the same characters.
    """
    from domainbert.publishing.contract import check_contract

    try:
        tokenizer = load_base_tokenizer(
            companion.model, revision=companion.revision, trust_remote_code=companion.trust_remote_code, adapter=adapter
        )
        check_contract(Path(companion.model), adapter, tokenizer)
        tokenizer.model_max_length = min(tokenizer.model_max_length, _NO_LIMIT)
        check_tokenizer(tokenizer, adapter)
    except DomainBertError as error:
        raise ModelError(f"companion {name!r}: {error}") from error
    return tokenizer


def load_companion(
    name: str,
    companion: Companion,
    adapter: Adapter,
    *,
    objectives: Sequence[Objective],
    student: PreTrainedModel,
    student_tokenizer: PreTrainedTokenizerFast,
    sources: frozenset[int],
) -> tuple[FrozenEncoder, Reader]:
    """A companion, checked against everything that its objectives ask of it.

    Args:
        name: in the recipe.
        companion: as the recipe has it.
        adapter: whose canonical text it reads.
        objectives: the active ones that name it.
        student: the model that is trained.
        student_tokenizer: of that model.
        sources: numbers of the sources that it reads.

    Raises:
        ModelError: it cannot be loaded, or lacks a layer, a width, a head or a vocabulary that an objective needs.
    """
    tokenizer = load_tokenizer(name, companion, adapter)
    needs_head = any(objective.kind == "logit" for objective in objectives)
    try:
        config = load_config(companion.model, revision=companion.revision, trust_remote_code=companion.trust_remote_code)
        model = load_base(
            companion.model, revision=companion.revision, config=config,
            trust_remote_code=companion.trust_remote_code, needs_head=needs_head,
        )  # fmt: skip
        vocabulary = read_vocabulary(tokenizer, adapter)
        layout = proven_layout(model, vocabulary, max_length=min(_longest(model, tokenizer) or _NO_LIMIT, _NO_LIMIT))
    except DomainBertError as error:
        raise ModelError(f"companion {name!r}: {error}") from error
    for objective in objectives:
        _require(name, objective, model, student)
    if needs_head:
        _require_same_vocabulary(name, tokenizer, student_tokenizer)
    reader = Reader(
        name, tokenizer, adapter, random_phase=companion.phase == "random", max_length=_longest(model, tokenizer), sources=sources
    )
    return FrozenEncoder(name, PackedEncoder(model, layout=layout)), reader


def _longest(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int | None:
    """Most tokens that a companion takes, by its positions or as its tokenizer says."""
    from domainbert.engine.families import bound_length

    said = tokenizer.model_max_length if tokenizer.model_max_length < _NO_LIMIT else None
    return min((bound for bound in (bound_length(model.config), said) if bound is not None), default=None)


def _require(name: str, objective: Objective, model: PreTrainedModel, student: PreTrainedModel) -> None:
    if objective.kind != "align":
        return
    for mine, theirs in objective.layers:
        for whose, layer, each in (("the model", mine, student), (f"companion {name!r}", theirs, model)):
            most = int(each.config.num_hidden_layers)
            if not -most - 1 <= layer <= most:
                asked = [list(pair) for pair in objective.layers]
                raise ModelError(
                    f"objective {objective.title!r}: layers = {asked}: {whose} has 0 (embeddings) to {most}, or -{most + 1} to -1"
                )
    widths = int(student.config.hidden_size), int(model.config.hidden_size)
    if widths[0] != widths[1] and not projects(objective) and objective.distance != "relational":
        raise ModelError(
            f"objective {objective.title!r}: projection = 'none', but the model's features have {widths[0]} values and those of "
            f"companion {name!r} {widths[1]}; take projection = 'linear' or distance = 'relational'"
        )


def _require_same_vocabulary(name: str, tokenizer: PreTrainedTokenizerFast, student: PreTrainedTokenizerFast) -> None:
    mine, theirs = student.get_vocab(), tokenizer.get_vocab()
    if mine == theirs:
        return
    odd = sorted(token for token in mine.keys() | theirs.keys() if mine.get(token) != theirs.get(token))
    raise ModelError(
        f"objective kind 'logit': the vocabularies of the model ({len(mine)} entries) and of companion {name!r} ({len(theirs)}) disagree "
        f"on {len(odd)} entries, such as {odd[0]!r} ({mine.get(odd[0])} and {theirs.get(odd[0])}); predictions can only be compared over "
        "one vocabulary: take kind = 'align', or the companion's tokenizer"
    )
