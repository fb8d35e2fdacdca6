"""Pictures of tasks: scores with their intervals, and texts as a model sees them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.downstream.tables import TITLES
from domainbert.durable import whole_file
from domainbert.errors import DomainBertError
from domainbert.evaluation.plots import BASELINES, DOTS_PER_INCH, MODEL, TRAINING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"model": MODEL, "base": "#56B4E9", "random": TRAINING, "trivial": "#D55E00", "majority": "#C0C0C0"}
# Okabe and Ito 2008, without yellow, which is too light for points, and what more labels need.
LABELS = (MODEL, *(colour for colour, _ in BASELINES[:3]), "#E69F00", "#56B4E9", "#000000", "#8B5A2B", "#7F7F7F")
METHODS = {"tsne": "t-SNE", "pca": "PCA", "umap": "UMAP"}
PERPLEXITY = 30  # van der Maaten and Hinton 2008: 5 to 50


def score_bars(name: str, task: Mapping[str, Any], output: Path) -> None:
    """One bar an opponent, longest interval shown, the model's first.

    Args:
        name: of the task.
        task: as ``evaluate`` returns it.
        output: the PNG file.
    """
    lines, metric = task["scores"], task["metric"]
    figure = _figure((8.0, 1.4 + 0.42 * len(lines)))
    axes = figure.subplots()
    for place, line in enumerate(reversed(lines)):
        value, low, high = line["scores"][metric]["mean"], line["interval"]["low"], line["interval"]["high"]
        if value is None or not np.isfinite(value):
            continue
        axes.barh(place, value, color=COLOURS[line["role"]], height=0.7)
        end = max(value, 0.0)
        if high is not None and np.isfinite(high):
            axes.plot([low, high], [place, place], color="#000000", linewidth=1.5)
            end = max(end, high)
        axes.text(end, place, f" {value:.3f}", va="center", fontsize=10)
    axes.set_yticks(range(len(lines)), [f"{line['name']} ({line['method']})" for line in reversed(lines)], fontsize=10)
    axes.axvline(0, color="#000000", linewidth=0.8)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{name}: {TITLES[metric]} on {task['split']['test']:,} test rows, 95 % intervals", loc="left", fontsize=12)
    _save(figure, output)


def draw_map(model: str, task: str, output: Path, *, data: Path | None, adapter: str, method: str, max_rows: int) -> None:
    """Test rows of a task, one point each, coloured by label.

    Raises:
        DomainBertError: the model or the task is not usable, or UMAP is not installed.
    """
    from domainbert.downstream.dataset import load_dataset, pick, split_rows
    from domainbert.downstream.task import find_task
    from domainbert.embedding.encoder import Encoder
    from domainbert.embedding.loading import adapter_for, model_folder

    found = adapter_for(model_folder(model), adapter)
    dataset = load_dataset(find_task(task, found, data=data), found)
    if dataset.task.kind in ("tokens", "multilabel"):
        raise DomainBertError(f"task {dataset.task.name!r} has no single label a text; a map needs classification or regression")
    rows = np.random.default_rng(0).permutation(split_rows(dataset, seed=0).test)[:max_rows]
    vectors = Encoder.from_pretrained(model, adapter=found).encode(pick(dataset.texts, rows), mirror=dataset.task.mirror)
    points = _flattened(vectors.astype(np.float64), method)
    title = f"{dataset.task.name}: {len(rows):,} test rows by {METHODS[method]}, {Path(model).name}"
    map_picture(points, dataset.labels[rows], dataset.classes, output, title=title)


def map_picture(points: NDArray[np.float64], labels: NDArray[Any], classes: tuple[str, ...], output: Path, *, title: str) -> None:
    """Points in the plane, coloured by class, or by value where there are no classes."""
    figure = _figure((8.0, 6.4))
    axes = figure.subplots()
    if classes:
        counts = np.bincount(labels, minlength=len(classes))
        shown = np.argsort(-counts, kind="stable")[: len(LABELS) - 1]
        for number, colour in zip(shown.tolist(), LABELS, strict=False):
            mine = labels == number
            named = f"{classes[number]} ({counts[number]:,})"
            axes.scatter(points[mine, 0], points[mine, 1], s=9, color=colour, alpha=0.7, linewidths=0, label=named)
        rest = ~np.isin(labels, shown)
        if rest.any():
            named = f"others ({rest.sum():,})"
            axes.scatter(points[rest, 0], points[rest, 1], s=9, color=LABELS[-1], alpha=0.4, linewidths=0, label=named)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=10, markerscale=2)
    else:
        drawn = axes.scatter(points[:, 0], points[:, 1], s=9, c=labels, cmap="viridis", alpha=0.8, linewidths=0)
        figure.colorbar(drawn, ax=axes)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, loc="left", fontsize=12)
    _save(figure, output)


def _flattened(vectors: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(vectors)
    reduced = PCA(min(50, *scaled.shape), random_state=0).fit_transform(scaled)
    if method == "pca":
        return np.asarray(reduced[:, :2])
    if method == "tsne":
        return np.asarray(TSNE(perplexity=min(PERPLEXITY, (len(reduced) - 1) / 3), init="pca", random_state=0).fit_transform(reduced))
    try:
        from umap import UMAP  # type: ignore[import-not-found, unused-ignore]  # an extra
    except ImportError:
        raise DomainBertError("--method umap needs umap-learn: pip install 'domainbert[umap]'; or use tsne or pca") from None
    return np.asarray(UMAP(random_state=0).fit_transform(reduced))


def _figure(size: tuple[float, float]) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: "Figure", output: Path) -> None:
    with whole_file(output) as partial:
        figure.savefig(partial, format="png", metadata={"Software": "domainbert"})
