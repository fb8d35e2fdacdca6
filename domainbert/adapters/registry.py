"""Finds adapters by name: the built-in ones here, others through the entry-point group ``domainbert.adapters``."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from domainbert.adapters.base import Adapter
from domainbert.errors import DomainBertError

BUILT_IN = {
    "crystals": "domainbert.adapters.crystals:CrystalAdapter",
    "dna": "domainbert.adapters.dna:DnaAdapter",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of ``domainbert adapters``; ``problem`` is empty for a usable adapter."""

    name: str
    origin: str
    summary: str
    problem: str = ""


def load_adapter(name: str, *, options: Any = None) -> Adapter:
    """The adapter of that name.

    Args:
        name: as listed by ``domainbert adapters``.
        options: an instance of the adapter's ``Options``, or a mapping of its fields; its defaults when absent.

    Raises:
        DomainBertError: there is no such adapter, or a plugin cannot be imported.
    """
    adapter = adapter_class(name)
    if isinstance(options, dict):
        options = adapter.Options(**options)
    return adapter(options)


def adapter_class(name: str) -> type[Adapter]:
    """The class behind an adapter's name, without making an instance."""
    if name in BUILT_IN:
        return _import(BUILT_IN[name])
    for point in _plugins():
        if point.name == name:
            return _load_plugin(point)
    known = ", ".join([*BUILT_IN, *(point.name for point in _plugins())])
    raise DomainBertError(f"no adapter is called {name!r}; there are: {known}")


def list_adapters() -> Iterator[Listing]:
    """Every adapter, built in or plugged in; a broken plugin is listed with its reason."""
    for name, target in BUILT_IN.items():
        yield Listing(name, "built in", _import(target).summary)
    for point in _plugins():
        origin = point.dist.name if point.dist else "plugin"
        try:
            yield Listing(point.name, origin, _load_plugin(point).summary)
        except DomainBertError as error:
            yield Listing(point.name, origin, "", problem=str(error))


def _plugins() -> list[EntryPoint]:
    return [point for point in entry_points(group="domainbert.adapters") if point.name not in BUILT_IN]


def _load_plugin(point: EntryPoint) -> type[Adapter]:
    try:
        loaded = point.load()
    except Exception as error:  # a plugin's import may fail in any way; it must not take us down
        raise DomainBertError(f"adapter {point.name!r} ({point.value}) cannot be imported: {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Adapter)):
        raise DomainBertError(f"adapter {point.name!r} ({point.value}) is not a subclass of domainbert.adapters.base.Adapter")
    return loaded


def _import(target: str) -> type[Adapter]:
    module, _, attribute = target.partition(":")
    loaded: type[Adapter] = getattr(import_module(module), attribute)
    return loaded
