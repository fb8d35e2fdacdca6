"""The loss curve, looked at as a reader would: by its pixels."""

import itertools
import math

import numpy as np
import pytest

from domainbert.evaluation import plots
from domainbert.evaluation.plots import loss_curve


def metrics(num_steps=60, every=10):
    lines = []
    for step in range(1, num_steps + 1):
        bits = 1.9 + 0.3 * math.exp(-step / 15)
        line = {"step": step, "loss": (bits + 0.01 * math.sin(step)) * math.log(2)}
        lines.append(line | ({"validation_bits_per_base": bits} if step % every == 0 else {}))
    return lines


def picture(path):
    from matplotlib.image import imread

    return np.rint(imread(path)[:, :, :3] * 255).astype(int)


def where(pixels, colour):
    """Pixels of that very colour."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return (pixels == wanted).all(axis=2)


def test_curve_and_baselines_are_drawn_in_their_own_colours(tmp_path):
    loss_curve(metrics(), tmp_path / "loss.png", unit="base", baselines={"order 6 counts": 1.96, "two-sided counts": 1.93})
    pixels = picture(tmp_path / "loss.png")
    assert pixels.shape[1] == 1600
    curve = where(pixels, plots.MODEL)
    rows, columns = np.nonzero(curve)
    assert columns.max() - columns.min() > 0.5 * 1600  # the curve and its label span the picture
    right = columns < 0.7 * 1600
    assert rows[right][columns[right].argmin()] < rows[right][columns[right].argmax()]  # and it falls
    for colour, _ in plots.BASELINES[:2]:
        assert where(pixels, colour).sum() > 2000
    for colour, _ in plots.BASELINES[2:3]:
        assert where(pixels, colour).sum() == 0
    heights = [np.median(np.nonzero(where(pixels, colour))[0]) for colour, _ in plots.BASELINES[:2]]
    assert heights[0] < heights[1]  # 1.96 is drawn above 1.93


def test_labels_of_close_lines_do_not_touch(tmp_path):
    close = {"counting a": 1.9010, "counting b": 1.9011, "counting c": 1.9012}
    loss_curve(metrics(), tmp_path / "loss.png", unit="base", baselines=close)
    pixels = picture(tmp_path / "loss.png")
    margin = pixels[: int(0.68 * len(pixels)), -130:]  # the right margin holds labels only
    colours = [plots.MODEL, *(colour for colour, _ in plots.BASELINES[:3])]
    rows = [np.flatnonzero(where(margin, colour).any(axis=1)) for colour in colours]
    spans = sorted((found.min(), found.max()) for found in rows)
    assert len(spans) == 4
    assert all(upper[1] < lower[0] for upper, lower in itertools.pairwise(spans))


@pytest.mark.parametrize("lines", [[], metrics(3, every=9), metrics(1, every=1), [{"step": 1, "loss": math.nan}]])
def test_short_runs_give_a_picture_too(tmp_path, lines):
    loss_curve(lines, tmp_path / "loss.png", unit="base", baselines={"order 3": 1.96})
    pixels = picture(tmp_path / "loss.png")
    assert 0.001 < (pixels.sum(axis=2) < 600).mean() < 0.5


def test_the_same_metrics_give_the_same_file(tmp_path):
    for name in ("one.png", "two.png"):
        loss_curve(metrics(), tmp_path / name, unit="base", baselines={"order 3": 1.96})
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
