"""``domainbert recipes``: what ships, what is in it, a copy to edit, and a check of one's own."""

import json
from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli.arguments import JsonOption, Overrides
from domainbert.cli.table import columns
from domainbert.errors import RecipeError
from domainbert.recipe.document import fingerprint, to_dict, to_toml
from domainbert.recipe.load import find_recipe, load_recipe
from domainbert.resources import recipe_files

app = typer.Typer(no_args_is_help=True, help="List, show, copy and check recipes.")


@app.command("list")
def list_recipes(as_json: JsonOption = False) -> None:
    """List the shipped recipes.

    Example: domainbert recipes list
    """
    recipes = {name: load_recipe(name) for name in recipe_files()}
    if as_json:
        entries = [{"name": name, "adapter": each.adapter, "summary": each.summary} for name, each in recipes.items()]
        typer.echo(json.dumps(entries, indent=1, ensure_ascii=False))
        return
    typer.echo(columns([("recipe", "adapter", "what it does"), *((name, each.adapter, each.summary) for name, each in recipes.items())]))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A shipped recipe's name, or a TOML file.", metavar="NAME|FILE")],
    overrides: Overrides = None,
    as_json: JsonOption = False,
) -> None:
    """Print a recipe with every default written out, as TOML.

    Example: domainbert recipes show dna training.seed=3
    """
    recipe = load_recipe(name, overrides=overrides or ())
    if as_json:
        typer.echo(json.dumps({"fingerprint": fingerprint(recipe), "recipe": to_dict(recipe)}, indent=1, ensure_ascii=False))
    else:
        typer.echo(to_toml(recipe), nl=False)


@app.command()
def copy(
    name: Annotated[str, typer.Argument(help="A shipped recipe's name.", metavar="NAME")],
    file: Annotated[Path, typer.Argument(help="Where to write it; must not exist yet.", metavar="FILE")],
) -> None:
    """Copy a shipped recipe, comments and all, to edit it.

    Example: domainbert recipes copy dna my.toml
    """
    source, _ = find_recipe(name)
    try:
        content = source.read_bytes()
        with file.open("xb") as target:
            target.write(content)
    except FileExistsError:
        raise RecipeError(f"{file}: exists already; choose another name or remove it first") from None
    except OSError as error:
        raise RecipeError(f"{error.filename}: cannot be copied ({error.strerror})") from None
    typer.echo(f"edit {file}, then run: domainbert pretrain --recipe {file}", err=True)


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="A TOML file, or a shipped recipe's name.", metavar="FILE")],
    as_json: JsonOption = False,
) -> None:
    """Check a recipe and print every problem in it; exit status 2 if there is one.

    Example: domainbert recipes check my.toml
    """
    try:
        recipe = load_recipe(file)
    except RecipeError as error:
        if as_json:
            typer.echo(json.dumps({"ok": False, "problems": str(error).splitlines()}, indent=1, ensure_ascii=False))
            raise typer.Exit(2) from None
        raise
    if as_json:
        typer.echo(json.dumps({"ok": True, "fingerprint": fingerprint(recipe)}, indent=1))
    else:
        typer.echo(f"{file}: fine", err=True)
