"""Overrides from the command line: ``training.seed=3``, ``stage[0].steps=100``, ``stage.mlm.steps=100``."""

import re
import tomllib
from collections.abc import Sequence
from typing import Any, Final

from domainbert.recipe.fields import kind_of, shown
from domainbert.recipe.keys import did_you_mean, hint_at
from domainbert.recipe.problems import Problems, join
from domainbert.recipe.schema import Corpus, Objective, Stage

_SEGMENT: Final = re.compile(r"([A-Za-z0-9_-]+)(?:\[(\d+)\])?")
_NAMED_BY: Final = {"corpus": ("name", Corpus().name), "stage": ("name", Stage().name), "objective": ("kind", Objective().kind)}
"""How the tables of a list are called: their naming key and its default."""


class _BadTargetError(Exception):
    """A path that leads nowhere; the message says where it ends."""


def apply(tables: dict[str, Any], overrides: Sequence[str], problems: Problems) -> None:
    """Set each ``KEY=VALUE`` in a recipe's tables, in order.

    VALUE is TOML, or a bare word where a string is wanted.
    """
    for text in overrides:
        key, equals, value = text.partition("=")
        segments = [_SEGMENT.fullmatch(part) for part in key.strip().split(".")]
        if not equals or not all(segments):
            problems.bare(f"override {text}: is not KEY=VALUE, such as training.seed=3 or stage[0].steps=100")
            continue
        steps: list[str | int] = []
        for match in segments:
            assert match is not None
            steps += [match[1]] if match[2] is None else [match[1], int(match[2])]
        try:
            path = _set(tables, steps, value.strip())
        except _BadTargetError as error:
            problems.bare(f"override {text}: {error}")
        else:
            problems.overrides[path] = text


def parse_value(text: str, *, wants_string: bool) -> Any:
    """A TOML value, or the text itself where it is a bare word.

    Raises:
        ValueError: it begins like a TOML string, list or table and is none.
    """
    try:
        if "\n" in text:
            raise ValueError("a value is one line")
        value = tomllib.loads(f"value = {text}\n")["value"]
    except (ValueError, RecursionError) as error:
        if text[:1] in ('"', "'", "[", "{") or "\n" in text:
            raise ValueError(f"{text!r} is not valid TOML: {error}") from None
        return text
    return text if wants_string and not isinstance(value, str) else value


def _set(node: Any, steps: Sequence[str | int], text: str, path: str = "", names: tuple[str, ...] = ()) -> str:
    """Set the value that ``steps`` lead to, and return its path with every list index written out."""
    key: Any = steps[0]
    rest = steps[1:]
    if isinstance(node, list):
        key, used = _index(node, key, path, names[-1])
        rest, path = rest if used else steps, f"{path}[{key}]"
    elif not isinstance(node, dict):
        raise _BadTargetError(f"{path} is {kind_of(node)} ({shown(node)}), not a table; set it as a whole")
    elif isinstance(key, int):
        raise _BadTargetError(f"{path} is a table, not a list; leave out [{key}]")
    else:
        path, names = join(path, key), (*names, key)
    if rest:
        child = node[key] if isinstance(node, list) else node.setdefault(key, {})
        return _set(child, rest, text, path, names)
    node[key] = _value(text, names)
    return path


def _index(items: list[Any], step: str | int, path: str, name: str) -> tuple[int, bool]:
    """Which entry of a list is meant, and whether ``step`` said so (or the list has but one)."""
    if isinstance(step, int):
        if step >= len(items):
            raise _BadTargetError(f"{path}[{step}] does not exist; {path} has {len(items)}, counted from 0")
        return step, True
    key, default = _NAMED_BY.get(name, ("name", ""))
    known = [str(item.get(key, default)) if isinstance(item, dict) else "" for item in items]
    if step in known:
        return known.index(step), True
    if len(items) == 1:
        return 0, False
    raise _BadTargetError(f"no {name} is called {step!r}; there are: {', '.join(known)}{did_you_mean(step, known)}")


def _value(text: str, names: Sequence[str]) -> Any:
    try:
        return parse_value(text, wants_string=hint_at(names) is str)
    except ValueError as error:
        raise _BadTargetError(str(error)) from None
