"""From any cell of a crystal to the one description that stands for all of them.

spglib finds the space group and one standard cell. From there: sites are averaged over the whole group, which also takes away
the error of the origin; then, of all settings of the group (other origins, other choices of axes), the one with the smallest
numbers is taken, lattice first, then coordinates as the text writes them. So the result does not depend on atom order, origin,
cell, or on which standard cell spglib found.

N points in a cell, K settings, A choices of a free origin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.crystals.faults import Unusable
from domainbert.adapters.crystals.groups import FREE, Floats, Group, Ints, Settings, group
from domainbert.adapters.crystals.notation import ANGLE_STEPS, COORDINATE_STEPS, LENGTH_STEPS, MAX_LENGTH, Crystal, Orbit, Species
from domainbert.adapters.crystals.wyckoff import letters_of

SYMPREC = (0.01, 1e-3, 1e-5)  # angstrom; the first that gives a consistent group
_ROUND = 0.4863  # not a half: numbers with few decimals would lie on the border between two steps
_SHAPE_TOLERANCE = 1e-5  # relative; reduced cells closer than this are all tried


@dataclass(frozen=True)
class Standard:
    """A crystal in some setting of its group, as floats.

    Args:
        group: its space group.
        metric: of the cell, ``(3, 3)``, square angstrom.
        species: of each orbit, spelled.
        points: of each orbit, every point in the cell, ``(n, 3)``.
    """

    group: Group
    metric: Floats
    species: tuple[Species, ...]
    points: tuple[Floats, ...]


def standardize(lattice: Floats, coordinates_N: Floats, species_N: Sequence[Species]) -> Crystal:
    """The canonical description of a crystal.

    Args:
        lattice: rows are the cell's vectors, angstrom.
        coordinates_N: fractional, ``(N, 3)``.
        species_N: of each site.

    Raises:
        Unusable: no symmetry can be found, or the cell is too large to be written.
    """
    return smallest(standard_of(lattice, coordinates_N, species_N))


def standard_of(lattice: Floats, coordinates_N: Floats, species_N: Sequence[Species]) -> Standard:
    """A crystal on one of the standard cells of its group, sites averaged over the group; see ``standardize``."""
    names = sorted(set(species_N))
    types_N = np.array([names.index(species) for species in species_N])
    if np.linalg.det(lattice) < 0:
        lattice, coordinates_N = -lattice, -coordinates_N
    for symprec in SYMPREC:
        found = _standard(lattice, coordinates_N, types_N, names, symprec)
        if found is not None:
            return found
    raise Unusable("no_symmetry_found")


def smallest(standard: Standard) -> Crystal:
    """Of all settings of a crystal the one with the smallest numbers, rounded as it is written."""
    standard = _reduced(standard)
    settings = standard.group.settings
    metric_K = _metrics(standard.metric, settings.Q_K)
    shape_K = np.trace(metric_K, axis1=1, axis2=2)
    rows = np.flatnonzero(shape_K <= shape_K.min() * (1 + _SHAPE_TOLERANCE))
    cell_K = rounded_cells(metric_K[rows])[:, FREE[standard.group.system]]
    rows = rows[(cell_K == min(cell_K.tolist())).all(1)]
    order = _order(standard)
    best: tuple[list[int], Ints, int] | None = None
    for row in rows.tolist():
        setting = settings.take(row)
        codes_A, orbits_A = _codes(standard, setting)
        sorted_A = _sorted_within(codes_A, order)
        choice = int(np.lexsort(sorted_A.T[::-1])[0])
        if best is None or sorted_A[choice].tolist() < best[0]:
            best = sorted_A[choice].tolist(), orbits_A[choice], row
    assert best is not None
    cell = rounded_cells(metric_K[[best[2]]])[0]
    return write(standard, cell, best[1])


def write(standard: Standard, cell: Ints, points: Ints) -> Crystal:
    """A description by rounded numbers.

    Args:
        standard: gives group, species and multiplicities.
        cell: six rounded numbers.
        points: one rounded point of each orbit.
    """
    if cell[:3].max() > MAX_LENGTH * LENGTH_STEPS or cell[:3].min() < 1:
        raise Unusable("cell_out_of_range")
    letters = letters_of(standard.group, points / COORDINATE_STEPS, list(map(len, standard.points)))
    orbits = [
        Orbit(len(all_points), letter, species, tuple(point))
        for all_points, letter, species, point in zip(standard.points, letters, standard.species, points.tolist(), strict=True)
    ]
    orbits.sort(key=lambda orbit: (orbit.multiplicity, orbit.letter, orbit.species, orbit.point))
    return Crystal(standard.group.number, tuple(cell.tolist()), tuple(orbits))


def rounded_cells(metric_K: Floats) -> Ints:
    """Lengths and angles in steps of what the text resolves, ``(K, 6)``."""
    lengths = np.sqrt(np.diagonal(metric_K, axis1=1, axis2=2))
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = np.stack([metric_K[:, i, j] / (lengths[:, i] * lengths[:, j]) for i, j in pairs], -1)
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return _round(np.concatenate((lengths * LENGTH_STEPS, angles * ANGLE_STEPS), 1))


def rounded_points(points: Floats) -> Ints:
    """Coordinates in steps of the text's grid, inside the cell."""
    return _round(points * COORDINATE_STEPS) % COORDINATE_STEPS


def _round(values: Floats) -> Ints:
    return np.floor(values + _ROUND).astype(np.int64)


def _standard(lattice: Floats, coordinates_N: Floats, types_N: Ints, names: list[Species], symprec: float) -> Standard | None:
    """Spglib's standard cell with sites averaged over the group; ``None`` where the group does not fit the sites."""
    import spglib

    cell: Any = (lattice, coordinates_N, types_N)
    try:
        found: Any = spglib.get_symmetry_dataset(cell, symprec=symprec)
    except spglib.SpglibError:
        found = None
    if found is None:
        return None
    symmetry = group(found.number)
    P = np.asarray(found.transformation_matrix)
    basis = lattice.T @ np.linalg.inv(P)
    if np.linalg.det(basis) < 0:
        return None
    metric = np.mean(np.swapaxes(symmetry.rotations_G, 1, 2) @ (basis.T @ basis) @ symmetry.rotations_G, axis=0)
    points_N = coordinates_N @ P.T + np.asarray(found.origin_shift)
    species, points = [], []
    left = np.ones(len(types_N), bool)
    while left.any():
        first = int(np.flatnonzero(left)[0])
        same = np.flatnonzero(left & (types_N == types_N[first]))
        orbit = _orbit(points_N[first], points_N[same], symmetry, metric, tolerance=3 * symprec)
        if orbit is None:
            return None
        averaged, members = orbit
        left[same[members]] = False
        species.append(names[types_N[first]])
        points.append(averaged)
    expected = len(types_N) / abs(np.linalg.det(P))
    if sum(map(len, points)) != round(expected):
        return None
    return Standard(symmetry, metric, tuple(species), tuple(points))


def _orbit(
    first: Floats, points_N: Floats, symmetry: Group, metric: Floats, *, tolerance: float
) -> tuple[Floats, NDArray[np.bool_]] | None:
    """The averaged orbit of ``first`` and which of ``points_N`` belong to it."""
    images_G = first @ np.swapaxes(symmetry.rotations_G, 1, 2) + symmetry.translations_G
    near_NG = _distances(points_N[:, None] - images_G[None], metric) < tolerance
    members = np.asarray(near_NG.any(1))
    to_member = near_NG[members].argmax(1)
    inverse = np.linalg.inv(symmetry.rotations_G[to_member].astype(float))
    back = np.einsum("nij,nj->ni", inverse, points_N[members] - symmetry.translations_G[to_member])
    mean = first + _wrapped(back - first).mean(0)
    images_G = mean @ np.swapaxes(symmetry.rotations_G, 1, 2) + symmetry.translations_G
    stabilizer = _distances(images_G - mean, metric) < tolerance
    mean = mean + _wrapped(images_G[stabilizer] - mean).mean(0)
    points, counts = _orbit_of(mean, symmetry, metric, tolerance)
    return (points, members) if (counts == stabilizer.sum()).all() else None


def _orbit_of(point: Floats, symmetry: Group, metric: Floats, tolerance: float) -> tuple[Floats, Ints]:
    """The different points of an orbit, inside the cell, and how many operations lead to each."""
    images_G = point @ np.swapaxes(symmetry.rotations_G, 1, 2) + symmetry.translations_G
    same_GG = _distances(images_G[:, None] - images_G[None], metric) < tolerance
    first, counts = np.unique(same_GG.argmax(1), return_counts=True)
    return images_G[first] % 1, counts


def _wrapped(differences: Floats) -> Floats:
    return differences - np.rint(differences)


def _distances(differences: Floats, metric: Floats) -> Floats:
    """Lengths of differences modulo lattice translations; exact where they are small."""
    wrapped = _wrapped(differences)
    lengths: Floats = np.sqrt(np.maximum(np.einsum("...i,ij,...j->...", wrapped, metric, wrapped), 0))
    return lengths


def _reduced(standard: Standard) -> Standard:
    """The same crystal on shortest axes, where the group leaves a choice without end (monoclinic and triclinic)."""
    if standard.group.system not in ("monoclinic", "triclinic"):
        return standard
    settings = standard.group.settings
    while True:
        shape_K = np.trace(_metrics(standard.metric, settings.Q_K), axis1=1, axis2=2)
        row = int(shape_K.argmin())
        if shape_K[row] >= np.trace(standard.metric) * (1 - 1e-9):
            return standard
        standard = moved(standard, settings.take(row))


def moved(standard: Standard, setting: Settings) -> Standard:
    """A crystal in another setting (of one entry, without its leading axis)."""
    points = tuple((orbit @ setting.Q_K.T + setting.q_K) % 1 for orbit in standard.points)
    return Standard(standard.group, _metrics(standard.metric, setting.Q_K[None])[0], standard.species, points)


def _metrics(metric: Floats, Q_K: Ints) -> Floats:
    inverse = np.linalg.inv(Q_K.astype(float))
    metrics: Floats = np.swapaxes(inverse, 1, 2) @ metric @ inverse
    return metrics


def _order(standard: Standard) -> list[NDArray[np.int64]]:
    """Numbers of the orbits of each kind (multiplicity and species), in the order in which kinds are compared: rare ones first."""
    keys = [(len(points), species) for points, species in zip(standard.points, standard.species, strict=True)]
    totals: dict[tuple[int, Species], int] = {}
    for key in keys:
        totals[key] = totals.get(key, 0) + key[0]
    kinds = sorted(totals, key=lambda key: (totals[key], key))
    return [np.array([number for number, key in enumerate(keys) if key == kind]) for kind in kinds]


def _codes(standard: Standard, setting: Settings) -> tuple[Ints, Ints]:
    """The smallest rounded point of every orbit, for each choice of a free origin: as one number, and as three."""
    points = np.concatenate(standard.points) @ setting.Q_K.T + setting.q_K
    sizes = np.array([len(orbit) for orbit in standard.points])
    starts = np.cumsum(sizes) - sizes
    rounded_A = rounded_points(points[None] - _anchors(standard, points, starts, sizes)[:, None])
    codes_A = (rounded_A[..., 0] * COORDINATE_STEPS + rounded_A[..., 1]) * COORDINATE_STEPS + rounded_A[..., 2]
    smallest_A = np.minimum.reduceat(codes_A, starts, axis=1)
    rest, z = np.divmod(smallest_A, COORDINATE_STEPS)
    x, y = np.divmod(rest, COORDINATE_STEPS)
    return smallest_A, np.stack((x, y, z), -1)


def _anchors(standard: Standard, points: Floats, starts: Ints, sizes: Ints) -> Floats:
    """Origins along free directions: each point of the rarest kind of site in turn."""
    free = standard.group.free_directions
    if not free.any():
        return np.zeros((1, 3))
    rows = np.concatenate([np.arange(starts[number], starts[number] + sizes[number]) for number in _order(standard)[0]])
    anchors = points[rows] @ free.T
    _, first = np.unique(np.rint((anchors % 1) * 1e6) % 1e6, axis=0, return_index=True)  # points over each other are one choice
    chosen: Floats = anchors[np.sort(first)]
    return chosen


def _sorted_within(codes_A: Ints, order: list[NDArray[np.int64]]) -> Ints:
    """Codes with the orbits of each kind in ascending order, kind after kind."""
    return np.concatenate([np.sort(codes_A[:, numbers], axis=1) for numbers in order], axis=1)
