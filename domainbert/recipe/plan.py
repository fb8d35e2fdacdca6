"""What a recipe will cost, by arithmetic: parameters, tokens, steps, operations, memory, disk and a rough time. No training."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from domainbert.adapters.registry import adapter_class, load_adapter
from domainbert.recipe.scale import scaled, token_steps
from domainbert.recipe.schema import SCRATCH, Corpus, Recipe, Stage
from domainbert.recipe.size import COUNTS, Shape, stored_parameters

# DNA text packs about 4:1 with gzip, protein and prose less: an estimate that errs to the large side.
_UNPACKED: Final = {".gz": 4, ".bgz": 4, ".zst": 4, ".zstd": 4}
# Share of the matrix rate that training reaches on two CPU cores with a model of 0.84 M parameters; larger models reach more.
_REACHED: Final = 0.35
_PROBE_SECONDS: Final = 0.3
_BYTES_FP32: Final = 4


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """One source of a corpus; sizes are ``None`` where only reading tells."""

    corpus: str
    source: str
    num_files: int | None
    num_bytes: int | None


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage; ``None`` where only reading the corpus tells."""

    name: str
    num_steps: int | None
    num_tokens: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recipe will cost. ``None`` stands where it cannot be known yet; ``notes`` say why.

    Args:
        flops: floating-point operations of the whole training.
        weight_bytes: weights, gradients and the optimizer's two moments, in fp32.
        activation_bytes: kept for the backward pass of one micro-batch; an estimate.
        store_bytes: token stores, at most.
        checkpoint_bytes: all checkpoints kept, and the model.
        flops_per_second: matrix rate of this CPU, as just measured.
        seconds: training on this CPU, very roughly.
    """

    base: str
    sources: tuple[SourcePlan, ...]
    stages: tuple[StagePlan, ...]
    num_parameters: int | None
    vocabulary_size: int | None
    num_steps: int | None
    num_tokens: int | None
    flops: float | None
    weight_bytes: int | None
    activation_bytes: int | None
    store_bytes: int | None
    checkpoint_bytes: int | None
    flops_per_second: float
    seconds: float | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def make_plan(recipe: Recipe) -> Plan:
    """The plan of a recipe; reads the sizes of its source files and measures this CPU for a third of a second.

    Raises:
        DomainBertError: a source does not exist, or the base folder is not a model.
    """
    notes: list[str] = []
    sources = tuple(plan for corpus in recipe.corpus for plan in _sources(corpus))
    corpus_bytes = _sum(source.num_bytes for source in sources)
    recipe = _in_steps(recipe, _epoch_tokens(recipe, sources), notes)
    stages = tuple(_stage(stage, recipe.training.batch_tokens) for stage in recipe.stage)
    num_tokens = _sum(stage.num_tokens for stage in stages)
    shape, num_parameters = _shape(recipe, notes)
    selected = max((stage.largest_share for stage in recipe.stage), default=0.0)
    flops = None
    if shape is not None and num_tokens is not None:
        costs = (shape.flops_per_token(length=recipe.training.max_length, selected=stage.largest_share) for stage in recipe.stage)
        flops = sum(cost * (stage.num_tokens or 0) for cost, stage in zip(costs, stages, strict=True))
    rate = matrix_rate()
    weight_bytes = None if num_parameters is None else 4 * _BYTES_FP32 * num_parameters
    notes += [_companion(name, companion.model) for name, companion in recipe.companion.items()]
    if corpus_bytes is None:
        notes.append("the size of a source is known only when it is read: the token store's size is left open")
    return Plan(
        base=recipe.model.base,
        sources=sources,
        stages=stages,
        num_parameters=num_parameters,
        vocabulary_size=None if shape is None else shape.vocabulary_size,
        num_steps=_sum(stage.num_steps for stage in stages),
        num_tokens=num_tokens,
        flops=flops,
        weight_bytes=weight_bytes,
        activation_bytes=None if shape is None else _activation_bytes(recipe, shape, selected),
        store_bytes=_store_bytes(recipe, sources),
        # A checkpoint holds weights and two moments; the run keeps several and the published model.
        checkpoint_bytes=None if weight_bytes is None else weight_bytes * (3 * recipe.training.keep_checkpoints + 1) // 4,
        flops_per_second=rate,
        seconds=None if flops is None else flops / (_REACHED * rate),
        notes=tuple(notes),
    )


def _companion(name: str, model: str) -> str:
    """What a companion adds, in words: its size is known when it is loaded."""
    if model.startswith("recipe:"):
        return f"companion {name} is trained first, by {model}; that, and its forward pass in every step, come on top"
    return f"the forward pass of companion {name} ({model}) in every step comes on top"


def source_bytes(corpus: Corpus) -> int | None:
    """Bytes of a corpus's files, unpacked; an estimate, ``None`` where only reading tells."""
    return _sum(source.num_bytes for source in _sources(corpus))


def matrix_rate() -> float:
    """Operations a second of this CPU in single-precision matrix products, the best of what fits in a third of a second."""
    size = 512
    matrix = np.random.default_rng(0).random((size, size), np.float32)
    best, end = 0.0, time.perf_counter() + _PROBE_SECONDS
    while time.perf_counter() < end:
        begin = time.perf_counter()
        matrix @ matrix
        best = max(best, 2.0 * size**3 / (time.perf_counter() - begin))
    return best


def _sources(corpus: Corpus) -> Iterator[SourcePlan]:
    for source in corpus.sources:
        if (Path(source) / "manifest.json").is_file():  # a token store: its text is what counts
            yield SourcePlan(corpus.name, source, 1, (Path(source) / "text.bin").stat().st_size)
            continue
        files = load_adapter(corpus.adapter, options=dict(corpus.options)).files(source)
        if not files:
            yield SourcePlan(corpus.name, source, None, None)
        else:
            yield SourcePlan(corpus.name, source, len(files), sum(_unpacked_bytes(path) for path in files))


def _unpacked_bytes(path: Path) -> int:
    return path.stat().st_size * _UNPACKED.get(path.suffix.lower(), 1)


def _copies(corpus: Corpus) -> int:
    return 1 + sum(corpus.views.values())


def _epoch_tokens(recipe: Recipe, sources: tuple[SourcePlan, ...]) -> int | None:
    """Tokens of one pass over everything to train on, at one a byte: an upper bound."""
    counts = []
    for corpus in recipe.corpus:
        size = _sum(source.num_bytes for source in sources if source.corpus == corpus.name)
        if corpus.role == "train":
            counts.append(None if size is None else round(size * (1 - corpus.validation_fraction)) * _copies(corpus))
    return _sum(counts)


def _in_steps(recipe: Recipe, epoch_tokens: int | None, notes: list[str]) -> Recipe:
    """The recipe with lengths in steps as far as they can be known, scaled to ``training.max_steps``."""
    budget, steps = recipe.training.batch_tokens, []
    for stage in recipe.stage:
        if stage.epochs and epoch_tokens is None:
            if not (len(recipe.stage) == 1 and recipe.training.max_steps):
                notes.append(f"stage '{stage.name}' is in epochs: its length is known when the corpus has been read")
                return recipe
            steps.append(recipe.training.max_steps)
        elif stage.epochs:
            assert epoch_tokens is not None
            notes.append(f"stage '{stage.name}' is in epochs: its length is an upper bound, one token a byte")
            steps.append(max(1, -(-round(stage.epochs * epoch_tokens / _train_share(stage, recipe)) // budget)))
        else:
            steps.append(stage.steps or token_steps(stage, budget))
    whole = replace(recipe, stage=tuple(replace(stage, steps=length) for stage, length in zip(recipe.stage, steps, strict=True)))
    return scaled(whole, stage_steps=steps)


def _train_share(stage: Stage, recipe: Recipe) -> float:
    """Share of a stage's tokens that come from corpora to train on; the rest is replay."""
    replay = {corpus.name for corpus in recipe.corpus if corpus.role == "replay"}
    total = sum(stage.mix.values())
    return sum(weight for name, weight in stage.mix.items() if name not in replay) / total if total else 1.0


def _stage(stage: Stage, batch_tokens: int) -> StagePlan:
    return StagePlan(stage.name, stage.steps or None, stage.steps * batch_tokens or None)


def _shape(recipe: Recipe, notes: list[str]) -> tuple[Shape | None, int | None]:
    """The model's shape and its parameters; for a base as its files say."""
    base = recipe.model.base
    if base == SCRATCH:
        adapter = adapter_class(recipe.adapter)
        options = adapter.tokenizer_kinds[recipe.tokenizer.kind](**recipe.tokenizer.options)
        size = adapter.vocabulary_size(recipe.tokenizer.kind, options)
        if size is None:
            notes.append("the vocabulary is known when the tokenizer has learned it: the model's size is left open")
            return None, None
        shape = Shape.of_scratch(recipe.model.scratch, vocabulary_size=size, max_length=recipe.training.max_length)
        return shape, shape.num_parameters
    folder = Path(base).expanduser()
    if not folder.exists():
        notes.append(f"{base} is no folder here: its size is known when it has been fetched from the Hub")
        return None, None
    shape = Shape.of_folder(folder)
    if shape.architecture not in COUNTS:
        return shape, stored_parameters(folder)
    return shape, stored_parameters(folder) or shape.num_parameters


def _activation_bytes(recipe: Recipe, shape: Shape, selected: float) -> int:
    asked = recipe.training.micro_batch_tokens
    tokens = min(recipe.training.batch_tokens, recipe.training.batch_tokens if isinstance(asked, str) else asked)
    width = 2 if recipe.training.precision in ("bf16", "fp16") else _BYTES_FP32
    return round(tokens * width * shape.activation_values(selected=selected))


def _store_bytes(recipe: Recipe, sources: tuple[SourcePlan, ...]) -> int | None:
    """Text, and tokens of two bytes at one a character, in every copy."""
    sizes = {corpus.name: _sum(source.num_bytes for source in sources if source.corpus == corpus.name) for corpus in recipe.corpus}
    return _sum(None if sizes[corpus.name] is None else 3 * (sizes[corpus.name] or 0) * _copies(corpus) for corpus in recipe.corpus)


def _sum(counts: Any) -> int | None:
    """The sum, or ``None`` where a part is not known."""
    known = list(counts)
    return None if None in known else sum(known)
