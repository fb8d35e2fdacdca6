"""From the text of one structure file to a crystal's text, or to the reason why not."""

import json
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.adapters.crystals.faults import Unusable
from domainbert.adapters.crystals.notation import SHARE_STEPS, SYMBOLS, Crystal, Species, write_text
from domainbert.adapters.crystals.standard import standardize

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

TOO_CLOSE = 0.1  # angstrom: two atoms at one place, however rarely the places are taken
NEVER_TOGETHER = 0.5  # angstrom: places this close are alternatives, so their shares sum to 1 at most
_CELL_KEYS = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
_ISOTOPES = {"D": "H", "T": "H"}
_ELEMENTS = frozenset(SYMBOLS) | _ISOTOPES.keys()
_UNCERTAINTY = re.compile(r"\(\d*\)?$")
_STRAIGHT = 180.0


@dataclass(frozen=True, slots=True)
class Raw:
    """One structure as its file spells it.

    Args:
        kind: ``cif``, ``poscar`` or ``json``.
        data: its text.
        id: its name.
        file: the file it is in.
        place: where it stands, for messages.
    """

    kind: str
    data: str
    id: str
    file: str
    place: str


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a structure: a text, or a reason to leave it out.

    Args:
        text: of the crystal; empty if it is left out.
        reason: why it is left out.
        elements: its chemical system, ``La-O-Sr``.
        formula: reduced, with shares.
        disordered: whether a site is shared or partly empty.
        altered: what was normalised (``deuterium``, ``oxidation_states``, ``occupancy_rescaled``).
    """

    text: str = ""
    reason: str = ""
    elements: str = ""
    formula: str = ""
    disordered: bool = False
    altered: tuple[str, ...] = ()


def convert(raws: Sequence[Raw], *, max_sites: int, occupancy_tolerance: float) -> list[Converted]:
    """Convert structures one by one; what cannot be used has a reason."""
    found = []
    for raw in raws:
        altered: set[str] = set()
        try:
            crystal = read_crystal(raw.kind, raw.data, altered, max_sites=max_sites, occupancy_tolerance=occupancy_tolerance)
        except Unusable as unusable:
            found.append(Converted(reason=unusable.reason))
        else:
            found.append(_converted(crystal, altered))
    return found


def read_crystal(kind: str, data: str, altered: set[str], *, max_sites: int = 500, occupancy_tolerance: float = 1.05) -> Crystal:
    """The canonical description of a structure file.

    Args:
        kind: ``cif``, ``poscar`` or ``json``.
        data: the file's text.
        altered: gets the names of what was normalised.
        max_sites: most sites of the given cell.
        occupancy_tolerance: see ``CrystalOptions``.

    Raises:
        Unusable: the structure must be left out.
    """
    reader = {"cif": _from_cif, "poscar": _from_poscar, "json": _from_json}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        structure = reader(data, altered, occupancy_tolerance)
    _require_sound(structure, max_sites)
    species = [_species(site.species, altered) for site in structure]
    return standardize(np.asarray(structure.lattice.matrix), np.asarray(structure.frac_coords), species)


def describe(crystal: Crystal) -> tuple[str, str]:
    """Chemical system (``La-O-Sr``) and reduced formula."""
    from pymatgen.core.composition import Composition

    counts = crystal.composition()
    return "-".join(sorted(counts)), Composition(counts).reduced_formula


def _converted(crystal: Crystal, altered: set[str]) -> Converted:
    disordered = any(sum(share for _, share in orbit.species) < SHARE_STEPS or len(orbit.species) > 1 for orbit in crystal.orbits)
    return Converted(write_text(crystal), "", *describe(crystal), disordered, tuple(sorted(altered)))


def _from_cif(data: str, altered: set[str], occupancy_tolerance: float) -> "Structure":
    from pymatgen.io.cif import CifParser

    try:
        parser = CifParser.from_str(data, occupancy_tolerance=occupancy_tolerance, check_cif=False)
        (block,) = parser.as_dict().values()
    except Exception:  # the parser raises whatever its code runs into
        raise Unusable("unreadable_cif") from None
    _require_numbers(block, altered)
    try:
        (structure,) = parser.parse_structures(primitive=False, on_error="raise")
    except Exception as error:
        above = "exceeded tolerance" in str(error) or "sum to > 1" in str(error)
        raise Unusable("occupancy_above_one" if above else "unreadable_cif") from None
    seen: list[str] = parser.warnings  # type: ignore[attr-defined]
    if any("implicit hydrogens" in warning for warning in seen):
        raise Unusable("hydrogens_without_places")
    if any("sum to > 1" in warning for warning in seen):
        altered.add("occupancy_rescaled")
    return structure


def _require_numbers(block: dict[str, Any], altered: set[str]) -> None:
    """What pymatgen would skip or guess without a word is named here."""
    labels = block.get("_atom_site_type_symbol", block.get("_atom_site_label"))
    if not labels:
        raise Unusable("no_atom_sites")
    for symbol in labels:
        letters = re.match("[A-Za-z]*", symbol)[0].capitalize()  # type: ignore[index]
        known = letters in _ELEMENTS if "_atom_site_type_symbol" in block else {letters[:2], letters[:1]} & _ELEMENTS
        if not known:
            raise Unusable("unknown_element")
    cell = [_number(block.get(f"_cell_{key}", "")) for key in _CELL_KEYS]
    _require_cell(cell)
    for axis in "xyz":
        places = block.get(f"_atom_site_fract_{axis}")
        if places is None:
            raise Unusable("no_fractional_coordinates")
        if not all(math.isfinite(_number(place)) for place in places):
            raise Unusable("not_a_number")
    for occupancy in block.get("_atom_site_occupancy", ()):
        if occupancy in (".", "?"):
            altered.add("occupancy_taken_as_one")
        elif not math.isfinite(_number(occupancy)):
            raise Unusable("not_a_number")
        elif _number(occupancy) < 0:
            raise Unusable("negative_occupancy")
        elif _number(occupancy) == 0:
            altered.add("empty_site")


def _require_cell(cell: list[float]) -> None:
    if not all(map(math.isfinite, cell)):
        raise Unusable("not_a_number")
    if min(cell) <= 0 or max(cell[3:]) >= _STRAIGHT:
        raise Unusable("impossible_cell")


def _number(text: Any) -> float:
    try:
        return float(_UNCERTAINTY.sub("", str(text).strip()))
    except ValueError:
        return math.nan


def _from_poscar(data: str, altered: set[str], occupancy_tolerance: float) -> "Structure":
    from pymatgen.io.vasp.inputs import Poscar

    try:
        poscar = Poscar.from_str(data, read_velocities=False)
    except Exception:
        raise Unusable("unreadable_poscar") from None
    if not poscar.true_names:  # the file names no elements, and pymatgen takes H, He, Li, ...
        raise Unusable("elements_not_named")
    return poscar.structure


def _from_json(data: str, altered: set[str], occupancy_tolerance: float) -> "Structure":
    from pymatgen.core.structure import Structure

    try:
        fields = json.loads(data)
        if "atomic_numbers" in fields:  # plain arrays
            return Structure(fields["lattice"], fields["atomic_numbers"], fields["frac_coords"])
        sums = [sum(part["occu"] for part in site["species"]) for site in fields["sites"]]
    except Exception:
        raise Unusable("unreadable_json") from None
    if any(total > occupancy_tolerance for total in sums):
        raise Unusable("occupancy_above_one")
    for site, total in zip(fields["sites"], sums, strict=True):
        if total > 1:
            altered.add("occupancy_rescaled")
            for part in site["species"]:
                part["occu"] /= total
    try:
        return Structure.from_dict(fields)
    except Exception:
        raise Unusable("unreadable_json") from None


def _require_sound(structure: "Structure", max_sites: int) -> None:
    """A cell with a volume, finite places, not too many, and none over another."""
    lattice = structure.lattice
    if not (np.isfinite(lattice.matrix).all() and np.isfinite(structure.frac_coords).all()):
        raise Unusable("not_a_number")
    if not len(structure):
        raise Unusable("no_atom_sites")
    if min(lattice.abc) < TOO_CLOSE or abs(lattice.volume) < 1e-3 * lattice.a * lattice.b * lattice.c:  # all but flat
        raise Unusable("impossible_cell")
    if len(structure) > max_sites:
        raise Unusable("too_many_sites")
    share = np.array([site.species.num_atoms for site in structure])
    one, other, _, distance = structure.get_neighbor_list(NEVER_TOGETHER, exclude_self=True)
    both = share[one] + share[other]
    if (distance < TOO_CLOSE).any() or (both > 1 + SHARE_STEPS**-0.5).any():
        raise Unusable("overlapping_atoms")


def _species(composition: Any, altered: set[str]) -> Species:
    """What is on a site: elements alone, in alphabetical order, in millionths."""
    shares: dict[str, float] = {}
    for kind, share in composition.items():
        symbol = getattr(getattr(kind, "element", kind), "name", "")  # not its symbol, which is H for deuterium
        if getattr(kind, "oxi_state", None) and hasattr(kind, "element"):
            altered.add("oxidation_states")
        if symbol in _ISOTOPES:
            altered.add("deuterium")
            symbol = _ISOTOPES[symbol]
        if symbol not in _ELEMENTS:
            raise Unusable("unknown_element")
        shares[symbol] = shares.get(symbol, 0.0) + share
    species = tuple((symbol, round(share * SHARE_STEPS)) for symbol, share in sorted(shares.items()))
    species = tuple((symbol, share) for symbol, share in species if share)
    if not species:
        raise Unusable("no_atom_sites")
    return species
