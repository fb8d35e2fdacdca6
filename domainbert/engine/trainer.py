"""The engine: a ``Trainer`` that owns the order, the packing and the loss, and leaves the rest to transformers."""

import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any, cast

import torch
from accelerate.utils import broadcast_object_list
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from domainbert.durable import whole_folder
from domainbert.engine.checkpoint import COMPLETE, checkpoint_path, keep_latest
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.freezing import freeze, frozen_names
from domainbert.engine.leak import require_causal
from domainbert.engine.losses import Losses
from domainbert.engine.optimizers import make_optimizer
from domainbert.engine.stages import learning_rate_factor, span_of
from domainbert.engine.steps import Step, Steps
from domainbert.engine.telemetry import FIGURE, MetricsLog, Speedometer, best_step
from domainbert.errors import RunError
from domainbert.recipe.schema import CAUSAL, Training

# Other processes wait in the first collective operation while the first one measures the model.
_TIMEOUT_SECONDS = 6 * 3600

HEADS = "objective_heads"
HEADS_FILE = "objective_heads.safetensors"

Evaluate = Callable[[], Mapping[str, float]]


class PackedTrainer(Trainer):
    """Trains a packed encoder on steps that are functions of their number.

    Args:
        encoder: the model, with its hooks in place.
        steps: every step of the run.
        losses: the objectives, whose own parameters join the model while it trains.
        training: the recipe's ``[training]``.
        checkpoints: folder for ``step-N`` folders.
        metrics: where logged steps go.
        evaluate: called every ``evaluation_steps``; its figures join the step's line.
        start_step: the first step to run, above 0 when resuming.
        callbacks: progress displays.
    """

    def __init__(
        self,
        encoder: PackedEncoder,
        steps: Steps,
        losses: Losses,
        training: Training,
        *,
        checkpoints: Path,
        metrics: MetricsLog,
        evaluate: Evaluate,
        start_step: int = 0,
        callbacks: list[TrainerCallback] | None = None,
        args: TrainingArguments,
    ) -> None:
        self._speed = Speedometer(encoder.model, device=args.device, precision=precision_of(args), num_ranks=args.world_size)
        if len(losses.heads):
            encoder.model.add_module(HEADS, losses.heads)
            apart = [f"{HEADS}.{name}" for name in losses.heads.state_dict()]
            DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(encoder.model, apart)  # type: ignore[no-untyped-call]
        super().__init__(encoder.model, args, callbacks=callbacks)
        self.remove_callback(PrinterCallback)
        self.encoder, self.steps, self.training, self.checkpoints = encoder, steps, training, checkpoints
        self.losses = losses
        self.metrics, self.measure, self.start_step = metrics, evaluate, start_step
        self.stop_requested = False
        self._recorded = start_step
        self._stage = -1
        self._frozen = [frozen_names(encoder.model, span.stage.freeze) for span in steps.spans]
        self._began: float | None = None
        self._losses: dict[str, Tensor] = {}
        self._micro_losses: list[Tensor] = []
        self._loss = torch.zeros(())
        self._step = Step((), 0, 0)

    def get_train_dataloader(self) -> DataLoader[dict[str, Step]]:
        """Steps from ``start_step`` on. Not prepared by accelerate, which would shard what is already this rank's share."""
        return DataLoader(
            _Items(self.steps),
            batch_size=None,
            sampler=range(self.start_step, len(self.steps)),
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.device.type == "cuda",
            # Its own generator: creating an iterator draws from the global one, and dropout after a resume would differ.
            generator=torch.Generator(),
            collate_fn=cast(Any, _unchanged),  # with batch_size=None it is given an item, which the annotation does not know
        )

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The recipe's optimizer."""
        if self.optimizer is None:
            self.optimizer = make_optimizer(model or self.encoder.model, self.training)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> LambdaLR:
        """One schedule for all stages, a function of the step."""
        if self.lr_scheduler is None:
            chosen = optimizer or self.optimizer
            assert chosen is not None
            self.lr_scheduler = LambdaLR(chosen, lambda step: learning_rate_factor(self.steps.spans, step))
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Forward and backward of one whole step.

        Returns:
            The step's loss over all processes.
        """
        if self._began is None:
            self._began = time.perf_counter() - self.metrics.seconds()
            self._speed.start()
        self._speed.fetched()
        model.train()
        step: Step = inputs["step"]
        self._step = step
        stage, span = span_of(self.steps.spans, self.state.global_step)
        self._enter(stage, begins=self.state.global_step == span.begin)
        weights = self.losses.weights(stage, span, self.state.global_step)
        losses: dict[str, Tensor] = {}
        self._micro_losses = []
        for number, micro_batch in enumerate(step.micro_batches):
            last = number + 1 == len(step.micro_batches)
            with nullcontext() if last else self.accelerator.no_sync(model):
                total = torch.zeros((), device=self.args.device)
                values = self.losses.values(stage, self.encoder, model, micro_batch.to(self.args.device), step.counts)
                for name, value in values.items():
                    total = total + weights[name] * value
                    losses[name] = losses.get(name, 0.0) + value.detach()
                # Distributed wrappers average gradients over processes; ours are shares of one sum.
                self.accelerator.backward(total * self.args.world_size)
                self._micro_losses.append(total.detach())
        if self.args.world_size > 1:
            for value in losses.values():
                torch.distributed.all_reduce(value)
            self.losses.share_gradients(self.args.world_size)
        self._losses = losses
        self._loss = sum((weights[name] * value for name, value in losses.items()), torch.zeros((), device=self.args.device))
        return self._loss

    def _enter(self, stage: int, *, begins: bool) -> None:
        """What a stage changes before its first step, here and wherever a run resumes inside it."""
        if stage == self._stage:
            return
        self._stage = stage
        freeze(self.encoder.model, self._frozen[stage])
        if self.steps.spans[stage].stage.attention == CAUSAL:
            require_causal(self.encoder, self.steps.maker.vocabulary, max_length=self.training.max_length)
        if begins and stage and self.steps.spans[stage].stage.optimizer_state == "reset":
            assert self.optimizer is not None
            self.optimizer.state.clear()

    def load_checkpoint(self, path: Path) -> None:
        """Give the model the weights of a checkpoint, without training on."""
        self._load_from_checkpoint(str(path))

    def _maybe_log_save_evaluate(self, tr_loss: Tensor, grad_norm: Any, model: nn.Module, *args: Any, **kwargs: Any) -> None:
        """After each step: log that step's own values, evaluate, save, and stop when asked to."""
        step = self.state.global_step
        if step == self._recorded:  # called again at the end of what the Trainer takes for an epoch
            return
        self._recorded = step
        last, stop = step == len(self.steps), self._stop_everywhere()
        speed = self._speed.stop(self._step, sum(map(self.encoder.num_computed, self._step.micro_batches)))
        self._require_finite(step, grad_norm)
        evaluate = _due(step, self.training.evaluation_steps) or last
        better = False
        if _due(step, self.training.logging_steps) or evaluate or stop:
            values = {"step": step, **self._step_values(step, grad_norm), **speed}
            if evaluate:
                values |= (measured := self.measure())
                better = self._is_better(measured)
            values["seconds"] = time.perf_counter() - (self._began or 0.0)
            if self.is_world_process_zero():
                self.metrics.write(values)
            self.control = self.callback_handler.on_log(self.args, self.state, self.control, values)
        if _due(step, self.training.save_steps) or last or stop or better:
            self._save_checkpoint(model, None)
        self.control.should_training_stop = self.control.should_training_stop or stop
        self._speed.start()

    def _is_better(self, measured: Mapping[str, float]) -> bool:
        """Whether the figure just measured is the best so far and its weights are to be kept; the same in every process."""
        if self.training.publish == "last":
            return False
        best = best_step(self.metrics.read())
        figure = next((value for name, value in measured.items() if name.startswith(FIGURE)), None)
        better = figure is not None and (best is None or figure < best[1])
        return bool(broadcast_object_list([better])[0])

    def _require_finite(self, step: int, grad_norm: Any) -> None:
        """Stop before weights that are no numbers any more are logged or saved; fp16 skips such steps by itself."""
        loss, norm = float(self._loss), 0.0 if grad_norm is None else float(grad_norm)
        if not math.isfinite(loss) or not (math.isfinite(norm) or self.args.fp16):
            broken = [number for number, value in enumerate(self._micro_losses) if not math.isfinite(float(value))]
            raise RunError(
                f"the loss is {loss} and the gradient's norm {norm} in step {step}, on {self.steps.places(step - 1, broken)}; start again "
                f"with a lower training.learning_rate, or look at those records (the checkpoints in {self.checkpoints} are from before)"
            )

    def _step_values(self, step: int, grad_norm: Any) -> dict[str, float]:
        return {
            "tokens": self._step.num_tokens,
            **{f"tokens_of_{name}": count for name, count in self._step.drawn.items()},
            "masked": self._step.num_selected,
            "loss": float(self._loss),
            # A term without a unit in this step has no value, which is not the value 0.
            **{f"loss_{name}": float(value) for name, value in self._losses.items() if self._step.counts[name]},
            "learning_rate": self.training.learning_rate * learning_rate_factor(self.steps.spans, step - 1),
            **({"grad_norm": float(grad_norm)} if grad_norm is not None and math.isfinite(grad_norm) else {}),
        }

    def _stop_everywhere(self) -> bool:
        """Whether any process was asked to stop: all must leave at the same step."""
        if self.args.world_size == 1:
            return self.stop_requested
        asked = torch.tensor(float(self.stop_requested), device=self.args.device)
        torch.distributed.all_reduce(asked)
        return bool(asked > 0)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        path = checkpoint_path(self.checkpoints, self.state.global_step)
        first = self.is_world_process_zero()
        with whole_folder(path) if first else nullcontext(path) as own:
            folder = str(broadcast_object_list([str(own)])[0])  # every process writes its share into the first one's folder
            self.save_model(folder, _internal_call=True)
            self._save_optimizer_and_scheduler(folder)
            self._save_scaler(folder)
            self._save_rng_state(folder)
            self.accelerator.wait_for_everyone()
            if first:
                self.state.save_to_json(str(Path(folder) / COMPLETE))
        if first:
            best = best_step(self.metrics.read()) if self.training.publish == "best" else None
            keep_latest(self.checkpoints, self.training.keep_checkpoints, also=best[0] if best else None)
        self.accelerator.wait_for_everyone()

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Weights and config only: ``training_args.bin`` is a pickle that nobody needs and that can hold a token."""
        if not self.args.should_save:  # newer versions of transformers call this in every process
            return
        assert output_dir is not None
        if state_dict is not None:
            state_dict = {name: value for name, value in state_dict.items() if not name.startswith(f"{HEADS}.")}
        with self.without_heads():
            self.encoder.model.save_pretrained(output_dir, state_dict=state_dict)
        if len(self.losses.heads):
            save_file(self.losses.heads.state_dict(), Path(output_dir) / HEADS_FILE)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        with self.without_heads():
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        if len(self.losses.heads):
            self.losses.heads.load_state_dict(load_file(Path(resume_from_checkpoint) / HEADS_FILE))

    @contextmanager
    def without_heads(self) -> Iterator[None]:
        """The model as it is published, for a while: without the parameters of its objectives."""
        heads = self.encoder.model._modules.pop(HEADS, None)
        try:
            yield
        finally:
            if heads is not None:
                self.encoder.model.add_module(HEADS, heads)


def training_arguments(training: Training, folder: Path, *, num_steps: int) -> TrainingArguments:
    """What of a recipe the ``Trainer`` itself acts on. Logging, saving, order and batches are ours."""
    precision = resolve_precision(training.precision)
    args = TrainingArguments(
        output_dir=str(folder),
        max_steps=num_steps,
        seed=training.seed,
        learning_rate=training.learning_rate,
        weight_decay=training.weight_decay,
        adam_beta1=training.beta1,
        adam_beta2=training.beta2,
        max_grad_norm=training.max_grad_norm,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=not torch.cuda.is_available(),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=1,
        ignore_data_skip=True,
        remove_unused_columns=False,
        logging_nan_inf_filter=False,
        logging_strategy="no",
        save_strategy="no",
        eval_strategy="no",
        disable_tqdm=True,
        report_to=list(training.report_to) or "none",
        run_name=folder.name,
        dataloader_num_workers=1 if torch.cuda.is_available() else 0,
        ddp_timeout=_TIMEOUT_SECONDS,
    )
    # One process drives one GPU: with more than one in sight the Trainer would copy the model to all of them (DataParallel).
    args._n_gpu = min(1, args.n_gpu)
    return args


def resolve_precision(precision: str) -> str:
    """``auto`` is bf16 on a GPU that has it, fp16 on older ones, fp32 elsewhere."""
    has_gpu = torch.cuda.is_available()
    has_bf16 = has_gpu and torch.cuda.is_bf16_supported()
    if precision == "fp16" and not has_gpu:
        raise RunError("training.precision = 'fp16' needs a GPU; take fp32, bf16 or auto")
    if precision == "bf16" and has_gpu and not has_bf16:
        raise RunError("training.precision = 'bf16': this GPU has no bf16; take fp16, fp32 or auto")
    if precision != "auto":
        return precision
    return "bf16" if has_bf16 else "fp16" if has_gpu else "fp32"


def precision_of(args: TrainingArguments) -> str:
    """The precision that arguments ask for."""
    return "bf16" if args.bf16 else "fp16" if args.fp16 else "fp32"


@contextmanager
def stop_on_signals(trainer: PackedTrainer) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into a checkpoint at the end of the step; a second Ctrl-C stops at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        if trainer.stop_requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        trainer.stop_requested = True

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Items(torch.utils.data.Dataset[dict[str, Step]]):
    """Steps in the mapping that the ``Trainer`` expects of a batch."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, step: int) -> dict[str, Step]:
        return {"step": self.steps[step]}


def _unchanged(item: dict[str, Step]) -> dict[str, Step]:
    return item


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
