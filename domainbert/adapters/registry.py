"""Finds adapters by name: the built-in ones here, others through the entry-point group ``domainbert.adapters``."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from domainbert.adapters.base import Adapter
from domainbert.errors import DomainBertError

BUILT_IN = {
    "biomedical": "domainbert.adapters.biomedical:BiomedicalAdapter",
    "crystals": "domainbert.adapters.crystals:CrystalAdapter",
    "dna": "domainbert.adapters.dna:DnaAdapter",
    "drug_target": "domainbert.adapters.drug_target:DrugTargetAdapter",
    "french": "domainbert.adapters.french:FrenchAdapter",
    "molecules": "domainbert.adapters.molecules:MoleculesAdapter",
    "proteins": "domainbert.adapters.proteins:ProteinsAdapter",
    "urls": "domainbert.adapters.urls:UrlsAdapter",
}

GROUP = "domainbert.adapters"
_ATTRIBUTES = ("name", "summary", "canonical_version", "Options", "tokenizer_kinds")


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
    taken = dict.fromkeys(BUILT_IN, "built in")
    for point in entry_points(group=GROUP):
        origin = point.dist.name if point.dist else "plugin"
        try:
            if point.name in taken:
                raise DomainBertError(f"is left out: an adapter of that name is {taken[point.name]}")
            taken[point.name] = f"of {origin}"
            yield Listing(point.name, origin, _load_plugin(point).summary)
        except DomainBertError as error:
            yield Listing(point.name, origin, "", problem=str(error))


def _plugins() -> list[EntryPoint]:
    """Plugins under names of their own: built-in adapters cannot be replaced."""
    return [point for point in entry_points(group=GROUP) if point.name not in BUILT_IN]


def _load_plugin(point: EntryPoint) -> type[Adapter]:
    what = f"adapter {point.name!r} ({point.value})"
    try:
        loaded = point.load()
    except (Exception, SystemExit) as error:  # a plugin's import may fail in any way; it must not take us down
        raise DomainBertError(f"{what} cannot be imported: {type(error).__name__}: {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Adapter)):
        raise DomainBertError(f"{what} is not a subclass of domainbert.adapters.base.Adapter")
    missing = sorted(loaded.__abstractmethods__) + [name for name in _ATTRIBUTES if not hasattr(loaded, name)]
    if missing:
        raise DomainBertError(f"{what} lacks {', '.join(missing)}")
    if loaded.name != point.name:
        raise DomainBertError(f"{what} calls itself {loaded.name!r}; its name and that of its entry point must be the same")
    return loaded


def _import(target: str) -> type[Adapter]:
    module, _, attribute = target.partition(":")
    loaded: type[Adapter] = getattr(import_module(module), attribute)
    return loaded
