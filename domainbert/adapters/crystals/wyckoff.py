"""Wyckoff letters of points in the standard setting.

Python has no table of Wyckoff positions, but spglib names the letter of each site that it standardizes. A site's stabilizer (which
operations leave it in place, and up to which lattice translation) tells its Wyckoff position, so each stabilizer is asked for
once: spglib is given a crystal of the same group with that site, and moved copies of it on all the positions that a change of
origin or axes could make of it, because spglib itself is free to choose among those.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from domainbert.adapters.crystals.faults import Unusable
from domainbert.adapters.crystals.groups import Floats, Group, Ints

_TOLERANCE = 1e-5  # of an axis, for points that are not rounded
_TRIES = 20

Stabilizer = tuple[tuple[int, ...], ...]


def letters_of(group: Group, points: Floats, multiplicities: Sequence[int]) -> list[str]:
    """The letter of each point.

    Args:
        group: in whose standard setting the points are.
        points: fractional, ``(n, 3)``; may be rounded.
        multiplicities: points of each orbit in the cell.

    Raises:
        Unusable: spglib does not recognise the group with such a point.
    """
    known = _known(group)
    letters = []
    for point, multiplicity in zip(points, multiplicities, strict=True):
        stabilizer = _nearest_stabilizer(group, point, len(group.rotations_G) // multiplicity)
        if stabilizer not in known:
            _ask(group, point, stabilizer, known)
        letters.append(known[stabilizer])
    return letters


@cache
def _known(group: Group) -> dict[Stabilizer, str]:
    """What was learned of a group; the general position has the last letter, and is asked for like any other."""
    return {}


def _nearest_stabilizer(group: Group, point: Floats, size: int) -> Stabilizer:
    """The ``size`` operations that move a point least: its stabilizer, though rounding has moved it a little off its place."""
    moved_G = group.rotations_G @ point + group.translations_G - point
    shift_G = np.rint(moved_G)
    rows = np.sort(np.argsort(np.abs(moved_G - shift_G).max(1), kind="stable")[:size])
    return tuple((row, *shift) for row, shift in zip(rows.tolist(), shift_G[rows].astype(int).tolist(), strict=True))


def _stabilizer(group: Group, point: Floats) -> Stabilizer:
    moved_G = group.rotations_G @ point + group.translations_G - point
    shift_G = np.rint(moved_G)
    (rows,) = np.nonzero((np.abs(moved_G - shift_G) < _TOLERANCE).all(1))
    return tuple((row, *shift) for row, shift in zip(rows.tolist(), shift_G[rows].astype(int).tolist(), strict=True))


def _ask(group: Group, point: Floats, wanted: Stabilizer, known: dict[Stabilizer, str]) -> None:
    """Learn the letter of ``point``, and those of the positions that other settings make of it."""
    import spglib

    # Rounded coordinates are not quite on the position; the mean over the stabilizer is.
    rows = [row for row, *_ in wanted]
    shifts = np.array([shift for _, *shift in wanted])
    point = (group.rotations_G[rows] @ point + group.translations_G[rows] - shifts).mean(0)
    settings = group.settings
    number_Q = np.unique(settings.Q_K, axis=0).shape[0]
    copies = point @ np.swapaxes(settings.Q_K, 1, 2) + settings.q_K if number_Q <= 6 else point + settings.q_K  # noqa: PLR2004
    _, first = np.unique(np.floor(copies * 1e6 + 0.4137) % 1e6, axis=0, return_index=True)
    copies = copies[first]
    rng = np.random.default_rng(0)
    for _ in range(_TRIES):
        generic = rng.random((3, 3))
        sites = np.concatenate((generic, copies))
        images = (np.einsum("gij,sj->sgi", group.rotations_G, sites) + group.translations_G) % 1
        cell, types = _distinct(images.reshape(-1, 3), np.repeat(np.arange(len(sites)), images.shape[1]))
        crystal: Any = (_basis(group.system, rng), cell, types)
        found = spglib.get_symmetry_dataset(crystal, symprec=1e-3)
        if found is None or found.number != group.number:
            continue
        moved = cell @ np.asarray(found.transformation_matrix).T + np.asarray(found.origin_shift)
        for place, letter in zip(moved, found.wyckoffs, strict=True):
            known.setdefault(_stabilizer(group, place), letter)
            known.setdefault(_stabilizer(group, place % 1), letter)
        if wanted in known:
            return
    raise Unusable("no_wyckoff_letter")


def _distinct(points: Floats, types: Ints) -> tuple[Floats, Ints]:
    # Not rounded at a half: coordinates are multiples of 1/12,000 and of parts of it, so many would lie on that border.
    keys = np.concatenate((np.floor(points * 1e5 + 0.4137) % 1e5, types[:, None]), axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    return points[first], types[first]


def _basis(system: str, rng: np.random.Generator) -> Floats:
    """Rows of a cell of the system with no more symmetry than it must have, and large enough for all sites to be apart."""
    a, b, c = 100 * (1 + rng.random(3))
    tilt = np.eye(3)
    if system == "triclinic":
        tilt = np.array([[1, 0, 0], [0.13, 1, 0], [0.21, 0.17, 1]])
    elif system == "monoclinic":
        tilt[2, 0] = -0.2
    elif system == "tetragonal":
        b = a
    elif system == "cubic":
        b = c = a
    elif system == "hexagonal":
        b, tilt[1] = a, (-0.5, np.sqrt(3) / 2, 0)
    return np.array([a, b, c])[:, None] * tilt
