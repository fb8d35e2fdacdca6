"""Space groups in spglib's first setting, and the changes of axes and origin that leave a group's operations as they are.

Such a change describes the same crystal by other numbers. All of them together are the group's affine normaliser (International
Tables A, chapter 3.5). It is found here by search: rotation parts among small integer matrices, translations on a grid that holds
halves, quarters, eighths, thirds and sixths. Directions along which the origin is free are left to the caller.

G operations of a group, K changes of setting.
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRID = 24  # translations are counted in twenty-fourths of an axis
_STEPS = np.array([step for step in range(GRID) if step % 3 == 0 or step % 4 == 0])  # eighths and sixths

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "hexagonal", "cubic")
LAST_GROUPS = (2, 15, 74, 142, 194, 230)  # the last group of each system; trigonal groups stand on hexagonal axes

FREE = {"triclinic": (0, 1, 2, 3, 4, 5), "monoclinic": (0, 1, 2, 4), "orthorhombic": (0, 1, 2), "tetragonal": (0, 2)}
FREE |= {"hexagonal": (0, 2), "cubic": (0,)}
"""Which of a, b, c, alpha, beta, gamma are free in each system."""


def system_of(number: int) -> str:
    """The crystal system of a space group, by the cell it stands on."""
    return SYSTEMS[bisect_left(LAST_GROUPS, number)]


@dataclass(frozen=True)
class Settings:
    """Changes of setting ``x' = Q x + q`` that map a group onto itself, one for each class modulo the group.

    Args:
        Q_K: integer matrices of determinant 1, ``(K, 3, 3)``.
        q_K: origin shifts, ``(K, 3)``, without a part along free directions.
    """

    Q_K: Ints
    q_K: Floats

    def take(self, rows: Any) -> "Settings":
        """Some of them."""
        return Settings(self.Q_K[rows], self.q_K[rows])


class Group:
    """One space group.

    Args:
        number: 1..230.
    """

    def __init__(self, number: int) -> None:
        import spglib

        self.number = number
        self.hall = _first_settings()[number]
        operations = spglib.get_symmetry_from_database(self.hall)
        assert operations is not None
        self.rotations_G: Ints = operations["rotations"].astype(np.int64)
        self.steps_G: Ints = np.rint(operations["translations"] * GRID).astype(np.int64) % GRID
        self.translations_G: Floats = self.steps_G / GRID
        self.system = system_of(number)
        self.free_directions: Floats = self.rotations_G.mean(0)
        """Projection of a vector on the directions along which no operation fixes the origin."""

    @cached_property
    def settings(self) -> Settings:
        """Every other setting of a crystal of this group, as far as small matrices reach."""
        points = self._point_group()
        seen: set[bytes] = set()
        Q_K, q_K = [], []
        for Q in _rotation_parts(self.system):
            if Q.tobytes() in seen:
                continue
            seen.update((Q @ W).tobytes() for W in self.rotations_G)
            inverse = np.rint(np.linalg.inv(Q)).astype(np.int64)
            images = [(Q @ W @ inverse).tobytes() for W in self.rotations_G]
            if not points.keys() >= set(images):
                continue
            for steps in self._origins(Q, [points[image] for image in images]):
                Q_K.append(Q)
                q_K.append(steps / GRID)
        return Settings(np.array(Q_K), np.array(q_K))

    def _point_group(self) -> dict[bytes, int]:
        """An operation with each rotation."""
        found: dict[bytes, int] = {}
        for number, W in enumerate(self.rotations_G):
            found.setdefault(W.tobytes(), number)
        return found

    def _origins(self, Q: Ints, images: list[int]) -> Ints:
        """The shifts on the grid that make a setting of ``Q``; ``images`` number an operation with each rotation ``Q W Q^-1``."""
        axis = [_STEPS if not self.free_directions[k, k] else np.zeros(1, np.int64) for k in range(3)]
        q_N = np.stack(np.meshgrid(*axis, indexing="ij"), -1).reshape(-1, 3)
        lattice = np.isin(np.arange(GRID**3), _code(self._centrings()))
        for number, image in enumerate(images):
            W, w = self.rotations_G[image], self.steps_G[image]
            left_N = q_N - q_N @ W.T
            q_N = q_N[lattice[_code(left_N - (w - Q @ self.steps_G[number]))]]
        free = np.diag(self.free_directions) > 0
        shifted = (q_N[:, None] + self._centrings()) % GRID
        shifted[..., free] = 0
        classes = np.unique(_code(shifted).min(1))
        return np.stack((classes // GRID**2, classes // GRID % GRID, classes % GRID), -1)

    def _centrings(self) -> Ints:
        centrings: Ints = self.steps_G[(self.rotations_G == np.eye(3)).all((1, 2))]
        return centrings


@cache
def group(number: int) -> Group:
    """The space group of that number."""
    return Group(number)


@cache
def _first_settings() -> dict[int, int]:
    import spglib

    first: dict[int, int] = {}
    for hall in range(1, 531):
        kind = spglib.get_spacegroup_type(hall)
        assert kind is not None
        first.setdefault(kind.number, hall)
    return first


@cache
def _rotation_parts(system: str) -> Ints:
    """Integer matrices of determinant 1 that keep the shape of the system's cells (of all such cells, or of reduced ones)."""
    if system == "monoclinic":
        plane = np.array([m for m in product(range(-2, 3), repeat=4) if abs(m[0] * m[3] - m[1] * m[2]) == 1])
        matrices = np.zeros((len(plane), 3, 3), np.int64)
        matrices[:, 0, 0], matrices[:, 0, 2], matrices[:, 2, 0], matrices[:, 2, 2] = plane.T
        matrices[:, 1, 1] = plane[:, 0] * plane[:, 3] - plane[:, 1] * plane[:, 2]
    else:
        matrices = np.array(list(product((-1, 0, 1), repeat=9)), np.int64).reshape(-1, 3, 3)
        matrices = matrices[np.rint(np.linalg.det(matrices)) == 1]
    shape = _SHAPES.get(system)
    if shape is not None:
        kept = np.isclose(np.swapaxes(matrices, 1, 2) @ shape @ matrices, shape)
        matrices = matrices[kept.all((1, 2))]
    if system == "orthorhombic":
        matrices = matrices[np.abs(matrices).sum((1, 2)) == 3]  # noqa: PLR2004  # one entry a row: axes stay axes
    identity_first = np.argsort(-np.trace(matrices, axis1=1, axis2=2), kind="stable")
    ordered: Ints = matrices[identity_first]
    return ordered


_SHAPES = {
    "tetragonal": np.diag([1.0, 1.0, 2.0]),
    "hexagonal": np.array([[1.0, -0.5, 0.0], [-0.5, 1.0, 0.0], [0.0, 0.0, 2.0]]),
    "cubic": np.eye(3),
}


def _code(steps: Ints) -> Ints:
    steps = steps % GRID
    code: Ints = (steps[..., 0] * GRID + steps[..., 1]) * GRID + steps[..., 2]
    return code
