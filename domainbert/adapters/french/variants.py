"""The same text in another hand: what a model meets that its training text did not hold.

Each takes canonical text and gives text as it may be typed, printed or scanned, before ``canonicalize``.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

import numpy as np

OCR_RATE = 0.02  # of the characters; a fair scan of an old newspaper
# What scanners take for one another in French print, each way round
CONFUSIONS: Final = {
    "e": "cé", "é": "eè6", "è": "eé", "ê": "eé", "a": "oâ", "à": "aâ", "o": "0c", "i": "l1í", "l": "1Ii", "n": "ur", "u": "nv", "s": "5f",
    "f": "\u017fs", "t": "f1", "c": "eç", "ç": "c", "h": "b", "b": "h", "r": "n", "g": "q9", "m": "nn", "I": "l1",
    "E": "F", "C": "G", "B": "8R",
    "O": "0Q", ",": ".", ".": ",", ";": ":", "'": "\u2019,", "œ": "æ", "«": "<", "»": ">", "1": "l", "0": "O", "5": "S", "8": "B",
}  # fmt: skip
_PAIRS = {"rn": "m", "cl": "d", "ii": "u", "vv": "w", "fi": "ﬁ", "fl": "ﬂ"}
_BEFORE = re.compile(r" (?=[;:!?»])|(?<=«) ")
_QUOTED = re.compile(r'"([^"\n]*)"')


def typographic(text: str, rng: np.random.Generator) -> str:
    """As a printer sets it: typographic apostrophes, ``…``, guillemets, and no-break spaces where French wants them."""
    text = _QUOTED.sub("«\u00a0\\1\u00a0»", text.replace("...", "…"))
    return _BEFORE.sub("\u202f", text).replace("'", "\u2019")


def plain_keyboard(text: str, rng: np.random.Generator) -> str:
    """As it is typed on a keyboard without French marks: straight quotation marks, three dots, hyphens, no blank before ``!``."""
    text = re.sub(r" (?=[;:!?])", "", re.sub(r"« ?| ?»", '"', text))
    return text.replace("…", "...").replace("—", "-").replace("\u2013", "-")


def no_ligatures(text: str, rng: np.random.Generator) -> str:
    """``oe`` and ``ae`` for the ligatures."""
    for ligature, letters in (("œ", "oe"), ("æ", "ae")):
        text = re.sub(f"{ligature.upper()}(?=[a-zà-ÿ])", letters.capitalize(), text).replace(ligature.upper(), letters.upper())
        text = text.replace(ligature, letters)
    return text


def no_accents(text: str, rng: np.random.Generator) -> str:
    """Without accents and cedillas."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def ocr(text: str, rng: np.random.Generator) -> str:
    """As a scanner reads it: confused letters, lost and added blanks."""
    for pair, letter in _PAIRS.items():
        text = _sometimes(text, pair, letter, rng)
    hits = np.flatnonzero(rng.random(len(text)) < OCR_RATE)
    letters = list(text)
    for place, draw in zip(hits.tolist(), rng.random(len(hits)).tolist(), strict=True):
        letter = letters[place]
        if letter == " ":
            letters[place] = ""
        elif letter in CONFUSIONS:
            choices = CONFUSIONS[letter]
            letters[place] = choices[int(draw * len(choices))]
        elif letter.isalpha() and draw < 0.2:  # noqa: PLR2004  # gaps within words are the rarest fault
            letters[place] = letter + " "
    noisy = "".join(letters)
    return noisy if noisy.strip() else text


def _sometimes(text: str, old: str, new: str, rng: np.random.Generator) -> str:
    parts = text.split(old)
    swaps = rng.random(len(parts) - 1) < 5 * OCR_RATE
    joints = [new if swap else old for swap in swaps.tolist()]
    return parts[0] + "".join(joint + part for joint, part in zip(joints, parts[1:], strict=True))


Variant = Callable[[str, np.random.Generator], str]
VARIANTS: Final[dict[str, Variant]] = {
    "typographic": typographic,
    "plain_keyboard": plain_keyboard,
    "no_ligatures": no_ligatures,
    "no_accents": no_accents,
    "ocr": ocr,
}
