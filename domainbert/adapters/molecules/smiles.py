"""The SMILES language (OpenSMILES 1.0, and what RDKit adds to it): its tokens, and where its units lie.

Atoms in brackets are taken apart: isotope, element, chirality, hydrogens, charge, class. There are endless many of them, but few parts.
"""

import re
from collections.abc import Iterable, Iterator
from string import ascii_letters, digits, punctuation

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.molecules.language import Language

ONE_LETTER = "B C N O F P S K V Y I W U H".split()
TWO_LETTERS = (
    "He Li Be Ne Na Mg Al Si Cl Ar Ca Sc Ti Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te Xe Cs Ba "
    "La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa Np Pu Am Cm Bk Cf Es Fm Md No "
    "Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split()
_AROMATIC = "b c n o p s se as te si".split()
_CHIRAL = "@ @@ @TH @AL @SP @TB @OH".split()  # the number behind @TB and @OH is digits of its own
_BONDS = "- = # $ : ~ / \\ -> <-".split()
_OTHER = "( ) [ ] . + % %( * > >>".split()
HYDROGENS = [f"H{count}" for count in range(2, 10)]
CHARGES = [f"{sign}{size}" for sign in "+-" for size in range(1, 16)]
_RINGS = [f"%{number:02}" for number in range(100)]

TOKENS = tuple(
    dict.fromkeys([*_OTHER, *_BONDS, *digits, *ONE_LETTER, *_AROMATIC, *TWO_LETTERS, *_CHIRAL, *HYDROGENS, *CHARGES, *_RINGS])
)
"""Every token of the language."""

FALLBACK = tuple(character for character in ascii_letters + punctuation if character not in TOKENS)
"""What no SMILES needs and other text may hold, so that nothing in ASCII is unknown."""


def behind(*openings: str) -> str:
    """A pattern of no width: where an element stands, behind what opens a bracket and an isotope of up to five digits."""
    return "|".join(f"(?<={opening}" + r"\d" * length + ")" for opening in openings for length in range(6))


# An element has two letters only behind a bracket and an isotope: elsewhere Sc is a sulphur and an aromatic carbon.
_LONGEST_FIRST = "|".join([*(symbol for symbol in [*TWO_LETTERS, *_AROMATIC] if len(symbol) > 1), "[HBCNOFPSKVYIWUbcnops*]"])
_BEHIND_BRACKET = behind(r"\[")
_IN_BRACKET = rf"(?:{_BEHIND_BRACKET})(?:{_LONGEST_FIRST})"
_CHIRALITY = r"@(?:TH|AL|SP|TB|OH)(?=\d)|@@|@"
CHARGE = r"[+-](?:1[0-5]|[1-9])(?=\]|:\d+\])"
_REST = r"%\d\d|%\(|->|<-|>>|Cl|Br|[\s\S]"
PATTERN = rf"{_IN_BRACKET}|{_CHIRALITY}|H[2-9]?|{CHARGE}|{_REST}"
"""One token, in Oniguruma's and in Python's syntax."""

OUTER_PATTERN = rf"\[[^\[\]]*\]|{_CHIRALITY}|H[2-9]?|{_REST}"
"""One token or one whole bracket: the same cut, where every bracket is closed."""

LANGUAGE = Language(TOKENS, FALLBACK, PATTERN, OUTER_PATTERN)
_ATOM = re.compile(r"\[[^\[\]]*\]|Cl|Br|[BCNOPSFIbcnops*]")
_BRACKET = re.compile(r"\[[^\[\]]*\]")
_WALK = re.compile(rf"(?P<atom>{_ATOM.pattern})|(?P<ring>%\(\d+\)|%\d\d|\d)|(?P<branch>[()])|[\s\S]")

_SYMBOL = re.compile(OUTER_PATTERN)

UNITS = ("atom", "bracket_atom", "ring", "branch", "symbol")
split = LANGUAGE.split


def units(text: str, unit: str) -> NDArray[np.int64]:
    """Spans of ``text``, ascending and not overlapping, ``(N, 2)``.

    An ``atom`` is written with or without brackets, a ``bracket_atom`` with. A ``ring`` reaches from the atom that opens it to the
    number that closes it, with what hangs on it in between; of rings that overlap the shortest count. A ``branch`` is what stands in
    parentheses, with them; of nested ones the innermost. A ``symbol`` is whatever stands for one thing: an atom, a bond, a ring number, a
    parenthesis, a dot.
    """
    if unit == "ring":
        spans = shortest_apart(_rings(text))
    elif unit == "branch":
        spans = list(_branches(text))
    else:
        pattern = {"atom": _ATOM, "bracket_atom": _BRACKET, "symbol": _SYMBOL}[unit]
        spans = [match.span() for match in pattern.finditer(text)]
    return np.array(spans, np.int64).reshape(-1, 2)


def _rings(text: str) -> Iterator[tuple[int, int]]:
    """Each pair of equal ring numbers: from the first one's atom to behind the second."""
    opened: dict[int, int] = {}
    atom = 0
    before_branch: list[int] = []
    for match in _WALK.finditer(text):
        if match["atom"]:
            atom = match.start()
        elif match["branch"] == "(":
            before_branch.append(atom)
        elif match["branch"] == ")" and before_branch:
            atom = before_branch.pop()
        elif match["ring"]:
            number = int(match["ring"].strip("%()"))
            if number in opened:
                yield opened.pop(number), match.end()
            else:
                opened[number] = atom


def shortest_apart(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of spans that overlap the shortest, in order."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[1] - span[0], span)):
        if all(end <= other_start or start >= other_end for other_start, other_end in kept):
            kept.append((start, end))
    return sorted(kept)


def _branches(text: str) -> Iterator[tuple[int, int]]:
    start = -1
    for match in _WALK.finditer(text):
        if match["branch"] == "(":
            start = match.start()
        elif match["branch"] == ")" and start >= 0:
            yield start, match.end()
            start = -1
