"""``domainbert plan``: what a recipe will cost."""

import json
from typing import TYPE_CHECKING

import typer

from domainbert.cli.arguments import BaseOption, CorpusOption, JsonOption, Overrides, RecipeOption, TeacherOption
from domainbert.cli.table import columns, duration, quantity, size
from domainbert.recipe.load import load_recipe
from domainbert.recipe.schema import SCRATCH

if TYPE_CHECKING:
    from domainbert.recipe.plan import Plan


def plan(
    recipe: RecipeOption,
    overrides: Overrides = None,
    corpus: CorpusOption = None,
    base: BaseOption = "",
    teacher: TeacherOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show parameters, tokens, steps, memory, disk and time of a recipe, without training.

    Example: domainbert plan --recipe dna --corpus genomes/ training.max_length=1024
    """
    from domainbert.recipe.plan import make_plan

    made = make_plan(load_recipe(recipe, overrides=overrides or (), corpus=corpus or (), base=base, teacher=teacher))
    typer.echo(json.dumps(made.to_dict(), indent=1, ensure_ascii=False) if as_json else render(made))


def render(plan: "Plan") -> str:
    """A plan as a table for people."""
    rows = [("model", _model(plan))]
    rows += [(f"corpus {each.corpus}", _source(each.source, each.num_files, each.num_bytes)) for each in plan.sources]
    rows += [(f"stage {each.name}", f"{_steps(each.num_steps)}, {quantity(each.num_tokens)} tokens") for each in plan.stages]
    if len(plan.stages) > 1:
        rows.append(("together", f"{_steps(plan.num_steps)}, {quantity(plan.num_tokens)} tokens"))
    memory = "not known yet"
    if plan.weight_bytes is not None and plan.activation_bytes is not None:
        total = size(plan.weight_bytes + plan.activation_bytes)
        memory = f"about {total}: weights, gradients and optimizer {size(plan.weight_bytes)}, activations {size(plan.activation_bytes)}"
    stores = size(plan.store_bytes) if plan.store_bytes is None else f"at most about {size(plan.store_bytes)}"
    rows += [
        ("operations", f"{quantity(plan.flops)}"),
        ("memory", memory),
        ("disk", f"checkpoints and model about {size(plan.checkpoint_bytes)}, token stores {stores}"),
        ("time", f"{duration(plan.seconds)} on this CPU (its matrix rate now: {plan.flops_per_second / 1e9:.0f} GFLOP/s)"),
    ]
    return "\n".join([columns(rows), *(f"note: {note}" for note in plan.notes)])


def _model(plan: "Plan") -> str:
    start = "random weights" if plan.base == SCRATCH else plan.base
    return f"{start}, {quantity(plan.num_parameters)} parameters, vocabulary of {quantity(plan.vocabulary_size)}"


def _steps(count: int | None) -> str:
    return "steps not known yet" if count is None else f"{count:,} steps"


def _source(source: str, num_files: int | None, num_bytes: int | None) -> str:
    if num_files is None:
        return source
    return f"{source}: {num_files:,} {'file' if num_files == 1 else 'files'}, about {size(num_bytes)} unpacked"
