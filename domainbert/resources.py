"""Finds the recipes and data cards that ship with the package.

In a wheel they lie inside the package (``domainbert/recipes``); in a checkout and an editable install beside it.
"""

from collections.abc import Iterable
from pathlib import Path

from domainbert.errors import RecipeError

PACKAGE = Path(__file__).resolve().parent


def recipe_files() -> dict[str, Path]:
    """Every shipped recipe by name, sorted."""
    return _by_name(resource_folder("recipes").glob("*.toml"))


def data_card_files() -> dict[str, Path]:
    """Every shipped data card by name, sorted."""
    return _by_name(resource_folder("data_cards").glob("*.md"))


def resource_folder(name: str) -> Path:
    """The folder ``recipes`` or ``data_cards``.

    Raises:
        RecipeError: the installation lacks it.
    """
    inside, beside = PACKAGE / name, PACKAGE.parent / name
    for folder in (inside, beside):
        if folder.is_dir():
            return folder
    raise RecipeError(f"the installation is not whole: neither {inside} nor {beside} is a folder; install domainbert again")


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    return {path.stem: path for path in sorted(paths, key=lambda path: path.stem)}
