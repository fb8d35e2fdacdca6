"""The recipe as frozen dataclasses: every key, its type, its default and its range.

A field's metadata holds what ``recipe.load`` checks: ``low``/``high`` (inclusive), ``above`` (exclusive), ``choices``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 1
SCRATCH = "scratch"  # model.base: random weights
BIDIRECTIONAL, CAUSAL = "bidirectional", "causal"  # stage.attention
DRAWN = ("train", "replay")  # roles of corpora that stages may mix
GENERAL = ("replay", "meter")  # roles of corpora that are not the domain's


def number(default: Any, *, low: float | None = None, high: float | None = None, above: float | None = None) -> Any:
    """A numeric field with its accepted range."""
    return field(default=default, metadata={"low": low, "high": high, "above": above})


def choice(default: str, *choices: str) -> Any:
    """A string field with its accepted values."""
    return field(default=default, metadata={"choices": choices})


def column_name(default: str = "") -> Any:
    """A string field that names a column; a whole number may be written without quotes."""
    return field(default=default, metadata={"or_number": True})


@dataclass(frozen=True, slots=True)
class Scratch:
    """Shape of a model that starts from random weights.

    ``intermediate_size`` 0 takes the architecture's usual ratio; ``config`` sets further keys of the Hugging Face config. A model of
    ``delta-hybrid``, the student of HAD, loads only after ``import domainbert``; all others load without.
    """

    architecture: str = choice("modernbert", "modernbert", "bert", "esm", "roberta", "deberta-v2", "delta-hybrid")
    hidden_size: int = number(128, low=8)
    num_layers: int = number(4, low=1)
    num_heads: int = number(4, low=1)
    intermediate_size: int = number(0, low=0)
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """The encoder: ``base`` is ``scratch``, a folder or a Hub id."""

    base: str = SCRATCH
    revision: str = ""
    dropout: float | str = field(default=0.0, metadata={"low": 0.0, "high": 0.99, "words": ("base",)})
    attention: str = choice("auto", "auto")
    scratch: Scratch = field(default_factory=Scratch)


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Which tokenizer. ``kind`` names an algorithm of the adapter; ``options`` are checked by the adapter's dataclass.

    Args:
        mode: ``keep`` the base's own, ``extend`` it by pieces learned on the corpus, or ``replace`` it by the adapter's. Empty means keep
            with a base and replace with scratch.
        init: where the new rows of a base's embeddings come from: the ``mean`` of their old pieces, or ``focus``, entries that are near.
        num_pieces: with ``extend``, how many pieces are learned at most.
    """

    kind: str = ""
    mode: str = choice("", "", "keep", "extend", "replace")
    init: str = choice("mean", "mean", "focus")
    num_pieces: int = number(1000, low=1, high=1_000_000)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A named source of records. An empty ``adapter`` takes the recipe's.

    Args:
        role: ``train`` on it; ``replay``, general text that stages mix in by weight, against forgetting; ``validation``, all held out;
            ``meter``, general text that is all held out. Held-out general text measures what the base forgets.
        exclude_files: evaluation texts, in any format of the adapter; records that overlap with one are left out.
        near_duplicates: estimated similarity from which an entry counts as a copy of an earlier one, or of what it is read backwards;
            0 for exact copies only.
        min_characters: shorter records are left out.
        max_characters: longer ones; 0 for no limit.
        max_boilerplate: share of an entry's characters in lines that it holds already, or that ten entries hold; 1 for no limit.
        card: its data card, a file or a shipped one's name: what a published model says of where its text comes from.
    """

    name: str = "main"
    adapter: str = ""
    sources: tuple[str, ...] = ()
    role: str = choice("train", "train", "replay", "validation", "meter")
    validation_fraction: float = number(0.02, low=0.0, high=0.9)
    validation_groups: tuple[str, ...] = ()
    exclude_groups: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    near_duplicates: float = number(0.0, low=0.0, high=1.0)
    min_characters: int = number(0, low=0)
    max_characters: int = number(0, low=0)
    max_boilerplate: float = number(1.0, low=0.0, high=1.0)
    max_drop_rate: float = number(0.05, low=0.0, high=1.0)
    views: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """Sizes, lengths and the optimizer. Lengths are in tokens with special tokens, durations in optimizer steps.

    Args:
        micro_batch_tokens: ``auto`` takes what the device holds.
        compile: ``auto`` for on where there is a GPU; it needs a compiler on the machine.
        gradient_checkpointing: activations are computed twice instead of kept.
        publish: which weights become ``model/``: the last ones, or those of the best held-out figure.
        report_to: experiment trackers that get every logged value: ``tensorboard``, ``trackio``, ``wandb``.
    """

    seed: int = number(0, low=0, high=2**32 - 1)
    max_length: int = number(512, low=8)
    batch_tokens: int = number(8192, low=8)
    micro_batch_tokens: int | str = field(default=8192, metadata={"low": 8, "words": ("auto",)})
    max_steps: int = number(0, low=0)
    optimizer: str = choice("adamw", "adamw", "stable_adamw", "muon")
    learning_rate: float = number(1e-3, above=0.0, high=10.0)
    weight_decay: float = number(0.01, low=0.0, high=1.0)
    beta1: float = number(0.9, low=0.0, high=1.0)
    beta2: float = number(0.98, low=0.0, high=1.0)
    max_grad_norm: float = number(1.0, low=0.0)
    precision: str = choice("auto", "auto", "fp32", "bf16", "fp16")
    compile: str = choice("auto", "auto", "on", "off")
    gradient_checkpointing: bool = False
    publish: str = choice("last", "last", "best")
    report_to: tuple[str, ...] = ()
    logging_steps: int = number(1, low=1)
    evaluation_steps: int = number(100, low=0)
    save_steps: int = number(200, low=0)
    keep_checkpoints: int = number(3, low=1)


@dataclass(frozen=True, slots=True)
class Ramp:
    """A number that changes: linear over the stage, or drawn anew for each sample (rates only)."""

    shape: str = choice("linear", "linear", "sample")
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class Corruption:
    """What is hidden: ``select`` chooses positions, ``mask``/``random`` say what replaces them (the rest stays).

    Args:
        spare: share of the labelled samples that nothing is hidden in where a regression learns from them: it sees them as they will be
            when it is asked.
    """

    select: str = choice("uniform", "uniform", "unit", "companion")
    rate: float | Ramp = field(default=0.15, metadata={"above": 0.0, "high": 1.0})
    mask: float = number(0.8, low=0.0, high=1.0)
    random: float = number(0.1, low=0.0, high=1.0)
    spare: float = number(0.0, low=0.0, high=1.0)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Companion:
    """A frozen model beside the one that is trained, with its own tokenizer.

    Args:
        model: a folder, a Hub id, or ``recipe:NAME|FILE`` for a model that is trained first, by that recipe on the run's own corpora.
        trust_remote_code: run code from its repository; needs ``revision``.
        train: frozen companions only, so far.
        precision: of its weights.
        phase: ``random`` begins its tokens anew at a random character of each sample, below the width of its longest token.
        cache: a folder for its features; filled by the first run, read by every run with the same text, masks and companion.
    """

    model: str = ""
    revision: str = ""
    trust_remote_code: bool = False
    train: bool = False
    precision: str = choice("auto", "auto", "fp32", "bf16", "fp16")
    phase: str = choice("fixed", "fixed", "random")
    cache: str = ""


@dataclass(frozen=True, slots=True)
class Objective:
    """One weighted term of the loss; which keys a kind has stands in ``objectives.registry``.

    Args:
        kind: ``mlm`` fills masks by the model's own head; ``masked_query`` leaves hidden tokens out of the input and has a decoder ask for
            them, which trains the encoder and no head; ``align`` and ``logit`` learn from a companion, ``regression`` from labels.
        name: in the log, ``loss_<name>``; the kind when empty.
        companion: align, logit: whose features or predictions are the target.
        positions: align, logit: where both models see the text, where it is hidden from both, or both; empty for the usual
            ones (visible for align, hidden for logit).
        layers: align: pairs of a student's and a companion's layer; 0 the embeddings, -1 the last.
        distance: align: between features; ``relational`` compares similarities within a sample.
        projection: align: from the student's width to the companion's; ``auto`` for linear but with ``relational``.
        match: align: a companion's feature stands for each of the student's tokens that it covers, or their mean is compared with it.
        temperature: logit: of both distributions.
        pooling: regression: the sample's first token, the mean of all, or of pairs ``cross``: the first token attends to the second half,
            the separator before that half to the first one, by one shared attention (SSM-DTA's).
        data: names of the corpora that the term applies to; empty for all.
    """

    kind: str = choice("mlm", "mlm", "clm", "masked_query", "align", "logit", "regression")
    weight: float | Ramp = field(default=1.0, metadata={"low": 0.0})
    name: str = ""
    companion: str = ""
    positions: str = choice("", "", "visible", "hidden", "both")
    layers: tuple[tuple[int, ...], ...] = ((-1, -1),)
    distance: str = choice("mse", "mse", "cosine", "smooth_l1", "relational")
    projection: str = choice("auto", "auto", "linear", "none")
    match: str = choice("repeat", "repeat", "pool")
    temperature: float = number(1.0, above=0.0)
    pooling: str = choice("first", "first", "mean", "cross")
    data: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the log calls it."""
        return self.name or self.kind

    @property
    def active(self) -> bool:
        """Whether its weight is ever above 0."""
        return self.weight != 0.0 and not (isinstance(self.weight, Ramp) and self.weight.start == self.weight.end == 0.0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Learning rate over a stage, as a multiple of ``training.learning_rate``."""

    shape: str = choice("wsd", "wsd", "cosine", "constant")
    peak: float = number(1.0, low=0.0)
    warmup_steps: int = number(0, low=0)
    decay_steps: int = number(0, low=0)
    decay: str = choice("1-sqrt", "1-sqrt", "linear")


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of training. Exactly one of ``steps``, ``tokens``, ``epochs`` (of the corpora to train on) is above 0.

    Args:
        mix: share of the tokens from each corpus; empty for the corpora to train on as they are large.
        attention: ``causal`` hides nothing and lets no token see those behind it, for the objective ``clm``.
        freeze: parameters that stay as they are: ``"body"``, ``"embeddings"`` or globs of parameter names.
        optimizer_state: whether the optimizer's moments are carried over from the stage before, or start anew.
    """

    name: str = "mlm"
    steps: int = number(0, low=0)
    tokens: int = number(0, low=0)
    epochs: float = number(0.0, low=0.0)
    mix: Mapping[str, float] = field(default_factory=dict)
    attention: str = choice(BIDIRECTIONAL, BIDIRECTIONAL, CAUSAL)
    freeze: tuple[str, ...] = ()
    optimizer_state: str = choice("carry", "carry", "reset")
    corruption: Corruption = field(default_factory=Corruption)
    objective: tuple[Objective, ...] = (Objective(),)
    schedule: Schedule = field(default_factory=Schedule)

    @property
    def largest_share(self) -> float:
        """The largest share of its tokens that a step of the stage predicts."""
        rate = self.corruption.rate
        return 1.0 if self.attention == CAUSAL else max(rate.start, rate.end) if isinstance(rate, Ramp) else rate


@dataclass(frozen=True, slots=True)
class Card:
    """What a model card says that nothing can measure. Training needs none of it, ``publish`` a licence.

    Args:
        license: an identifier of the Hub such as ``apache-2.0``; ``other`` with ``license_name`` and ``license_link``.
        language: ISO 639 codes of the text, for text domains.
        limits: what the model is not for, a paragraph.
    """

    license: str = ""
    license_name: str = ""
    license_link: str = ""
    language: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    description: str = ""
    limits: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole recipe with every default filled in."""

    adapter: str
    schema: int = SCHEMA_VERSION
    summary: str = ""
    model: Model = field(default_factory=Model)
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    corpus: tuple[Corpus, ...] = (Corpus(),)
    training: Training = field(default_factory=Training)
    companion: Mapping[str, Companion] = field(default_factory=dict)
    stage: tuple[Stage, ...] = (Stage(steps=1000),)
    card: Card = field(default_factory=Card)
