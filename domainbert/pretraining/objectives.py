"""What a run's objectives need beside the model: companions, the scale of labels, and parameters of their own."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter
from domainbert.corpus.store import TokenStore
from domainbert.engine.companions import FrozenEncoder, load_companion
from domainbert.engine.encoder import PackedInput
from domainbert.engine.losses import Losses
from domainbert.engine.model import embedding_weight
from domainbert.engine.packing import Batch, ranges
from domainbert.engine.reading import Reader
from domainbert.engine.steps import Steps
from domainbert.engine.terms import companions_of
from domainbert.engine.trainer import resolve_precision
from domainbert.errors import RunError
from domainbert.objectives.base import Sizes
from domainbert.objectives.registry import term_class
from domainbert.pretraining.stores import adapter_of
from domainbert.recipe.schema import Corpus, Objective, Recipe, Stage
from domainbert.tokenization.spans import read_vocabulary, second_halves

_READ_STEPS = 3
_READ_SAMPLES = 8
_AT_ONCE = 1 << 16  # records
_ALIKE = 0.02  # of the features' mean square; 0.9 in a model whose last norm is of each token, 0.01 in one whose training went wrong
log = logging.getLogger(__name__)


def open_companions(
    recipe: Recipe, adapter: Adapter, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> tuple[dict[str, FrozenEncoder], dict[str, Reader]]:
    """The companions that some stage needs, by name: their models and their readers.

    Args:
        recipe: of the run.
        adapter: whose canonical text they read.
        model: that is trained.
        tokenizer: of that model.

    Raises:
        ModelError: one cannot be loaded, or does not fit the text, the model or an objective.
    """
    models, readers = {}, {}
    for name, objectives in companions_of(recipe.stage).items():
        wanted = {each for objective in objectives for each in objective.data} if all(each.data for each in objectives) else set()
        everywhere = not wanted or any(stage.corruption.options.get("companion") == name for stage in recipe.stage)
        sources = frozenset(number for number, corpus in enumerate(recipe.corpus) if everywhere or corpus.name in wanted)
        models[name], readers[name] = load_companion(
            name, recipe.companion[name], adapter, objectives=objectives, student=model, student_tokenizer=tokenizer, sources=sources
        )
    return models, readers


def prepare_companion(companion: FrozenEncoder, recipe: Recipe, reader: Reader, *, device: torch.device, rank: int) -> None:
    """Move a companion to the device in its precision, and open its cache if it has one.

    Raises:
        ModelError: the cache holds another companion's features, or cannot be used.
    """
    own = recipe.companion[companion.name]
    companion.to(device, precision=resolve_precision(own.precision))
    if own.cache:
        layers = [theirs for each in companions_of(recipe.stage)[companion.name] for _, theirs in each.layers]
        companion.open_cache(Path(own.cache), tokenizer_sha256=reader.tokenizer_sha256, layers=layers, rank=rank)


def warn_alike(companion: FrozenEncoder, batch: Batch, objectives: Sequence[Objective]) -> None:
    """Warn of a companion whose features hardly differ from token to token: whoever is aligned with them learns a constant.

    Args:
        companion: on the CPU, as it was loaded.
        batch: some samples as it reads them.
        objectives: that name it.
    """
    layers = sorted({theirs for each in objectives if each.kind == "align" for _, theirs in each.layers})
    read = np.flatnonzero(batch.length_N > 0)[:_READ_SAMPLES]
    if not layers or not len(read):
        return
    hidden = companion.encode(PackedInput.of(batch.take(read)), layers=layers).hidden
    for layer in layers:
        share = float(hidden[layer].var(0).mean() / hidden[layer].square().mean())
        if share < _ALIKE:
            log.warning(
                "companion %r: its features of layer %d hardly differ from token to token (%.1f %% of their square): a model aligned with "
                "them learns a constant; take a companion that was trained longer or with a lower learning rate, or another layer",
                companion.name, layer, 100 * share,
            )  # fmt: skip


def require_readable(steps: Steps) -> None:
    """Let every companion read some steps before training begins.

    Raises:
        RunError: a sample is longer than a companion takes.
    """
    for span in steps.spans:
        for step in range(span.begin, min(span.end, span.begin + _READ_STEPS)):
            steps.batch(step)


def make_losses(
    recipe: Recipe, stages: Sequence[Stage], model: PreTrainedModel, companions: Mapping[str, FrozenEncoder], stores: Sequence[TokenStore]
) -> Losses:
    """The objectives of all stages with their own parameters.

    Raises:
        RunError: a regression has no labels to learn from, or one of pairs has labels of texts that are none.
    """

    def sizes(objective: Objective) -> Sizes:
        hidden = int(model.config.hidden_size)
        if objective.companion:
            return Sizes(hidden, companions[objective.companion].hidden_size)
        if not term_class(objective.kind).on_labels:
            return Sizes(hidden, num_tokens=len(embedding_weight(model)))
        if objective.pooling == "cross":
            _require_halves(objective, recipe, stores)
        mean, spread = _label_scale(objective, recipe, stores)
        return Sizes(hidden, label_mean=mean, label_spread=spread, num_heads=int(model.config.num_attention_heads))

    return Losses(stages, sizes=sizes, companions=companions, seed=recipe.training.seed)


def _label_scale(objective: Objective, recipe: Recipe, stores: Sequence[TokenStore]) -> tuple[float, float]:
    """Mean and standard deviation of the training labels that an objective learns from."""
    chosen = _stores_of(objective, recipe, stores)
    labels = np.concatenate([store.labels[store.indexes("train")] for _, store in chosen])
    labels = labels[np.isfinite(labels)]
    if not len(labels):
        names = ", ".join(corpus.name for corpus, _ in chosen)
        raise RunError(f"objective {objective.title!r}: no training record of {names} has a label; name corpora that have in its data")
    return float(labels.mean()), float(labels.std()) or 1.0


def _require_halves(objective: Objective, recipe: Recipe, stores: Sequence[TokenStore]) -> None:
    """Every labelled training record has two halves, told apart by a token of its own."""
    for corpus, store in _stores_of(objective, recipe, stores):
        adapter = adapter_of(recipe, corpus)
        vocabulary = read_vocabulary(store.tokenizer, adapter)
        records = store.indexes("train")
        records = records[np.isfinite(store.labels[records])]
        for rows in np.split(records, range(_AT_ONCE, len(records), _AT_ONCE)):
            lengths = store.num_tokens(rows)
            ids = store.tokens[ranges(store.offsets[rows].astype(np.int64), lengths)]
            whole = second_halves(ids, lengths, vocabulary, special=False) > 0
            if not whole.all():
                record = store.record(int(rows[np.flatnonzero(~whole)[0]]))
                raise RunError(
                    f"objective {objective.title!r}: pooling = 'cross' reads two halves with a token {adapter.separator!r} between them; "
                    f"record {record.id!r} of corpus {corpus.name!r} has a label and no such halves: {record.text[:60]!r}; name corpora of "
                    f"pairs in data, take the adapter's own tokenizer, or pooling = 'first'"
                )


def _stores_of(objective: Objective, recipe: Recipe, stores: Sequence[TokenStore]) -> list[tuple[Corpus, TokenStore]]:
    """The corpora that an objective applies to, with their stores."""
    return [each for each in zip(recipe.corpus, stores, strict=True) if not objective.data or each[0].name in objective.data]
