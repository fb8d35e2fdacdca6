"""Shows training as it goes, on stderr: a bar in a terminal, a line now and then elsewhere."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import TrainerCallback

console = Console(stderr=True)


class ProgressDisplay(TrainerCallback):
    """Steps done, the loss, the last held-out figure and the time left.

    Args:
        start_step: steps done before, when resuming.
        num_steps: of the run.
        enabled: whether to show anything.
    """

    def __init__(self, start_step: int, num_steps: int, *, enabled: bool) -> None:
        self._start, self._num_steps, self._enabled = start_step, num_steps, enabled
        self._loss: float | None = None
        self._task: TaskID | None = None
        self._bar = Progress(
            TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=console, disable=not (enabled and console.is_terminal),
        )  # fmt: skip

    def __enter__(self) -> None:
        self._bar.start()
        self._task = self._bar.add_task("training", total=self._num_steps, completed=self._start, note="")

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        """Move the bar; print a line where there is something measured to say."""
        values = logs or {}
        if "loss" not in values or self._task is None or not self._enabled:
            return
        # The loss of one step is noisy: show a running mean over about twenty.
        self._loss = values["loss"] if self._loss is None else 0.95 * self._loss + 0.05 * values["loss"]
        self._bar.update(self._task, completed=state.global_step, note=f"loss {self._loss:.3f}")
        measured = {name: value for name, value in values.items() if name.startswith("validation_bits")}
        for name, value in measured.items():
            words = name.removeprefix("validation_").replace("_", " ")
            console.print(f"step {state.global_step:>6}  loss {self._loss:.3f}  held out {value:.3f} {words}", highlight=False)
