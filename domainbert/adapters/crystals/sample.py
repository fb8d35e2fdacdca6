"""The built-in corpus: AFLOW's crystal prototypes, which pymatgen ships, with other elements on their sites.

Each site kind of a prototype gets elements of similar ionic radius and the same sign of charge; the cell grows with the atoms'
summed volume, with 2 % noise; in three of ten crystals a site is shared by two elements. data_cards/crystals-sample.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from domainbert.adapters.base import Record
from domainbert.adapters.crystals.faults import Unusable
from domainbert.adapters.crystals.notation import SHARE_STEPS, Species, write_text
from domainbert.adapters.crystals.standard import Standard, smallest, standard_of

NUM_RECORDS = 6000
MAX_SITES = 60  # of a prototype's primitive cell
SHARED = 0.3  # of the crystals
NOISE = 0.02  # of the cell's lengths
RADIUS_SPREAD = 0.2  # angstrom
_ANION_FROM = 2.5  # electronegativity, Pauling
_RARE = frozenset("He Ne Ar Kr Xe Rn Po At Fr Ra Ac Pa Pm Np Pu Am Cm Bk Cf Es Fm Md No Lr".split())


@dataclass(frozen=True, slots=True)
class Atom:
    """What decides whether an element may stand for another: its radius in angstrom, and whether it takes electrons."""

    symbol: str
    radius: float
    is_anion: bool


def generate(num_records: int = NUM_RECORDS) -> Iterator[Record]:
    """The records, always the same; prototypes in turn."""
    rng = np.random.default_rng(20)
    prototypes = _prototypes()
    number = made = 0
    while made < num_records:
        name, standard = prototypes[number % len(prototypes)]
        number += 1
        found = _substituted(standard, rng)
        try:
            crystal = smallest(found)
        except Unusable:
            continue
        made += 1
        elements = sorted(crystal.composition())
        is_shared = any(len(orbit.species) > 1 for orbit in crystal.orbits)
        meta = {"file": "sample", "prototype": name, "kind": "disordered" if is_shared else "ordered"}
        yield Record(f"{name}-{made}", write_text(crystal), "-".join(elements), meta)


@cache
def _prototypes() -> list[tuple[str, Standard]]:
    """Name and standard description of every prototype that is small enough and can be standardized."""
    from pymatgen.analysis.prototypes._data import AFLOW_PROTOTYPE_LIBRARY

    found = []
    for entry in AFLOW_PROTOTYPE_LIBRARY:
        structure = entry["snl"].structure
        if len(structure) > MAX_SITES:
            continue
        species: list[Species] = [((site.specie.symbol, SHARE_STEPS),) for site in structure]
        if any(symbol in _RARE for ((symbol, _),) in species):
            continue
        try:
            standard = standard_of(np.asarray(structure.lattice.matrix), np.asarray(structure.frac_coords), species)
        except Unusable:
            continue
        found.append((str(entry["tags"]["aflow"]), standard))
    return found


@cache
def _atoms() -> dict[str, Atom]:
    from pymatgen.core.periodic_table import Element

    atoms = {}
    for element in Element:
        if element.symbol in _RARE or element.Z > 92 or element.symbol in ("D", "T") or not element.atomic_radius:  # noqa: PLR2004
            continue
        is_anion = bool(element.X >= _ANION_FROM) and not element.is_metal
        radii = {state: float(radius) for state, radius in element.ionic_radii.items() if (state < 0) == is_anion}
        radius = float(np.mean(list(radii.values()))) if radii else float(element.atomic_radius)
        atoms[element.symbol] = Atom(element.symbol, radius, is_anion)
    return atoms


def _substituted(standard: Standard, rng: np.random.Generator) -> Standard:
    atoms = _atoms()
    kinds = sorted({species[0][0] for species in standard.species})
    taken: dict[str, str] = {}
    for kind in kinds:
        taken[kind] = _similar(atoms.get(kind, atoms["Fe"]), rng, without=set(taken.values()))
    species: dict[str, Species] = {kind: ((symbol, SHARE_STEPS),) for kind, symbol in taken.items()}
    if rng.random() < SHARED:
        kind = kinds[int(rng.integers(len(kinds)))]
        partner = _similar(atoms[taken[kind]], rng, without=set(taken.values()))
        share = int(rng.integers(1, 20)) * SHARE_STEPS // 20
        species[kind] = tuple(sorted(((taken[kind], SHARE_STEPS - share), (partner, share))))
    counts = [len(points) for points in standard.points]
    before = _volume([((kind[0][0], SHARE_STEPS),) for kind in standard.species], counts)
    new = tuple(species[kind[0][0]] for kind in standard.species)
    factor = (_volume(new, counts) / before) ** (1 / 3) * (1 + NOISE * rng.standard_normal())
    return Standard(standard.group, standard.metric * factor**2, new, standard.points)


def _similar(atom: Atom, rng: np.random.Generator, *, without: set[str]) -> str:
    others: list[Any] = [other for other in _atoms().values() if other.is_anion == atom.is_anion and other.symbol not in without]
    weights = np.array([np.exp(-(((other.radius - atom.radius) / RADIUS_SPREAD) ** 2)) + 1e-4 for other in others])
    return str(others[int(np.searchsorted(np.cumsum(weights / weights.sum()), rng.random()))].symbol)


def _volume(species: Any, counts: list[int]) -> float:
    atoms = _atoms()
    radius = [sum(atoms.get(symbol, atoms["Fe"]).radius * share / SHARE_STEPS for symbol, share in kind) for kind in species]
    return float(sum(count * r**3 for count, r in zip(counts, radius, strict=True)))
