"""The part of a run that needs torch: build the model, train it, measure it, publish it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from shutil import which
from typing import Any

import torch
from accelerate.utils import gather_object
from transformers import TrainingArguments
from transformers.utils import logging as transformers_logging

from domainbert.corpus.store import TokenStore
from domainbert.engine.budget import fitting_tokens
from domainbert.engine.checkpoint import checkpoint_path, latest_checkpoint
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.folder import RunFolder
from domainbert.engine.layout import Layout
from domainbert.engine.model import build_model, checkpoint_activations, restore_dropout
from domainbert.engine.packing import BatchMaker, largest_rate
from domainbert.engine.progress import ProgressDisplay, console
from domainbert.engine.proof import proven_layout
from domainbert.engine.steps import Steps
from domainbert.engine.telemetry import MetricsLog, best_step
from domainbert.engine.trainer import PackedTrainer, stop_on_signals, training_arguments
from domainbert.errors import RunError
from domainbert.evaluation.held_out import HeldOut, evaluation
from domainbert.evaluation.intrinsic import Bits
from domainbert.evaluation.plots import loss_curve
from domainbert.evaluation.report import best
from domainbert.pretraining.stores import adapter_of
from domainbert.publishing.card import CardFacts, model_card
from domainbert.publishing.contract import library_versions
from domainbert.publishing.model_folder import write_model_folder
from domainbert.recipe.document import to_dict
from domainbert.recipe.scale import scaled
from domainbert.recipe.schema import SCRATCH, Recipe, Training
from domainbert.tokenization.spans import read_vocabulary


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
        self.adapter = adapter_of(recipe, recipe.corpus[0])
        self.tokenizer = stores[0].tokenizer
        self.vocabulary = read_vocabulary(self.tokenizer, self.adapter)
        training = recipe.training
        self.model, self._dropouts = build_model(recipe.model, self.vocabulary, max_length=training.max_length, seed=training.seed)
        self.encoder = PackedEncoder(self.model, layout=self._layout())
        if training.gradient_checkpointing:
            checkpoint_activations(self.model)
        if training.compile == "on" or (training.compile == "auto" and torch.cuda.is_available() and _has_compiler()):
            self.encoder.compile()
        self.metrics = MetricsLog(folder.metrics)
        self.trainer = self._trainer(num_ranks)
        self.before: dict[str, Bits] = {}

    def train(self) -> bool:
        """Train to the end, from the last checkpoint if there is one.

        Returns:
            Whether the end was reached; ``False`` after a signal, with a checkpoint saved.
        """
        if self._leads:
            measure = self.held_out.rough if self.recipe.model.base == SCRATCH else self.held_out.full
            self.before = measure(self.encoder)
            self.metrics.cut_back(self.trainer.start_step)
        if self.trainer.start_step == len(self.trainer.steps):
            self.trainer.load_checkpoint(self._latest[1])
            return True
        with stop_on_signals(self.trainer), self._display:
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
        after = self.held_out.full(self.encoder)
        result = evaluation(self.held_out, self.before, after, base=self.recipe.model.base, seed=self.recipe.training.seed)
        self._plot(result)
        self.encoder.release()
        restore_dropout(self.model, self._dropouts)
        write_model_folder(
            self.folder.model, model=self.model, tokenizer=self.tokenizer, adapter=self.adapter, card=model_card(self._facts(result))
        )
        self.folder.write_json(self.folder.evaluation, result)
        return result

    @cached_property
    def held_out(self) -> HeldOut:
        """Held-out text of all stores, in windows."""
        training = self.recipe.training
        return HeldOut(
            self.stores,
            self.adapter,
            self.vocabulary,
            max_length=training.max_length,
            micro_batch_tokens=int(self.trainer.training.micro_batch_tokens),
        )

    @property
    def _training_tokens(self) -> int:
        """Of the whole run, at most: a step ends before the sample that would overfill it."""
        return len(self.trainer.steps) * self.recipe.training.batch_tokens

    @property
    def _leads(self) -> bool:
        return self.trainer.is_world_process_zero()

    def _trainer(self, num_ranks: int) -> PackedTrainer:
        maker = BatchMaker(self.stores, [adapter_of(self.recipe, corpus) for corpus in self.recipe.corpus], self.vocabulary)
        names = [corpus.name for corpus in self.recipe.corpus]
        steps = Steps(maker, names, self.recipe.stage, self.recipe.training)
        if self.recipe.training.max_steps:
            stages = scaled(self.recipe, stage_steps=[span.num_steps for span in steps.spans]).stage
            steps = Steps(maker, names, stages, self.recipe.training)
        args = self._arguments(num_ranks, num_steps=len(steps))
        if args.process_index == 0:
            self._record(steps)
        steps.share(rank=args.process_index, num_ranks=args.world_size)
        steps.training = training = self._sized(args)
        start = self._latest[0] if self._latest else 0
        self._display = ProgressDisplay(start, len(steps), enabled=self.progress)
        try:
            return PackedTrainer(
                self.encoder, steps, training, checkpoints=self.folder.checkpoints, metrics=self.metrics, evaluate=self._measure,
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

    def _record(self, steps: Steps) -> None:
        """Write down the stages as they are laid out, which lengths in epochs and ``max_steps`` leave open."""
        stages = tuple(replace(span.stage, steps=span.num_steps, tokens=0, epochs=0.0) for span in steps.spans)
        content = self.folder.read_recipe()
        if "stages" not in content:
            self.folder.write_json(self.folder.recipe, {**content, "stages": to_dict(replace(self.recipe, stage=stages))["stage"], "records_too_long": steps.num_too_long})

    def _layout(self) -> Layout | None:
        """For a base, the layout that is proved on it; the table's for random weights, which the tests prove."""
        model = self.recipe.model
        if model.base == SCRATCH:
            return None
        layout = proven_layout(self.model, self.vocabulary, max_length=self.recipe.training.max_length)
        if self.progress:
            console.print(f"{model.base}: {self.model.config.model_type}, runs {layout}", highlight=False)
        return layout

    def _sized(self, args: TrainingArguments) -> Training:
        """The recipe's training with a number for ``micro_batch_tokens``: as found, and kept for every resume."""
        training = self.recipe.training
        if not isinstance(training.micro_batch_tokens, str):
            return training
        content = self.folder.read_recipe()
        tokens = content.get("micro_batch_tokens")
        if tokens is None:
            rate = max(largest_rate(stage.corruption.rate) for stage in self.recipe.stage)
            found = fitting_tokens(self.encoder, self.vocabulary, training, device=args.device, rate=rate)
            tokens = min(gather_object([found]) if args.world_size > 1 else [found])
            if args.process_index == 0:
                self.folder.write_json(self.folder.recipe, {**content, "micro_batch_tokens": tokens})
        if self.progress:
            console.print(f"micro_batch_tokens: {tokens:,}", highlight=False)
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
        return self.held_out.quick(self.encoder) if self._leads else {}

    def _plot(self, result: Mapping[str, Any]) -> None:
        opponents = {}
        if hidden := result["baselines"].get("same_letters_hidden"):
            scores = hidden[self.held_out.kinds[0]]
            families = [family for family in ("order", "two-sided") if any(score["name"].startswith(family) for score in scores)]
            opponents = {f"{score['name']} counts": score["bits"] for score in (best(scores, family) for family in families)}
        self.folder.plots.mkdir(exist_ok=True)
        loss_curve(self.metrics.read(), self.folder.plots / "loss.png", unit=self.held_out.unit, baselines=opponents)

    def _facts(self, result: Mapping[str, Any]) -> CardFacts:
        lines = self.metrics.read()
        return CardFacts(
            name=self.folder.path.resolve().name,
            adapter=self.adapter.name,
            architecture=self.model.config.model_type,
            num_parameters=self.model.num_parameters(),
            base=self.recipe.model.base,
            sources=tuple(Path(source).name or source for corpus in self.recipe.corpus for source in corpus.sources),
            num_tokens=self._training_tokens,
            num_steps=len(self.trainer.steps),
            seconds=lines[-1]["seconds"] if lines else 0.0,
            canonical_note=f"It reads canonical text ({self.adapter.canonical_version}).",
            evaluation=result,
            versions=library_versions(("domainbert", "torch", "transformers")),
        )


def _has_compiler() -> bool:
    """What torch.compile needs on a machine with a GPU beside torch itself."""
    return any(which(name) for name in ("cc", "gcc", "clang"))
