"""``domainbert evaluate``: labelled tasks, the model beside its company."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from domainbert.cli.arguments import JsonOption
from domainbert.cli.embed import ModelAdapter, ModelArgument, accepted
from domainbert.errors import DomainBertError

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Where the files of built-in tasks lie.", metavar="DIR", exists=True, file_okay=False)
]
TasksOption = Annotated[list[str] | None, typer.Option("--task", help="A built-in task, or a TOML file; repeatable.", metavar="NAME|FILE")]
SplitOption = Annotated[
    str,
    typer.Option(
        "--split",
        help="files, column, ids, group (or its name: scaffold, author ...), near, random or time instead of the task's own; of pairs "
        "also cold-drug, cold-target, cold-both.",
        metavar="HOW",
    ),
]


def evaluate(  # noqa: PLR0913, PLR0917  # one parameter an option
    model: ModelArgument,
    task: TasksOption = None,
    against: Annotated[str, typer.Option("--against", help="What it is compared with: its base.", metavar="MODEL")] = "",
    data: DataOption = None,
    adapter: ModelAdapter = "",
    method: Annotated[
        list[str] | None, typer.Option("--method", help="probe, knn or finetune; of pairs kernel and head; repeatable.", metavar="METHOD")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="How many.", min=1, max=100)] = 3,
    split: SplitOption = "",
    rows: Annotated[int, typer.Option("--rows", help="At most so many of each split, drawn by a fixed rule; 0 for all.", min=0)] = 0,
    epochs: Annotated[int, typer.Option("--epochs", help="Of the method finetune.", min=1)] = 3,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Of the method finetune.", min=1e-8, max=1.0)] = 5e-5,
    corpus: Annotated[
        list[str] | None, typer.Option("--corpus", help="Text that no model has seen: files, folders, globs; repeatable.", metavar="SRC")
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            "--measure",
            help="On text: masked, diffusion (a bound on code length) or pseudo (pseudo-perplexity); repeatable. "
            "Without --corpus, on what the run held out.",
            metavar="HOW",
        ),
    ] = None,
    column: Annotated[str, typer.Option("--column", help="Where the texts of --corpus are in a table.", metavar="NAME")] = "",
    view: Annotated[
        list[str] | None,
        typer.Option(
            "--view",
            help="That text once more as a view of the adapter spells it, such as ocr or no_accents of french; repeatable.",
            metavar="NAME",
        ),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", help="Of the measure diffusion.", min=1)] = 16,
    tokens: Annotated[int, typer.Option("--tokens", help="That the measure pseudo hides, each in a pass of its own.", min=1)] = 1000,
    output: Annotated[Path | None, typer.Option("--output", help="JSON; a run's evaluation.json when left out.", metavar="FILE")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a model beside its base, random weights and trivial methods: on labelled tasks, whose faults are printed first, or on text.

    Examples:
    domainbert evaluate runs/dna --task promoter-tata --data dna/tasks
    domainbert evaluate runs/mine/model --against path/to/base --task task.toml --method probe --method knn --seeds 5
    domainbert evaluate runs/mine --against path/to/base --corpus new/ --measure masked --measure diffusion
    domainbert evaluate runs/french --measure masked --view ocr --view no_accents
    """
    methods = _each(method or ["probe"], "--method", ("probe", "knn", "finetune", "head", "kernel"))
    measures = _each(measure or (["masked"] if corpus or view else []), "--measure", ("masked", "diffusion", "pseudo"))
    if not task and not measures:
        raise DomainBertError(
            f"no task is named: give --task NAME or --task FILE.toml; {_built_in(model, adapter)}; or text with --corpus SRC"
        )
    from domainbert.downstream.corpora import TextRequest
    from domainbert.downstream.finetune import FineTuning
    from domainbert.downstream.run import Request
    from domainbert.downstream.run import evaluate as evaluated
    from domainbert.downstream.tables import render

    texts = TextRequest(tuple(corpus or ()), measures, draws, tokens, tuple(dict.fromkeys(view or ()))) if measures else None
    tuning = FineTuning(epochs, learning_rate)
    request = Request(model, against, tuple(task or ()), data, adapter, methods, seeds, split, rows, tuning, texts, column)
    results = evaluated(request, report=lambda text: typer.echo(text, err=True))
    if output is not None:
        _keep(results, output, pictures=output.parent, prefix=f"{output.stem}-")
    elif (Path(model) / "recipe.json").is_file():
        _keep(results, Path(model) / "evaluation.json", pictures=Path(model) / "plots")
    typer.echo(json.dumps(results, indent=1, ensure_ascii=False) if as_json else render(results))


def _each(values: list[str], option: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The values of a repeatable option, each once; one that is not known is an error."""
    for value in values:
        accepted(value, option, known)
    return tuple(dict.fromkeys(values))


def _keep(results: dict[str, Any], target: Path, *, pictures: Path, prefix: str = "") -> None:
    """Write the results, and a picture of each task's scores."""
    from domainbert.downstream.pictures import score_bars
    from domainbert.downstream.run import write_results

    write_results(results, target)
    pictures.mkdir(exist_ok=True)
    for name, scores in results["tasks"].items():
        score_bars(name, scores, pictures / f"{prefix}{name}.png")
    typer.echo(f"written to {target}", err=True)


def map_texts(
    model: ModelArgument,
    task: Annotated[str, typer.Option("--task", help="A built-in task, or a TOML file: its test rows are drawn.", metavar="NAME|FILE")],
    output: Annotated[Path, typer.Option("--output", help="The picture.", metavar="FILE.png")],
    data: DataOption = None,
    adapter: ModelAdapter = "",
    method: Annotated[str, typer.Option("--method", help="tsne, pca or umap (an extra).", metavar="METHOD")] = "tsne",
    rows: Annotated[int, typer.Option("--rows", help="At most so many.", min=10)] = 2000,
) -> None:
    """Draw the texts of a task as a model sees them, one point each, coloured by label.

    Example: domainbert map runs/dna --task promoter-tata --data dna/tasks --output map.png
    """
    accepted(method, "--method", ("tsne", "pca", "umap"))
    from domainbert.downstream.pictures import draw_map

    draw_map(model, task, output, data=data, adapter=adapter, method=method, max_rows=rows)
    typer.echo(output)


def _built_in(model: str, adapter: str) -> str:
    from domainbert.embedding.loading import adapter_for, model_folder

    found = adapter_for(model_folder(model), adapter)
    names = ", ".join(found.tasks())
    return f"adapter {found.name!r} has {names}" if names else f"adapter {found.name!r} has none built in"
