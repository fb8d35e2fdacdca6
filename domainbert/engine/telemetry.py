"""What a run says while it trains: one line a logged step in ``metrics.jsonl``, and how well the machine is used."""

import json
import platform
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from domainbert.durable import write_text
from domainbert.engine.model import embedding_weight
from domainbert.engine.steps import Step


class MetricsLog:
    """``metrics.jsonl``: one object a logged step, each with that step's own values."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cut_back(self, step: int) -> None:
        """Forget everything after a step, such as what a killed run logged past its last checkpoint."""
        kept = [line for line in self.read() if line["step"] <= step]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))

    def seconds(self) -> float:
        """How long the run has trained so far."""
        lines = self.read()
        return float(lines[-1]["seconds"]) if lines else 0.0

    def write(self, values: Mapping[str, float]) -> None:
        """Append one line."""
        with self.path.open("a") as out:
            out.write(json.dumps(dict(values)) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """Every whole line; a last line cut short by a crash is left out."""
        lines = []
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    break
        return lines


FIGURE = "validation_bits_per_"
"""How the names of held-out figures in ``metrics.jsonl`` begin."""


def best_step(lines: Sequence[Mapping[str, Any]]) -> tuple[int, float] | None:
    """Step and value of the lowest held-out figure, the earliest of equal ones; ``None`` where nothing was held out."""
    scored = [(value, line["step"]) for line in lines for name, value in line.items() if name.startswith(FIGURE)]
    return min(scored)[::-1] if scored else None


class Speedometer:
    """Tokens a second, model-FLOPs utilisation and where the rest went, of training steps without evaluation and saving.

    Args:
        model: counts its parameters.
        device: whose matrix rate is measured once.
        precision: of the matrix products, ``fp32``, ``bf16`` or ``fp16``.
        num_ranks: devices that share a step.
    """

    def __init__(self, model: PreTrainedModel, *, device: torch.device, precision: str, num_ranks: int) -> None:
        self._device = device
        self._rate = num_ranks * matrix_rate(device, precision)
        self._flops = FlopsCounter(model)
        self._mark = self._fetched = time.perf_counter()

    def start(self) -> None:
        """Begin timing a step: the next one is being fetched."""
        self._mark = self._fetched = time.perf_counter()

    def fetched(self) -> None:
        """The step's data are there; the model begins."""
        self._fetched = time.perf_counter()

    def stop(self, step: Step, num_computed: int) -> dict[str, float]:
        """Figures of the step that ends now, as soon as the device has done it.

        Args:
            step: what was trained on.
            num_computed: tokens that this process's model computed, padding included.
        """
        _wait(self._device)
        seconds = time.perf_counter() - self._mark
        real = sum(len(micro.input_ids_T) for micro in step.micro_batches)
        return {
            "tokens_per_second": step.num_tokens / seconds,
            "mfu": self._flops.of(step) / seconds / self._rate,
            "packing_efficiency": real / num_computed,
            "data_wait": (self._fetched - self._mark) / seconds,
            "peak_memory_bytes": peak_memory(self._device),
        }


def peak_memory(device: torch.device) -> int:
    """Most memory that this process has held so far, in bytes: the GPU's on a GPU, else the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # kilobytes but on macOS


def hardware(device: torch.device, *, num_ranks: int) -> str:
    """What a run runs on, for people: ``1 x NVIDIA H100 80GB HBM3``, ``2 cores of AMD EPYC 9R14``."""
    if device.type == "cuda":
        return f"{num_ranks} x {torch.cuda.get_device_name(device)}"
    if device.type != "cpu":
        return f"{num_ranks} x {device.type}"
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = num_ranks * torch.get_num_threads()
    return f"{cores} {'core' if cores == 1 else 'cores'} of {names[0] if names else platform.processor() or platform.machine()}"


class FlopsCounter:
    """Floating-point operations that a training step needs, from its real tokens.

    Forward and backward cost 6 for each weight and token (Kaplan et al. 2020, section 2.1); attention scores and sums cost
    12 x hidden x length for each token and layer; the head counts for selected positions only.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        embeddings = embedding_weight(model)
        inside = {id(p) for p in model.base_model.parameters()}
        head = sum(p.numel() for p in model.parameters() if id(p) not in inside)
        output = model.get_output_embeddings()  # type: ignore[no-untyped-call]
        tied = embeddings.numel() if output is not None and output.weight is embeddings else 0
        self._per_token = 6 * (sum(p.numel() for p in model.base_model.parameters()) - embeddings.numel())
        self._per_selected = 6 * (head + tied)
        self._per_pair = 12 * model.config.num_hidden_layers * model.config.hidden_size

    def of(self, step: Step) -> float:
        """Operations of the step; a shared step counts what this process sees times the ratio of tokens."""
        mine = sum(len(micro.input_ids_T) for micro in step.micro_batches)
        pairs = sum(count * length**2 for micro in step.micro_batches for _, count, length in micro.groups)
        whole = step.num_tokens / mine
        return float(self._per_token * step.num_tokens + self._per_selected * step.num_selected + self._per_pair * pairs * whole)


def matrix_rate(device: torch.device, precision: str) -> float:
    """Multiply-adds x 2 a second that the device reaches on a large matrix product; takes a fraction of a second."""
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    size = 8192 if device.type == "cuda" else 1024
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(4):
        _wait(device)
        start = time.perf_counter()
        left @ right
        _wait(device)
        best = min(best, time.perf_counter() - start)
    return 2.0 * size**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

