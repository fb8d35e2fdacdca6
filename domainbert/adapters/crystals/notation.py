"""The text form of a crystal, and what it says.

    sg139 a= n3 .78 .00 c= n13 .21 .00 | m2 wa Cu x0 x0 x0 | m4 wc O x0 x60 x0 | m4 we La .92 .50 Sr .07 .50 x0 x0 x43 f28 ;

(bars only here, for reading): the space group in spglib's first setting; those lengths and angles of the conventional cell that its
system leaves free; then each orbit with its multiplicity, Wyckoff letter, species and one point. Numbers are rows of tokens:

    length   nWHOLE .dd .dd       1e-4 angstrom; above 200 as a sum, n200 n57
    angle    nWHOLE .dd           1e-2 degrees
    share    .dd [.dd [.dd]]      1e-6, left out where a species fills its site; zeros at the end are left out
    place    xCOARSE [fFINE]      1/12,000 of an axis: coarse steps are 1/120, fine ones are left out at zero
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.crystals.groups import FREE, system_of

COORDINATE_STEPS = 12_000  # thirds, quarters, fifths, sixths, eighths and twelfths are exact
COARSE, FINE = 120, 100
LENGTH_STEPS, ANGLE_STEPS, SHARE_STEPS = 10_000, 100, 1_000_000
MAX_WHOLE = 200
MAX_LENGTH = 2000  # angstrom
CELL = ("a=", "b=", "c=", "al=", "be=", "ga=")
END = ";"

Species = tuple[tuple[str, int], ...]
"""Symbols in alphabetical order, each with its share of the site in millionths."""

SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd "
    "In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U "
    "Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split()

_NUMBER = r"n\d+(?: n\d+)*(?: \.\d\d)*|x\d+(?: f\d+)?|\.\d\d(?: \.\d\d)*"
_ELEMENT = r"[A-Z][a-z]?"
_SYMMETRY = r"sg\d+|m\d+|w[a-zA]"
PATTERNS = {
    "element": _ELEMENT,
    "number": _NUMBER,
    "symmetry": _SYMMETRY,
    "value": f"{_ELEMENT}|{_NUMBER}|{_SYMMETRY}",
    "orbit": r"m\d+ [^;]*?(?= m\d| ;|$)",
    "lattice": r"a= [^;]*?(?= m\d| ;|$)",
}
"""What parts of the text look like, each between blanks."""


@dataclass(frozen=True, slots=True)
class Orbit:
    """Equivalent sites.

    Args:
        multiplicity: sites in the conventional cell.
        letter: Wyckoff letter; ``A`` for the 27th.
        species: what is on the site.
        point: one site, in 1/12,000 of the axes.
    """

    multiplicity: int
    letter: str
    species: Species
    point: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Crystal:
    """What a text says.

    Args:
        number: space group.
        cell: a, b, c in 1e-4 angstrom, alpha, beta, gamma in 1e-2 degrees.
        orbits: in the order of the text.
    """

    number: int
    cell: tuple[int, ...]
    orbits: tuple[Orbit, ...]

    @property
    def num_sites(self) -> int:
        """Sites in the conventional cell."""
        return sum(orbit.multiplicity for orbit in self.orbits)

    def composition(self) -> dict[str, float]:
        """Atoms of each element in the conventional cell."""
        total: dict[str, int] = {}
        for orbit in self.orbits:
            for symbol, share in orbit.species:
                total[symbol] = total.get(symbol, 0) + orbit.multiplicity * share
        return {symbol: count / SHARE_STEPS for symbol, count in total.items()}


def write_text(crystal: Crystal) -> str:
    """The text of a crystal."""
    tokens = [f"sg{crystal.number}"]
    for place in FREE[system_of(crystal.number)]:
        whole, rest = divmod(crystal.cell[place], LENGTH_STEPS if place < 3 else ANGLE_STEPS)  # noqa: PLR2004  # lengths, then angles
        tokens += [CELL[place], *_whole(whole), *_pairs(rest, 2 if place < 3 else 1)]  # noqa: PLR2004
    for orbit in crystal.orbits:
        tokens += [f"m{orbit.multiplicity}", f"w{orbit.letter}"]
        for symbol, share in orbit.species:
            tokens += [symbol, *_share(share)]
        for step in orbit.point:
            coarse, fine = divmod(step, FINE)
            tokens += [f"x{coarse}", f"f{fine}"] if fine else [f"x{coarse}"]
    return " ".join([*tokens, END])


def read_text(text: str) -> Crystal:
    """What a text says; the inverse of ``write_text``.

    Raises:
        ValueError: it is not in the text form; names the token.
    """
    tokens = _Tokens(text)
    number = tokens.whole("sg")
    if not 1 <= number <= 230:  # noqa: PLR2004
        raise ValueError(f"space group {number} is outside 1..230")
    cell = list(_fixed_cell(number))
    for place in FREE[system_of(number)]:
        tokens.take(CELL[place])
        whole = tokens.whole("n")
        while tokens.ahead().startswith("n"):
            whole += tokens.whole("n")
        cell[place] = whole * LENGTH_STEPS + tokens.pairs(2) if place < 3 else whole * ANGLE_STEPS + tokens.pairs(1)  # noqa: PLR2004
    for place, source in _COPIED.get(system_of(number), ()):
        cell[place] = cell[source]
    orbits = []
    while not tokens.at_end():
        multiplicity, letter = tokens.whole("m"), tokens.take("w")[1:]
        species = []
        while tokens.ahead() in _KNOWN:
            symbol = tokens.take("")
            species.append((symbol, tokens.pairs(3) if tokens.ahead().startswith(".") else SHARE_STEPS))
        point = []
        for _ in range(3):
            coarse = tokens.whole("x")
            point.append(coarse * FINE + (tokens.whole("f") if tokens.ahead().startswith("f") else 0))
        orbits.append(Orbit(multiplicity, letter, tuple(species), (point[0], point[1], point[2])))
    return Crystal(number, tuple(cell), tuple(orbits))


def vocabulary() -> list[str]:
    """Every token of the text form."""
    orders = sorted({order // part for order in (192, 36) for part in range(1, order + 1) if order % part == 0})
    return [
        *(f"sg{number}" for number in range(1, 231)),
        *CELL,
        *(f"n{whole}" for whole in range(MAX_WHOLE + 1)),
        *(f".{pair:02d}" for pair in range(100)),
        *(f"m{count}" for count in orders),
        *(f"w{letter}" for letter in "abcdefghijklmnopqrstuvwxyzA"),
        *SYMBOLS,
        *(f"x{coarse}" for coarse in range(COARSE)),
        *(f"f{fine}" for fine in range(1, FINE)),
        END,
    ]


def spans(text: str, kind: str) -> NDArray[np.int64]:
    """Where the parts of a kind stand in a text: ``(N, 2)`` start and end characters."""
    return np.array([match.span() for match in _pattern(kind).finditer(text)], np.int64).reshape(-1, 2)


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\S)(?:{PATTERNS[kind]})(?!\S)")


_KNOWN = frozenset(SYMBOLS)
_COPIED = {"tetragonal": ((1, 0),), "hexagonal": ((1, 0),), "cubic": ((1, 0), (2, 0))}


def _fixed_cell(number: int) -> tuple[int, ...]:
    right = 90 * ANGLE_STEPS
    return (0, 0, 0, right, right, 120 * ANGLE_STEPS if system_of(number) == "hexagonal" else right)


def _whole(value: int) -> list[str]:
    return [f"n{MAX_WHOLE}"] * ((value - 1) // MAX_WHOLE) + [f"n{(value - 1) % MAX_WHOLE + 1}"] if value else ["n0"]


def _pairs(value: int, count: int) -> list[str]:
    digits = f"{value:0{2 * count}d}"
    return [f".{digits[place : place + 2]}" for place in range(0, len(digits), 2)]


def _share(share: int) -> list[str]:
    if share == SHARE_STEPS:
        return []
    pairs = _pairs(share, 3)
    while len(pairs) > 1 and pairs[-1] == ".00":
        pairs.pop()
    return pairs


class _Tokens:
    """Reads tokens one after another."""

    def __init__(self, text: str) -> None:
        self._tokens = text.split()
        self._place = 0

    def ahead(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def take(self, prefix: str) -> str:
        token = self.ahead()
        if not token or not token.startswith(prefix):
            raise ValueError(f"token {self._place + 1} is {token!r} where {prefix or 'a symbol'!r} must stand")
        self._place += 1
        return token

    def whole(self, prefix: str) -> int:
        digits = self.take(prefix)[len(prefix) :]
        if not digits.isdecimal():
            raise ValueError(f"token {self._place} is {prefix + digits!r}, not {prefix} and a number")
        return int(digits)

    def pairs(self, most: int) -> int:
        value = 0
        for _ in range(most):
            value = 100 * value + (self.whole(".") if self.ahead().startswith(".") else 0)
        return value

    def at_end(self) -> bool:
        if self.ahead() != END:
            return False
        if self._place + 1 != len(self._tokens):
            raise ValueError(f"token {self._place + 2} stands behind the end")
        return True
