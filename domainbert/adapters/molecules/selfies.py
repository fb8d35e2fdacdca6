"""The SELFIES language (Krenn et al. 2020, Mach. Learn.: Sci. Technol. 1, 045024; in its second version), without the library.

A text is symbols in brackets, and dots between fragments. Those that molecules are mostly made of are one token each; there are endless
many, for an atom's symbol holds its bond, isotope, chirality, hydrogens and charge, and the others are taken apart as SMILES are.
"""

import re
from itertools import product
from string import ascii_letters, digits, punctuation

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.molecules.language import Language
from domainbert.adapters.molecules.smiles import CHARGE, CHARGES, HYDROGENS, ONE_LETTER, TWO_LETTERS, behind, shortest_apart

_ATOMS = {
    "": "B C N O F Si P S Cl Se Br I H 2H 3H",
    "=": "B C N O Si P S Se",
    "#": "B C N P S",
    "/": "B C N O F Si P S Cl Se Br I",
    "\\": "B C N O F Si P S Cl Se Br I",
}
_STATES = {
    "": "B-1 C-1 C+1 N-1 N+1 O-1 O+1 P-1 P+1 S-1 S+1 CH0 CH2 CH1-1 NH0 NH1 NH2 NH1+1 NH2+1 NH3+1 NH4+1 OH0 OH1 OH1-1 OH1+1 PH1 SH0 "
    "SiH1 SiH2 C@ C@@ C@H1 C@@H1 N@ N@@ N@+1 N@@+1 P@ P@@ S@ S@@ F-1 Cl-1 Br-1 I-1 H+1 Li+1 Na+1 K+1 Mg+2 Ca+2 Zn+2",
    "=": "C-1 C+1 CH0 N-1 N+1 NH1+1 NH2+1 O+1 OH0 P+1 S+1",
    "#": "C-1 N+1 O+1",
    "/": "C@ C@@ C@H1 C@@H1 N-1 N+1 NH1 NH1+1 O-1",
    "\\": "C@ C@@ C@H1 C@@H1 N-1 N+1 NH1 NH1+1 O-1",
}
_ORDERS = ("", "=", "#")
_SIDES = tuple(left + right for left, right in product("-/\\", repeat=2) if left + right != "--")
_LENGTHS = "123"  # index symbols that follow

_INDEX = "C Ring1 Ring2 Branch1 =Branch1 #Branch1 Branch2 =Branch2 #Branch2 O N =N =C #C S P".split()
"""The digits of an index, from 0 to 15: SELFIES 2, table 2 of Lo et al. 2023, Digital Discovery 2, 897-908."""

SYMBOLS = tuple(
    f"[{symbol}]"
    for symbol in [
        *(f"{order}Branch{length}" for order, length in product(_ORDERS, _LENGTHS)),
        *(f"{order}Ring{length}" for order, length in product((*_ORDERS, *_SIDES), _LENGTHS)),
        *(bond + atom for table in (_ATOMS, _STATES) for bond, atoms in table.items() for atom in atoms.split()),
    ]
)
"""Those that are one token."""

_PARTS = tuple(dict.fromkeys([*"[]-=#/\\.", *digits, *ONE_LETTER, *TWO_LETTERS, "@", "@@", *HYDROGENS, *CHARGES]))
TOKENS = (*SYMBOLS, *_PARTS)
"""Every token of the language."""

FALLBACK = tuple(character for character in ascii_letters + punctuation if character not in TOKENS)
"""What no legal symbol but ``[epsilon]`` and ``[nop]`` needs, and other text may hold, so that nothing in ASCII is unknown."""

_WHOLE = "|".join(re.escape(symbol) for symbol in SYMBOLS)
_BEHIND_BOND = behind(r"\[", r"\[[=#/\\]")
PATTERN = rf"{_WHOLE}|(?:{_BEHIND_BOND})(?:{'|'.join(TWO_LETTERS)})|@@|H[2-9]|{CHARGE}|[\s\S]"
"""One token, in Oniguruma's and in Python's syntax."""

LANGUAGE = Language(TOKENS, FALLBACK, PATTERN, r"\[[^\[\]]*\]|@@|H[2-9]|[\s\S]")

FORM = re.compile(r"(?:\[[^\[\]]{1,32}\]|\.)+")
"""What SELFIES look like; SMILES of nothing but bracket atoms may look the same."""

_SYMBOL = re.compile(r"\[[^\[\]]*\]|\.")
_STRUCTURE = re.compile(r"\[[-=#/\\]{0,2}(Branch|Ring)([1-3])\]")
_PLAIN_ATOM = re.compile(r"\[[=#/\\]?(?:[BCNOFPSI]|Cl|Br)\]")

Span = tuple[int, int]


def units(text: str, unit: str) -> NDArray[np.int64]:
    """Spans of ``text``, ascending and not overlapping, ``(N, 2)``.

    A ``symbol`` is a bracket or a dot. An ``atom`` is a symbol that stands for one, not an index; a ``bracket_atom`` one that SMILES
    would write in brackets. A ``ring`` reaches from the atom that opens it to its last index symbol, a ``branch`` from its symbol to the
    last that lies in it; of those that overlap the shortest count. Text is read as the library writes it.
    """
    if unit == "symbol":
        spans = [match.span() for match in _SYMBOL.finditer(text)]
    else:
        atoms, rings, branches = _walk(text)
        if unit in ("ring", "branch"):
            spans = shortest_apart(rings if unit == "ring" else branches)
        else:
            spans = [span for span in atoms if unit == "atom" or not _PLAIN_ATOM.fullmatch(text, *span)]
    return np.array(spans, np.int64).reshape(-1, 2)


def _walk(text: str) -> tuple[list[Span], list[Span], list[Span]]:
    """Where atoms, rings and branches lie."""
    spans = [match.span() for match in _SYMBOL.finditer(text)]
    atoms: list[Span] = []
    rings: list[Span] = []
    branches: list[Span] = []
    closing: list[tuple[int, int]] = []  # of the branches around: the symbol behind the last, and the atom that they hang on
    place, atom = 0, -1
    while place < len(spans):
        while closing and closing[-1][0] <= place:
            atom = closing.pop()[1]
        start, end = spans[place]
        structure = _STRUCTURE.fullmatch(text, start, end)
        place += 1
        if structure is None:
            if text[start] == "[":
                atom = len(atoms)
                atoms.append((start, end))
            continue
        written = spans[place : place + int(structure[2])]
        index = _index([text[first + 1 : last - 1] for first, last in written])
        place += len(written)
        if structure[1] == "Branch":
            last = min(place + index + 1, len(spans))
            branches.append((start, spans[last - 1][1]))
            closing.append((last, atom))
        elif atoms:
            rings.append((atoms[max(0, atom - index - 1)][0], spans[place - 1][1]))
    return atoms, rings, branches


def _index(symbols: list[str]) -> int:
    """The number that index symbols write; any other symbol is a 0."""
    number = 0
    for symbol in symbols:
        number = number * len(_INDEX) + (_INDEX.index(symbol) if symbol in _INDEX else 0)
    return number
