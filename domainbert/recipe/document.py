"""A recipe as data again: JSON for ``recipe.json``, TOML to read and edit, and a fingerprint to compare by."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from domainbert.recipe.fields import RAMP_KEYS
from domainbert.recipe.load import recipe_from
from domainbert.recipe.schema import Ramp, Recipe


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a recipe file spells it, with every key; survives JSON."""
    plain: dict[str, Any] = _plain(recipe)
    return plain


def from_dict(raw: Mapping[str, Any], *, label: str = "recipe.json") -> Recipe:
    """The recipe that ``to_dict`` wrote, checked anew; ``label`` is what messages call its file.

    Raises:
        RecipeError: something is wrong in it.
    """
    return recipe_from(raw, label)


def fingerprint(recipe: Recipe) -> str:
    """SHA-256 of the recipe's canonical JSON: equal for recipes that mean the same, wherever their values were written."""
    text = json.dumps(to_dict(recipe), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def to_toml(recipe: Recipe, *, brief: bool = False) -> str:
    """The recipe as a TOML file: every key written out, or those alone that differ from their defaults."""
    tables = {"schema": recipe.schema, **_plain(recipe, brief=True)} if brief else to_dict(recipe)
    return "\n".join(_table_lines(tables, "")).strip() + "\n"


def _plain(value: Any, *, brief: bool = False) -> Any:
    if isinstance(value, Ramp):
        first, last = RAMP_KEYS[value.shape]
        return {"shape": value.shape, first: value.start, last: value.end}
    if is_dataclass(value):
        values = {field.name: getattr(value, field.name) for field in fields(value) if not (brief and _is_default(field, value))}
        return {name: _plain(each, brief=brief) for name, each in values.items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(each, brief=brief) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, brief=brief) for each in value]
    return value


def _is_default(field: Field[Any], owner: Any) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return default is not MISSING and getattr(owner, field.name) == default


def _table_lines(table: Mapping[str, Any], path: str) -> list[str]:
    """Lines of one table: its plain values first, then the tables below it."""
    lines, below = [], []
    for key, value in table.items():
        name = _key(key)
        inner = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value:
            below += ["", f"[{inner}]", *_table_lines(value, inner)]
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for each in value:
                below += ["", f"[[{inner}]]", *_table_lines(each, inner)]
        elif value is not None:
            lines.append(f"{name} = {_value(value)}")
    return lines + below


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    # JSON's spelling of strings, numbers and booleans is TOML's too, but for the character that ends C0.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
