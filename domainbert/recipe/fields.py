"""Turns TOML values into frozen dataclasses: types from their annotations, ranges and choices from their fields' metadata.

Used for the recipe's own schema and for the option dataclasses of adapters, tokenizers and selectors alike.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime, time
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from domainbert.errors import DomainBertError
from domainbert.recipe.keys import did_you_mean, nearest_key
from domainbert.recipe.problems import Problems, join
from domainbert.recipe.schema import Ramp

T = TypeVar("T")
FAILED: Final = object()
RAMP_KEYS: Final = {"linear": ("from", "to"), "sample": ("low", "high")}
_KINDS: Final = {bool: "a boolean", str: "a string", int: "a whole number", float: "a number", list: "a list", dict: "a table"}
_DATES: Final = (date, datetime, time)
_INDEX: Final = r"\[\d+\]"
_LONGEST_SHOWN: Final = 80
_LARGEST: Final = 2**63 - 1  # TOML 1.0: integers are 64 bits wide


def build(kind: type[T], raw: Any, path: str, problems: Problems) -> T:
    """An instance of a dataclass from a TOML table; a field that is wrong is noted and keeps its default."""
    hints = get_type_hints(kind)
    if not isinstance(raw, Mapping):
        problems.add(path, f"= {shown(raw)} is {kind_of(raw)}; a table is wanted")
        raw = {}
    values: dict[str, Any] = {}
    known: dict[str, Field[Any]] = {field.name: field for field in fields(kind) if field.init}  # type: ignore[arg-type]
    for name, field in known.items():
        if name in raw:
            value = convert(hints[name], raw[name], join(path, name), field.metadata, problems)
            if value is not FAILED:
                values[name] = value
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            if name not in raw:
                problems.add(join(path, name), "is missing")
            values[name] = ""
    for key in raw:
        if key not in known:
            problems.unknown(join(path, str(key)), nearest_key(str(key), tuple(known), problems.written(path)))
    try:
        return kind(**values)
    except (ValueError, TypeError, DomainBertError) as error:  # an owner's own check in __post_init__
        problems.add(path, f"is refused: {error}")
        return kind()


def convert(hint: Any, value: Any, path: str, limits: Mapping[str, Any], problems: Problems) -> Any:
    """A TOML value as the annotation wants it, or ``FAILED`` with the problem noted."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _one_of(arguments, value, path, limits, problems)
    if origin is not None:
        return _sequence(arguments[0], value, path, problems) if origin is tuple else _table(arguments[1], value, path, problems)
    if hint is Ramp:
        return _ramp(value, path, limits, problems)
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, path, problems)
    return _anything(value, path, problems) if hint is Any else _scalar(hint, value, path, limits, problems)


def shown(value: Any) -> str:
    """A value as TOML spells it, shortened."""
    text = repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def kind_of(value: Any) -> str:
    """What sort of TOML value this is."""
    return next((name for kind, name in _KINDS.items() if isinstance(value, kind)), "a date or time")


def _scalar(hint: Any, value: Any, path: str, limits: Mapping[str, Any], problems: Problems) -> Any:
    assert hint in (bool, int, float, str), f"{path}: recipes have no values of type {hint}"
    text = shown(value)
    if hint is float and type(value) is int and abs(value) <= _LARGEST:
        value = float(value)
    if hint is str and type(value) is int and limits.get("or_number"):
        value = text
    if type(value) is not hint:
        advice = f"; write {int(value)}" if hint is int and isinstance(value, float) and value.is_integer() else ""
        problems.add(path, f"= {text} is {kind_of(value)}; {_KINDS[hint]} is wanted{advice}")
        return FAILED
    complaint = _outside(value, limits) if hint in (int, float) else _no_text(value) or _not_listed(value, limits.get("choices"))
    if complaint:
        problems.add(path, f"= {text} {complaint}")
        return FAILED
    return value


def _outside(value: float, limits: Mapping[str, Any]) -> str:
    """What is wrong with a number's size; empty for nothing."""
    low, high, above = limits.get("low"), limits.get("high"), limits.get("above")
    if not math.isfinite(value):
        return "is not a finite number"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "does not fit in 64 bits"
    if (low is None or value >= low) and (high is None or value <= high) and (above is None or value > above):
        return ""
    floor = low if above is None else above
    if high is None:
        return f"is not above {above:g}" if above is not None else f"is below {low:g}"
    excluded = f" (without {above:g} itself)" if value == above else ""
    return f"is outside {'' if floor is None else format(floor, '.12g')}..{high:.12g}{excluded}"


def _no_text(value: Any) -> str:
    """What is wrong with a string from the command line that recipe.json could not hold."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return "is not UTF-8 text; rename the file"
    return ""


def _not_listed(value: Any, choices: Sequence[str] | None) -> str:
    if not choices or value in choices:
        return ""
    return f"is not one of {', '.join(choice for choice in choices if choice)}{did_you_mean(value, choices)}"


def _one_of(members: Sequence[Any], value: Any, path: str, limits: Mapping[str, Any], problems: Problems) -> Any:
    """A value of a union: tables go to its dataclass, strings to its words, the rest to its number."""
    if isinstance(value, Mapping) and (tables := [each for each in members if is_dataclass(each)]):
        return convert(tables[0], value, path, limits, problems)
    if isinstance(value, str) and str in members:
        return convert(str, value, path, {"choices": limits.get("words")}, problems)
    if value is None and type(None) in members:
        return None
    plain = [each for each in members if each in (bool, int, float)] or [each for each in members if each is not type(None)]
    exact = [each for each in plain if each is type(value)]
    return convert((exact or plain)[0], value, path, limits, problems)


def _sequence(member: Any, value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, list | tuple):
        advice = f"an array of tables is wanted: [[{re.sub(_INDEX, '', path)}]]" if is_dataclass(member) else "a list is wanted"
        if isinstance(value, str):
            advice += f": [{shown(value)}]"
        problems.add(path, f"= {shown(value)} is {kind_of(value)}; {advice}")
        return FAILED
    converted = [convert(member, each, f"{path}[{index}]", {}, problems) for index, each in enumerate(value)]
    return FAILED if FAILED in converted else tuple(converted)


def _table(member: Any, value: Any, path: str, problems: Problems) -> Any:
    if not isinstance(value, Mapping):
        problems.add(path, f"= {shown(value)} is {kind_of(value)}; a table is wanted")
        return FAILED
    converted = {str(key): convert(member, each, join(path, str(key)), {}, problems) for key, each in value.items()}
    return {key: each for key, each in converted.items() if each is not FAILED}


def _anything(value: Any, path: str, problems: Problems) -> Any:
    """A value whose owner checks it later; it must survive JSON."""
    if isinstance(value, Mapping):
        return _table(Any, value, path, problems)
    if isinstance(value, list | tuple):
        converted = [_anything(each, f"{path}[{index}]", problems) for index, each in enumerate(value)]
        return FAILED if FAILED in converted else converted
    if isinstance(value, float) and not math.isfinite(value):
        problems.add(path, f"= {shown(value)} is not a finite number")
        return FAILED
    if isinstance(value, _DATES):
        problems.add(path, f"= {value} is a date or time; recipes have none: write a string")
        return FAILED
    return value


def _ramp(value: Any, path: str, limits: Mapping[str, Any], problems: Problems) -> Any:
    """``{shape = "linear", from = 0.3, to = 0.05}`` or ``{shape = "sample", low = 0.05, high = 1.0}``."""
    shape = value.get("shape")
    if not isinstance(shape, str) or shape not in RAMP_KEYS:
        forms = " or ".join(f'{{shape = "{name}", {first} = .., {last} = ..}}' for name, (first, last) in RAMP_KEYS.items())
        problems.add(path, f"= {shown(value)} is no schedule; write a number, {forms}")
        return FAILED
    ends: list[Any] = []
    for key in RAMP_KEYS[shape]:
        if key not in value:
            problems.add(join(path, key), "is missing")
        ends.append(convert(float, value[key], join(path, key), limits, problems) if key in value else FAILED)
    for key in value:
        if key not in ("shape", *RAMP_KEYS[shape]):
            problems.unknown(join(path, str(key)), nearest_key(str(key), ("shape", *RAMP_KEYS[shape]), problems.written(path)))
    if FAILED in ends:
        return FAILED
    if shape == "sample" and ends[0] > ends[1]:
        problems.add(path, f"has low = {ends[0]:g} above high = {ends[1]:g}")
        return FAILED
    return Ramp(shape, *ends)
