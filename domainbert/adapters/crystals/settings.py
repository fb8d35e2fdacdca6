"""A crystal's text as points again, and the same crystal in another setting."""

import numpy as np

from domainbert.adapters.crystals.groups import FREE, Floats, group
from domainbert.adapters.crystals.notation import ANGLE_STEPS, COORDINATE_STEPS, LENGTH_STEPS, Crystal
from domainbert.adapters.crystals.standard import Standard, moved, rounded_cells, rounded_points, write

_SAME = 3 / COORDINATE_STEPS  # of an axis; images of a rounded point


def expand(crystal: Crystal) -> Standard:
    """Every point of the conventional cell.

    Raises:
        ValueError: an orbit has another multiplicity than the text says.
    """
    symmetry = group(crystal.number)
    points = []
    for orbit in crystal.orbits:
        images = symmetry.rotations_G @ (np.array(orbit.point) / COORDINATE_STEPS) + symmetry.translations_G
        difference = images[:, None] - images[None]
        same = (np.abs(difference - np.rint(difference)) < _SAME).all(-1)
        first = np.unique(same.argmax(1))
        if len(first) != orbit.multiplicity:
            raise ValueError(f"a point of orbit m{orbit.multiplicity} w{orbit.letter} has {len(first)} images")
        points.append(images[first] % 1)
    return Standard(symmetry, metric(crystal.cell), tuple(orbit.species for orbit in crystal.orbits), tuple(points))


def metric(cell: tuple[int, ...]) -> Floats:
    """The metric tensor of a cell, square angstrom."""
    lengths = np.array(cell[:3]) / LENGTH_STEPS
    alpha, beta, gamma = np.cos(np.radians(np.array(cell[3:]) / ANGLE_STEPS))
    cosines = np.array([[1, gamma, beta], [gamma, 1, alpha], [beta, alpha, 1]])
    tensor: Floats = cosines * np.outer(lengths, lengths)
    return tensor


def another_setting(crystal: Crystal, rng: np.random.Generator) -> Crystal:
    """The same crystal with another origin, other axes that keep the cell's shape, and other points of its orbits."""
    try:
        standard = expand(crystal)
    except ValueError:
        return crystal
    settings = standard.group.settings
    inverse = np.linalg.inv(settings.Q_K.astype(float))
    shape_K = np.trace(np.swapaxes(inverse, 1, 2) @ standard.metric @ inverse, axis1=1, axis2=2)
    rows = np.flatnonzero(shape_K <= np.trace(standard.metric) * 1.001)
    other = moved(standard, settings.take(int(rng.choice(rows))))
    shift = other.group.free_directions @ rng.random(3)
    chosen = np.array([points[rng.integers(len(points))] for points in other.points])
    cell = rounded_cells(other.metric[None])[0]
    fixed = [place for place in range(6) if place not in FREE[other.group.system]]
    cell[fixed] = np.array(crystal.cell)[fixed]
    return write(other, cell, rounded_points(chosen + shift))
