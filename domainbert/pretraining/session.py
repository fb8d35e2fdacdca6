"""The part of a run that needs torch: build the model, train it, measure it, publish it."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from shutil import which
from typing import Any

import torch
from accelerate.utils import gather_object
from transformers import PreTrainedModel, TrainingArguments
from transformers.utils import logging as transformers_logging

from domainbert.adapters.base import Adapter
from domainbert.corpus.store import TokenStore
from domainbert.engine.budget import fitting_tokens
from domainbert.engine.checkpoint import checkpoint_path, latest_checkpoint
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.folder import RunFolder
from domainbert.engine.layout import Layout
from domainbert.engine.leak import require_causal
from domainbert.engine.model import Dropouts, build_model, checkpoint_activations, restore_dropout
from domainbert.engine.packing import BatchMaker
from domainbert.engine.progress import ProgressDisplay, console
from domainbert.engine.proof import proven_layout
from domainbert.engine.reading import Reader
from domainbert.engine.stages import require_room
from domainbert.engine.steps import Steps
from domainbert.engine.telemetry import MetricsLog, best_step, hardware
from domainbert.engine.terms import companions_of
from domainbert.engine.trainer import PackedTrainer, stop_on_signals, training_arguments
from domainbert.errors import RunError
from domainbert.evaluation.forgetting import Meter, metric_name
from domainbert.evaluation.held_out import HeldOut, evaluation
from domainbert.evaluation.intrinsic import Bits
from domainbert.evaluation.plots import loss_curve
from domainbert.evaluation.report import best
from domainbert.pretraining.control import CONTROL, control_folder
from domainbert.pretraining.objectives import make_losses, open_companions, prepare_companion, require_readable, warn_alike
from domainbert.pretraining.stages import with_head_stage
from domainbert.pretraining.stores import adapter_of
from domainbert.pretraining.vocabulary import Change, change_vocabulary, changes_vocabulary, old_vocabulary
from domainbert.publishing.card import HEAD_UNTRAINED, model_card, trains_head
from domainbert.publishing.facts import run_facts
from domainbert.publishing.model_folder import write_model_folder
from domainbert.recipe.document import to_dict
from domainbert.recipe.scale import scaled
from domainbert.recipe.schema import CAUSAL, GENERAL, SCRATCH, Recipe, Training
from domainbert.tokenization.spans import Vocabulary, read_vocabulary

log = logging.getLogger(__name__)


class Session:
    """One process's share of a run.

    Args:
        folder: of the run.
        recipe: of the run.
        stores: one for each of the recipe's corpora.
        num_ranks: processes that were launched together.
        progress: whether to show progress on stderr.
    """

    def __init__(self, folder: RunFolder, recipe: Recipe, stores: Sequence[TokenStore], *, num_ranks: int, progress: bool) -> None:
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self.folder, self.recipe, self.stores, self.progress = folder, recipe, stores, progress
        self.adapter = adapter_of(recipe, next(corpus for corpus in recipe.corpus if corpus.role == "train"))
        self.tokenizer = stores[0].tokenizer
        self.vocabulary = read_vocabulary(self.tokenizer, self.adapter)
        training = recipe.training
        self.change: Change | None = None
        self.model, self._dropouts = self._build()
        self.encoder = PackedEncoder(self.model, layout=self._layout())
        if any(stage.attention == CAUSAL for stage in recipe.stage):
            require_causal(self.encoder, self.vocabulary, max_length=training.max_length)  # and again before each such stage
        if training.gradient_checkpointing:
            checkpoint_activations(self.model)
        if training.compile == "on" or (training.compile == "auto" and torch.cuda.is_available() and _has_compiler()):
            self.encoder.compile()
        self.metrics = MetricsLog(folder.metrics)
        self.companions, readers = open_companions(recipe, self.adapter, self.model, self.tokenizer)
        self.trainer = self._trainer(num_ranks, readers)
        self.before: dict[str, Bits] = {}
        self.right_after: dict[str, Bits] = {}
        self.meter_before: dict[str, float] = {}

    def train(self) -> bool:
        """Train to the end, from the last checkpoint if there is one.

        Returns:
            Whether the end was reached; ``False`` after a signal, with a checkpoint saved.
        """
        if self._leads:
            self._measure_before()
            self.metrics.cut_back(self.trainer.start_step)
        if self.trainer.start_step == len(self.trainer.steps):
            self.trainer.load_checkpoint(self._latest[1])
            return True
        with stop_on_signals(self.trainer), self._display, ExitStack() as stack:
            for companion in self.companions.values():
                stack.callback(companion.close)
            self.trainer.train(resume_from_checkpoint=str(self._latest[1]) if self._latest else None)
        return self.trainer.state.global_step == len(self.trainer.steps)

    def publish(self) -> Mapping[str, Any]:
        """Measure the trained model and write what the run leaves behind.

        Returns:
            Content of ``evaluation.json``; empty in all processes but the first.
        """
        if not self._leads:
            return {}
        self._load_best()
        if not trains_head(self.recipe):
            self._say(f"{HEAD_UNTRAINED}.")
        after = self.held_out.full(self.encoder)
        result = evaluation(self.held_out, self.before, after, base=self.recipe.model.base, seed=self.recipe.training.seed)
        if self.folder.read_recipe().get(CONTROL):
            result[CONTROL] = json.loads(control_folder(self.folder).evaluation.read_text())["after"]
        if self.meter.corpora:
            result["forgetting"] = self.meter.report(self.meter_before, self.meter.full(self.encoder))
        if self.change is not None:
            result["vocabulary"] = self.change.report(self.recipe, self.vocabulary, self.right_after)
        self._plot(result)
        self.encoder.release()
        restore_dropout(self.model, self._dropouts)
        with self.trainer.without_heads():
            write_model_folder(
                self.folder.model, model=self.model, tokenizer=self.tokenizer, adapter=self.adapter, card=partial(self._card, result),
                heads=self.trainer.losses.published(),
            )  # fmt: skip
        self.folder.write_json(self.folder.evaluation, result)
        return result

    @cached_property
    def held_out(self) -> HeldOut:
        """Held-out text of the domain, in windows."""
        pairs = zip(self.stores, self.recipe.corpus, strict=True)
        return self._held_out([store for store, corpus in pairs if corpus.role not in GENERAL], self.adapter, self.vocabulary)

    @cached_property
    def meter(self) -> Meter:
        """Held-out general text, in windows."""
        found = {}
        for store, corpus in zip(self.stores, self.recipe.corpus, strict=True):
            if corpus.role in GENERAL:
                adapter = adapter_of(self.recipe, corpus)
                found[corpus.name] = self._held_out([store], adapter, read_vocabulary(self.tokenizer, adapter))
        return Meter.of(found)

    def _held_out(self, stores: Sequence[TokenStore], adapter: Adapter, vocabulary: Vocabulary) -> HeldOut:
        tokens = int(self.trainer.training.micro_batch_tokens)
        return HeldOut(stores, adapter, vocabulary, max_length=self.recipe.training.max_length, micro_batch_tokens=tokens)

    @property
    def _leads(self) -> bool:
        return self.trainer.is_world_process_zero()

    def _trainer(self, num_ranks: int, readers: Mapping[str, Reader]) -> PackedTrainer:
        maker = BatchMaker(self.stores, [adapter_of(self.recipe, corpus) for corpus in self.recipe.corpus], self.vocabulary, readers)
        names = [corpus.name for corpus in self.recipe.corpus]
        roles = [corpus.role for corpus in self.recipe.corpus]
        epochs = any(stage.epochs for stage in self.recipe.stage)  # how long they are, only the corpus says
        stages = self.recipe.stage if epochs else scaled(self.recipe).stage
        steps = Steps(maker, names, stages, self.recipe.training, roles=roles)
        if self.recipe.training.max_steps and epochs:
            stages = scaled(self.recipe, stage_steps=[span.num_steps for span in steps.spans]).stage
            steps = Steps(maker, names, stages, self.recipe.training, roles=roles)
        require_room(steps.spans)
        args = self._arguments(num_ranks, num_steps=len(steps))
        if args.process_index == 0:
            self._record(steps, args)
        if readers:
            require_readable(steps)
        losses = make_losses(self.recipe, [span.stage for span in steps.spans], self.model, self.companions, self.stores)
        for companion in self.companions.values():
            if args.process_index == 0 and companion.name in (others := steps.batch(0).others):
                warn_alike(companion, others[companion.name].batch, companions_of(self.recipe.stage)[companion.name])
            prepare_companion(companion, self.recipe, readers[companion.name], device=args.device, rank=args.process_index)
            if companion.num_cached is not None:
                holds = f"{companion.num_cached:,} samples" if companion.num_cached else "nothing yet: features are computed and kept there"
                self._say(f"companion {companion.name!r}: its cache {self.recipe.companion[companion.name].cache} holds {holds}")
        steps.share(rank=args.process_index, num_ranks=args.world_size)
        steps.training = training = self._sized(args)
        start = self._latest[0] if self._latest else 0
        self._display = ProgressDisplay(start, len(steps), enabled=self.progress)
        try:
            return PackedTrainer(
                self.encoder, steps, losses, training, checkpoints=self.folder.checkpoints, metrics=self.metrics, evaluate=self._measure,
                start_step=start, callbacks=[self._display], args=args,
            )  # fmt: skip
        except (ImportError, RuntimeError) as error:
            if not training.report_to:
                raise
            raise RunError(f"training.report_to = {list(training.report_to)}: {error}; install what it names") from error

    def _arguments(self, num_ranks: int, *, num_steps: int) -> TrainingArguments:
        advice = "start them with: torchrun --nproc_per_node N -m domainbert pretrain ..."
        try:
            args = training_arguments(self.recipe.training, self.folder.path, num_steps=num_steps)
        except ValueError as error:  # accelerate's word for a launcher that left half of its variables unset
            if num_ranks == 1:
                raise
            raise RunError(f"{num_ranks} processes cannot find each other ({error}); {advice}") from error
        if args.world_size != num_ranks:
            raise RunError(f"{num_ranks} processes were launched and {args.world_size} found each other; {advice}")
        return args

    def _record(self, steps: Steps, args: TrainingArguments) -> None:
        """Write down the stages as they are laid out, which lengths in epochs and ``max_steps`` leave open, and what they run on."""
        stages = tuple(replace(span.stage, steps=span.num_steps, tokens=0, epochs=0.0) for span in steps.spans)
        content = self.folder.read_recipe()
        if "stages" not in content:
            laid_out = to_dict(replace(self.recipe, stage=stages))["stage"]
            machine = hardware(args.device, num_ranks=args.world_size)
            left_out = steps.num_too_long
            self.folder.write_json(
                self.folder.recipe, {**content, "stages": laid_out, "hardware": machine, "records_too_long": left_out}
            )

    def _build(self) -> tuple[PreTrainedModel, Dropouts]:
        """The model to train: with the run's vocabulary, and with a stage in front for a head that the base lacks."""
        recipe, training = self.recipe, self.recipe.training
        old = old_vocabulary(recipe, self.adapter) if changes_vocabulary(recipe) else None
        built = build_model(recipe.model, old[1] if old else self.vocabulary, max_length=training.max_length, seed=training.seed)
        model = built.model
        if built.untrained:
            self.recipe = with_head_stage(recipe, vocabulary_changes=old is not None)
            log.warning(
                "%s: its files have no trained masked-LM head (%d weights are missing, %s is one); a new one is trained first, with the "
                "rest frozen: stage %r",
                recipe.model.base, len(built.untrained), built.untrained[0], self.recipe.stage[0].name,
            )  # fmt: skip
        if old is not None:
            model, self.change = change_vocabulary(model, old, recipe, self.stores, self.vocabulary)
            before, now = self.change.tokens_per_thousand
            self._say(
                f"vocabulary: {old[1].size:,} entries of the base, {self.vocabulary.size:,} now, {self.change.num_shared:,} of them with "
                f"an old entry's row, the others by {recipe.tokenizer.init}; {before:.1f} tokens for 1,000 characters, {now:.1f} now"
            )
        return model, built.dropouts

    def _measure_before(self) -> None:
        """The figures that training starts from; for a base with its own vocabulary, on the same hidden letters."""
        if self.change is None:
            self.before = (self.held_out.rough if self.recipe.model.base == SCRATCH else self.held_out.full)(self.encoder)
            self.meter_before = self.meter.full(self.encoder)
            return
        base = PackedEncoder(self.change.base)
        self.before = self.held_out.read_by(self.change.tokenizer, self.change.vocabulary).full(base)
        self.meter_before = self.meter.read_by(self.change.tokenizer).full(base)
        base.release()
        self.right_after = self.held_out.full(self.encoder)
        for kind, bits in self.right_after.items():
            start = self.before[kind].bits
            self._say(f"bits per {self.held_out.unit} ({kind}): the base {start:.3f}, with the new vocabulary {bits.bits:.3f}")

    def _say(self, text: str) -> None:
        if self.progress:
            console.print(text, highlight=False)

    def _layout(self) -> Layout | None:
        """For a base, the layout that is proved on it; the table's for random weights, which the tests prove."""
        model = self.recipe.model
        if model.base == SCRATCH:
            return None
        layout = proven_layout(self.model, self.vocabulary, max_length=self.recipe.training.max_length)
        self._say(f"{model.base}: {self.model.config.model_type}, runs {layout}")
        return layout

    def _sized(self, args: TrainingArguments) -> Training:
        """The recipe's training with a number for ``micro_batch_tokens``: as found, and kept for every resume."""
        training = self.recipe.training
        if not isinstance(training.micro_batch_tokens, str):
            return training
        content = self.folder.read_recipe()
        tokens = content.get("micro_batch_tokens")
        if tokens is None:
            rate = max(stage.largest_share for stage in self.recipe.stage)
            found = fitting_tokens(self.encoder, self.vocabulary, training, device=args.device, rate=rate)
            tokens = min(gather_object([found]) if args.world_size > 1 else [found])
            if args.process_index == 0:
                self.folder.write_json(self.folder.recipe, {**content, "micro_batch_tokens": tokens})
        self._say(f"micro_batch_tokens: {tokens:,}")
        return replace(training, micro_batch_tokens=tokens)

    def _load_best(self) -> None:
        """Go back to the weights of the best held-out figure, if the recipe publishes those."""
        best = best_step(self.metrics.read()) if self.recipe.training.publish == "best" else None
        if best is not None and best[0] != len(self.trainer.steps):
            self.trainer.load_checkpoint(checkpoint_path(self.folder.checkpoints, best[0]))

    @cached_property
    def _latest(self) -> Any:
        return latest_checkpoint(self.folder.checkpoints)

    def _measure(self) -> Mapping[str, float]:
        return {**self.held_out.quick(self.encoder), **self.meter.quick(self.encoder)} if self._leads else {}

    def _plot(self, result: Mapping[str, Any]) -> None:
        opponents = {}
        if hidden := result["baselines"].get("same_letters_hidden"):
            scores = hidden[self.held_out.kinds[0]]
            families = [family for family in ("order", "two-sided") if any(score["name"].startswith(family) for score in scores)]
            opponents = {f"{score['name']} counts": score["bits"] for score in (best(scores, family) for family in families)}
        self.folder.plots.mkdir(exist_ok=True)
        general = result.get("forgetting", {})
        meters = {f"text of {name}": (metric_name(name, each["unit"]), each["before"]) for name, each in general.items()}
        loss_curve(self.metrics.read(), self.folder.plots / "loss.png", unit=self.held_out.unit, baselines=opponents, meters=meters)

    def _card(self, result: Mapping[str, Any], model: Path) -> str:
        return model_card(run_facts(self.folder, model, evaluation=result, canonical_version=self.adapter.canonical_version))


def _has_compiler() -> bool:
    """What torch.compile needs on a machine with a GPU beside torch itself."""
    return any(which(name) for name in ("cc", "gcc", "clang"))
