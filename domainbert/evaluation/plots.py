"""Pictures of a run."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito 2008, Color Universal Design: told apart with every kind of colour vision; the dashes tell apart without colour
MODEL, TRAINING = "#0072B2", "#606060"
BASELINES = (("#D55E00", "--"), ("#009E73", "-."), ("#CC79A7", ":"), ("#000000", (0, (6, 2, 1, 2, 1, 2))))
SIZE_INCHES, DOTS_PER_INCH = (8.0, 5.6), 200  # 1,600 pixels wide: the lettering is still readable at half of that
LABEL_GAP = 0.075  # least distance of two labels, in heights of the plot
SMOOTHED_PARTS = 20  # the training loss is also shown as means over one part in so many of the run

Points = tuple[list[float], list[float]]


def loss_curve(
    metrics: Sequence[Mapping[str, float]],
    output: Path,
    *,
    unit: str,
    baselines: Mapping[str, float],
    meters: Mapping[str, tuple[str, float]] | None = None,
) -> None:
    """Draw held-out bits per letter beside what counting reaches, below it those of general text, and the training loss.

    Args:
        metrics: lines of ``metrics.jsonl``; ``step``, ``loss`` (nats per token) and ``validation_bits_per_<unit>`` are read
            where they are present and finite.
        output: the PNG file.
        unit: what a letter is called.
        baselines: bits per letter by name, drawn as level lines with their values.
        meters: by what it is called, general text: the name of its figure in ``metrics``, and that of the model before training.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    held_out, training = _points(metrics, f"validation_bits_per_{unit}"), _points(metrics, "loss", scale=1 / math.log(2))
    figure = Figure(SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    panels = [(held_out, baselines, f"held-out text: bits per {unit} (lower is better)")]
    for name, (metric, before) in (meters or {}).items():
        panels.append((_points(metrics, metric), {"before": before}, f"held-out {name}: what the model forgets"))
    panels = [panel for panel in panels if panel[0][0]]
    axes = figure.subplots(len(panels) + 1, 1, sharex=bool(panels), height_ratios=(*(3 for _ in panels), 1), squeeze=False)[:, 0]
    for upper, (points, levels, title) in zip(axes, panels, strict=False):
        _draw_held_out(upper, points, levels)
        upper.set_title(title, loc="left", fontsize=12)
    lower = axes[-1]
    _draw_training(lower, training)
    lower.set_xlabel("training step", fontsize=11)
    figure.savefig(output, metadata={"Software": "domainbert"})


def _points(metrics: Sequence[Mapping[str, float]], name: str, *, scale: float = 1.0) -> Points:
    kept = [(line["step"], line[name] * scale) for line in metrics if name in line and math.isfinite(line[name])]
    return [step for step, _ in kept], [value for _, value in kept]


def _draw_held_out(axes: "Axes", points: Points, baselines: Mapping[str, float]) -> None:
    steps, bits = points
    axes.plot(steps, bits, color=MODEL, linewidth=2.2, marker="o", markersize=4.5, zorder=3)
    labels = [(bits[-1], f"this model {bits[-1]:.3f}", MODEL)]
    for (name, value), number in zip(baselines.items(), range(len(baselines)), strict=True):
        colour, dashes = BASELINES[number % len(BASELINES)]
        axes.axhline(value, color=colour, linestyle=dashes, linewidth=1.6)
        labels.append((value, f"{name} {value:.3f}", colour))
    # the first figures of a model from random weights lie far above all others: they may leave the picture
    shown = [*bits[len(bits) // 2 :], *baselines.values()]
    low, high = min(shown), max(shown)
    margin = 0.12 * (high - low) + 0.002
    axes.set_ylim(low - margin, high + 2 * margin)
    _dress(axes)
    _label(axes, labels)


def _draw_training(axes: "Axes", points: Points) -> None:
    steps, bits = points
    axes.set_title("training loss: bits per token" if bits else "no training step was logged", loc="left", fontsize=11)
    _dress(axes)
    if not bits:
        axes.set(xticks=[], yticks=[])
        return
    axes.plot(steps, bits, color=TRAINING, alpha=0.35, linewidth=0.9)
    width = max(1, len(bits) // SMOOTHED_PARTS)
    half = (width - 1) // 2
    means = np.convolve(bits, np.full(width, 1 / width), mode="valid")
    axes.plot(steps[half : half + len(means)], means, color=TRAINING, linewidth=1.8)
    settled = bits[len(bits) // 10 :]  # the first steps may leave the picture, as above
    margin = 0.08 * (max(settled) - min(settled)) + 0.01
    axes.set_ylim(min(settled) - margin, max(settled) + margin)


def _dress(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=10)


def _label(axes: "Axes", labels: Sequence[tuple[float, str, str]]) -> None:
    """Names on the right margin, beside their lines, pushed apart where lines are close."""
    low, high = axes.get_ylim()
    ordered = sorted(labels)
    heights: list[float] = []
    for value, _, _ in ordered:
        height = min(max((value - low) / (high - low), 0.0), 1.0)
        heights.append(max(height, heights[-1] + LABEL_GAP) if heights else height)
    for lower in range(len(heights) - 2, -1, -1):  # down again from the top, if they were pushed out of it
        heights[-1] = min(heights[-1], 1.0)
        heights[lower] = min(heights[lower], heights[lower + 1] - LABEL_GAP)
    for height, (_, text, colour) in zip(heights, ordered, strict=True):
        axes.text(1.01, height, text, color=colour, fontsize=11, va="center", transform=axes.transAxes)
