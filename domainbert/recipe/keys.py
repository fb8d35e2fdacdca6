"""Which keys a recipe has: suggestions for unknown ones, and the type of a known one."""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from domainbert.recipe.problems import join
from domainbert.recipe.schema import Recipe


def nearest_key(key: str, known: Sequence[str], path: str) -> str:
    """What an unknown key may have meant: a key of the same table, else one of another table, else what the table has."""
    if near := get_close_matches(key, known, 1):
        return f": did you mean '{join(path, near[0])}'?"
    everywhere = _all_keys()
    if near := get_close_matches(key, everywhere, 1, cutoff=0.8):
        return f": did you mean '{everywhere[near[0]]}'?"
    return f"; {'this table' if path else 'a recipe'} has {', '.join(known) or 'no keys'}"


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """A suggestion to append to a message; empty where nothing is near."""
    near = get_close_matches(word, [choice for choice in choices if choice], 1)
    return f": did you mean '{near[0]}'?" if near else ""


def hint_at(names: Sequence[str]) -> Any:
    """The annotation of the recipe's key with these names, indexes left out; ``None`` where the schema has no such key."""
    hint: Any = Recipe
    for name in names:
        if is_dataclass(hint) and isinstance(hint, type):
            hint = get_type_hints(hint).get(name)
        elif (origin := get_origin(hint)) is not None and origin is not tuple and issubclass(origin, Mapping):
            hint = get_args(hint)[1]
        else:
            return None
        if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
            hint = get_args(hint)[0]
    return hint


@cache
def _all_keys() -> dict[str, str]:
    """One path of every key of the recipe's schema, by the key's last name."""
    found: dict[str, str] = {}

    def walk(kind: type[Any], path: str) -> None:
        inner: list[tuple[type[Any], str]] = []
        for name, hint in get_type_hints(kind).items():
            found.setdefault(name, join(path, name))
            if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
                inner.append((get_args(hint)[0], join(path, name) + "[0]"))
            elif is_dataclass(hint) and isinstance(hint, type):
                inner.append((hint, join(path, name)))
            elif get_origin(hint) is Mapping and is_dataclass(get_args(hint)[1]):
                inner.append((get_args(hint)[1], join(path, name) + ".NAME"))
        for each, place in inner:
            walk(each, place)

    walk(Recipe, "")
    return found
