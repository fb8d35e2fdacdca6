"""The data loader's side of training: an item is a whole optimizer step, made from its number alone."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from torch.utils.data import Dataset

from domainbert.engine.encoder import PackedInput
from domainbert.engine.order import Ints, Samples, Slots, Source, StepPlan
from domainbert.engine.packing import Batch, BatchMaker, micro_batches
from domainbert.engine.stages import lay_out, span_of
from domainbert.engine.terms import StageTerms
from domainbert.errors import CorpusError, TokenizerError
from domainbert.recipe.schema import CAUSAL, DRAWN, Stage, Training

_SHOWN_SAMPLES = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step as one process sees it.

    Args:
        micro_batches: this process's share.
        num_tokens: tokens of the whole step, over all processes, special tokens included.
        num_selected: positions to predict in the whole step, over all processes.
        counts: units of each objective in the whole step, over all processes, by its title.
        drawn: tokens of each corpus in the whole step, by its name, where there are several.
    """

    micro_batches: tuple[PackedInput, ...]
    num_tokens: int
    num_selected: int
    counts: Mapping[str, int] = field(default_factory=dict)
    drawn: Mapping[str, int] = field(default_factory=dict)

    def pin_memory(self) -> "Step":
        """The same in page-locked memory; the data loader calls it where there is a GPU."""
        return replace(self, micro_batches=tuple(micro_batch.pin_memory() for micro_batch in self.micro_batches))


class Steps(Dataset[Step]):
    """Every step of a run by number. A map-style dataset: workers, ranks and resuming cannot change what a step is.

    Args:
        maker: reads and corrupts samples.
        names: the recipe's name of each of the maker's stores.
        stages: of the recipe.
        training: of the recipe.
        roles: of each corpus; all are to train on when left out.

    ``num_too_long`` counts, by corpus, the training records that must stay whole and are longer than ``max_length``.
    """

    def __init__(
        self, maker: BatchMaker, names: Sequence[str], stages: Sequence[Stage], training: Training, *, roles: Sequence[str] = ()
    ) -> None:
        self.maker, self.names, self.training = maker, tuple(names), training
        self._roles = tuple(roles) or ("train",) * len(names)
        self.rank, self.num_ranks = 0, 1
        self._stages = tuple(stages)
        capacity = training.max_length - maker.vocabulary.num_special
        self.num_too_long: dict[str, int] = {}
        sources = [self._source(number, capacity) for number, role in enumerate(self._roles) if role in DRAWN]
        self.sources = [source for source in sources if source.num_samples]
        if not self.sources:
            longer = f"; {sum(self.num_too_long.values()):,} are longer than max_length" if self.num_too_long else ""
            raise CorpusError(f"{', '.join(self.names)}: no corpus has a training record with a token{longer}")
        self._terms = [StageTerms(stage, self.names) for stage in self._stages]
        if any(terms.removes_hidden for terms in self._terms) and not maker.vocabulary.num_special:
            raise TokenizerError(
                "objective 'masked_query' leaves hidden tokens out of the input, and this tokenizer puts no special token around a text, "
                "so that nothing would be left of one that is hidden whole; take a tokenizer that does, or the objective 'mlm'"
            )
        self._plans: list[StepPlan] = []
        self.spans = lay_out(self._stages, self._plan_stages())

    @cached_property
    def num_steps(self) -> int:
        """Steps of all stages."""
        return self.spans[-1].end

    def __len__(self) -> int:
        return self.num_steps

    def __getitem__(self, step: int) -> Step:
        batch = self.batch(step)
        terms = self._terms[span_of(self.spans, step)[0]]
        mine = tuple(terms.packed(batch.take(rows)) if len(rows) else _nothing_to_predict(batch, terms) for rows in self._mine(batch))
        return Step(mine, int(batch.length_N.sum()), batch.num_selected, terms.counts(batch), self._drawn(batch))

    def _drawn(self, batch: Batch) -> dict[str, int]:
        assert batch.source_N is not None
        tokens = np.bincount(batch.source_N, batch.length_N, len(self.names))
        return {self.names[source.number]: int(tokens[source.number]) for source in self.sources} if len(self.sources) > 1 else {}

    def share(self, *, rank: int, num_ranks: int) -> None:
        """Give only this process's share of each step from now on."""
        self.rank, self.num_ranks = rank, num_ranks

    def batch(self, step: int) -> Batch:
        """The whole step, corrupted, before it is dealt to processes and micro-batches."""
        number, span = span_of(self.spans, step)
        samples = self._plans[number].step(step - span.begin)
        progress = (step - span.begin) / max(1, span.num_steps - 1)
        terms = self._terms[number]
        if span.stage.attention == CAUSAL:
            return self.maker.following(samples)
        return self.maker.corrupted(
            samples, span.stage.corruption, progress=progress, companions=terms.companions, labelled=terms.labelled
        )

    def places(self, step: int, micro_batches: Sequence[int] = ()) -> str:
        """Where the samples of a step come from, for a message; of some of this process's micro-batches, or of all of it."""
        number, span = span_of(self.spans, step)
        samples = self._plans[number].step(step - span.begin)
        if micro_batches:
            shares = self._mine(self.batch(step))
            samples = samples.take(np.concatenate([shares[index] for index in micro_batches]).astype(np.int64))
        shown = [self._place(samples, row) for row in range(min(len(samples), _SHOWN_SAMPLES))]
        more = f" and {len(samples) - len(shown)} more" if len(samples) > len(shown) else ""
        return f"{len(samples)} samples: {', '.join(shown)}{more}"

    def _place(self, samples: Samples, row: int) -> str:
        source = int(samples.source[row])
        record = self.maker.stores[source].table["id"][int(samples.record[row])].as_py()
        return f"{self.names[source]}: {record} from token {int(samples.start[row])}"

    def _mine(self, batch: Batch) -> list[Ints]:
        """This process's micro-batches, as sample numbers."""
        return micro_batches(batch, budget=int(self.training.micro_batch_tokens), num_ranks=self.num_ranks)[self.rank]

    def _plan_stages(self) -> list[int]:
        """Plan each stage where the one before left off, and return their lengths in steps."""
        taken = np.zeros(len(self.sources), np.int64)
        lengths = []
        for number, stage in enumerate(self._stages):
            slots = Slots(self.sources, self._weights(stage), begin=taken, seed=self.training.seed, stage=number)
            plan = StepPlan(slots, batch_tokens=self.training.batch_tokens, num_special=self.maker.vocabulary.num_special)
            lengths.append(self._stage_steps(stage, plan, slots))
            self._plans.append(plan)
            if number + 1 < len(self._stages):
                taken = slots.counts_before(plan.start(lengths[-1]))
        return lengths

    def _source(self, number: int, capacity: int) -> Source:
        """What training draws from a store; records that must stay whole and do not fit are counted and left out."""
        store = self.maker.stores[number]
        records = store.indexes("train")
        lengths = store.num_tokens(records)
        usable = lengths > 0
        if self.maker.adapters[number].whole_records and (too_long := int((lengths > capacity).sum())):
            self.num_too_long[self.names[number]] = too_long
            usable &= lengths <= capacity
            _log.warning(
                "corpus %r: %s of %s training records are longer than max_length %s and are left out: they would mean nothing in pieces",
                self.names[number], f"{too_long:,}", f"{len(records):,}", self.training.max_length,
            )  # fmt: skip
        return Source(number, records[usable], lengths[usable], capacity=capacity, seed=self.training.seed)

    def _stage_steps(self, stage: Stage, plan: StepPlan, slots: Slots) -> int:
        if stage.steps:
            return stage.steps
        if stage.tokens:
            return max(1, round(stage.tokens / self.training.batch_tokens))
        counted = [
            (source.num_samples, chance)
            for source, chance in zip(self.sources, slots.chances, strict=True)
            if chance > 0 and self._roles[source.number] == "train"
        ]
        if not counted:
            raise CorpusError(f"stage {stage.name!r} is {stage.epochs:g} epochs long, and its mix has no corpus to train on with a token")
        num_samples, chances = (sum(each) for each in zip(*counted, strict=True))
        return max(1, plan.steps_until(round(stage.epochs * num_samples / chances)))

    def _weights(self, stage: Stage) -> list[float]:
        if not stage.mix:
            return [float(source.num_tokens) for source in self.sources]
        return [stage.mix.get(self.names[source.number], 0.0) for source in self.sources]


def _nothing_to_predict(batch: Batch, terms: StageTerms) -> PackedInput:
    """The step's shortest sample without units: what a process without a share runs, so that all run equally often."""
    return terms.packed(batch.take(np.array([int(batch.length_N.argmin())])), nothing=True)
