"""``domainbert pretrain`` and ``domainbert resume``: training, and what it came to."""

import os
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from domainbert.cli.arguments import BaseOption, CorpusOption, EncodingOption, Overrides, TeacherOption
from domainbert.cli.plan import render as render_plan
from domainbert.errors import RecipeError
from domainbert.recipe.load import load_recipe

if TYPE_CHECKING:
    from domainbert.pretraining import RunResult
    from domainbert.recipe.schema import Recipe

_INTERRUPTED = 130


def pretrain(
    overrides: Overrides = None,
    recipe: Annotated[
        str, typer.Option("--recipe", help="A shipped recipe's name, or a TOML file; a preset when left out.", metavar="NAME|FILE")
    ] = "",
    corpus: CorpusOption = None,
    base: BaseOption = "",
    teacher: TeacherOption = "",
    adapter: Annotated[str, typer.Option("--adapter", help="The domain, where there is no --recipe.", metavar="NAME")] = "",
    encoding: EncodingOption = "",
    output: Annotated[
        Path | None, typer.Option("--output", help="The run's folder; a new one under runs/ when left out.", metavar="DIR")
    ] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Train another model first, on the same samples, masked where the recipe is causal.")
    ] = False,
) -> None:
    """Adapt an encoder: corpus to token store to training to evaluation to a model folder.

    Examples:
    domainbert pretrain --recipe dna
    domainbert pretrain --recipe dna --corpus genomes/ --output runs/mine training.seed=3
    domainbert pretrain --recipe biomedical-clm-detour --control
    domainbert pretrain --base answerdotai/ModernBERT-base --corpus notes.jsonl --adapter biomedical
    """
    overrides = [*(overrides or ()), *([f"corpus.options.encoding={encoding}"] if encoding else ())]
    if recipe and adapter:
        raise RecipeError(f"--adapter {adapter} goes without --recipe; a recipe's own is set by: adapter={adapter}")
    text = ""
    if recipe:
        loaded = load_recipe(recipe, overrides=overrides, corpus=corpus or (), base=base, teacher=teacher)
    else:
        loaded, text = _preset(adapter, base, corpus or [], overrides, teacher)
    if _speaks():
        from domainbert.recipe.plan import make_plan

        typer.echo(render_plan(make_plan(loaded)) + ("\nAll of it twice: first the control." if control else "") + "\n", err=True)
    from domainbert.pretraining import pretrain as train

    _finish(train(loaded, output=output, control=control, progress=_speaks(), text=text))


def resume(
    folder: Annotated[Path, typer.Argument(help="The folder of an interrupted run.", metavar="DIR")],
    steps: Annotated[
        int, typer.Option("--steps", help="Train a finished run on to N steps in all: its last stage once more.", min=0, metavar="N")
    ] = 0,
) -> None:
    """Continue an interrupted run exactly where its last checkpoint left it; a finished run is left as it is.

    Examples:
    domainbert resume runs/mine
    domainbert resume runs/mine --steps 20000
    """
    from domainbert.pretraining import resume as continue_run

    _finish(continue_run(folder, num_steps=steps, progress=_speaks()))


def _preset(adapter: str, base: str, corpus: list[str], overrides: list[str], teacher: str) -> "tuple[Recipe, str]":
    """What suits the base, the corpus and this machine, shown as the recipe that it is."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise RecipeError("a preset is chosen by one process: run this without a launcher once, then launch with its recipe.toml")
    from domainbert.pretraining.situation import preset_recipe

    recipe, text = preset_recipe(adapter, base=base, corpus=corpus, overrides=overrides, teacher=teacher)
    typer.echo(f"{text}\n(kept as recipe.toml in the run's folder)\n", err=True)
    return recipe, text


def _finish(result: "RunResult") -> None:
    """Say how good the model is, where it lies and how to load it."""
    if result.interrupted:
        if _speaks():
            typer.echo(f"interrupted, with a checkpoint saved; continue with: domainbert resume {result.folder}", err=True)
        raise typer.Exit(_INTERRUPTED)
    if not _speaks():
        return
    from domainbert.evaluation.report import render
    from domainbert.publishing.card import loading_lines
    from domainbert.publishing.contract import Contract

    contract = Contract.read(result.model)
    loading = indent(loading_lines(str(result.model), before=contract.loads_after if contract else ""), "    ")
    typer.echo(f"\n{render(result.evaluation)}\n\n{loading}\n\nThe model is in", err=True)
    typer.echo(result.model)


def _speaks() -> bool:
    """Whether this process is the one that talks, under torchrun the first."""
    return os.environ.get("RANK", "0") == "0"
