"""The one spelling of French that models see, the way back to the raw text, and where words begin.

NFC; typographic apostrophes as ``'``; no-break and thin spaces as a blank; LF line ends. Accents, case, ligatures, quotation marks
and the blanks before ``; : ! ?`` stay.
"""

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

CANONICAL_VERSION = "french-1"
APOSTROPHES = "\u2019\u02bc\uff07"  # always apostrophes
QUOTES_USED_AS_APOSTROPHES = "`\u00b4\u2032\u2018\u201b"  # apostrophes between letters; elsewhere code, minutes, quotation marks
SPACES = "\u00a0\u202f\u2007\u2009"

# Letters and marks of the scripts that French is set in; for these this pattern and tokenizer.json agree on every character.
LATIN = "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f"
LONGEST = 64  # letters or digits of one word; WordPiece takes the square of a word's length

_TRANSLATION = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(SPACES, " "))
_RARE = re.compile(f"[{APOSTROPHES}{SPACES}]")
_QUOTED = re.compile(rf"(?<=[^\W\d_])[{QUOTES_USED_AS_APOSTROPHES}](?=[^\W\d_])")
_BEYOND_LATIN = re.compile(r"[^\x00-\u024f\u0300-\u036f\u2000-\u206f\u20ac]")


def canonicalize(text: str) -> str:
    """The canonical spelling of ``text``; idempotent."""
    if text.isascii():
        text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        return _QUOTED.sub("'", text) if "`" in text else text
    text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _RARE.search(text):
        text = text.translate(_TRANSLATION)
    return _QUOTED.sub("'", text)


@dataclass(frozen=True, slots=True)
class Aligned:
    """Canonical text, and where each of its characters stood in the raw text.

    Args:
        text: canonical.
        spans: start and end in the raw text of each character, ``(len(text), 2)``; characters composed of several have one span.
    """

    text: str
    spans: NDArray[np.int64]

    def raw(self, spans: NDArray[np.int64]) -> NDArray[np.int64]:
        """Spans of the raw text for spans of the canonical text, ``(N, 2)``; none of them may be empty."""
        return np.stack((self.spans[spans[:, 0], 0], self.spans[spans[:, 1] - 1, 1]), axis=1)


def align(raw: str) -> Aligned:
    """``canonicalize`` with the way back: for labels that count in the raw text."""
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    for match in _clusters().finditer(raw):
        part = unicodedata.normalize("NFC", match.group())
        part = "\n" if part in ("\r", "\r\n") else part
        parts.append(part)
        spans += [match.span()] * len(part)
    text = canonicalize("".join(parts))
    assert len(text) == len(spans), "NFC reached beyond a cluster"
    return Aligned(text, np.array(spans, np.int64).reshape(-1, 2))


def pattern(letter: str) -> str:
    r"""The words of French as a regular expression; what no word covers is blanks.

    In this order: words that hold an apostrophe of their own; elided words with their apostrophe (``l'``, ``qu'``, ``t'`` of ``t'as``);
    runs of letters; runs of digits; single characters, among them ``\n`` and ``\t``.

    Args:
        letter: what is inside the brackets of a character class for letters and marks.
    """
    word = f"[{letter}]{{1,{LONGEST}}}"
    whole = (
        "[Aa]ujourd'hui|AUJOURD'HUI",
        f"(?:[Qq]uelqu'une?s?|[Pp]resqu'(?:île|ile|isle)s?)(?![{letter}])",
        f"(?:[Pp]rud'hom|[Ee]ntr'|[Gg]rand'|O'(?=[A-Z])){word}",
    )
    elided = f"{word}'(?=[{letter}0-9])|(?:[LlDdJjMmTtSsNnCcÇç]|(?:[Ll]ors|[Pp]uis|[Qq]uoi|[Jj]us)?[Qq]u)'"
    return "|".join((*whole, elided, word, f"[0-9]{{1,{LONGEST}}}", "[^ ]"))


def words(text: str, *, with_elided: bool = False) -> NDArray[np.int64]:
    """Spans of words; ``l'arbre`` is two, or one ``with_elided``. Blanks, newlines and tabs are in none."""
    spans = np.array([match.span() for match in word_pattern(text).finditer(text)], np.int64).reshape(-1, 2)
    if not len(spans):
        return spans
    spans = spans[[not text[start].isspace() for start in spans[:, 0].tolist()]]
    if not with_elided or len(spans) < 2:  # noqa: PLR2004  # nothing to join
        return spans
    joins = np.array([_joins(text, start, end) for start, end in spans.tolist()])
    touches = np.append(spans[1:, 0] == spans[:-1, 1], False)
    goes_on = joins & touches
    first, last = np.insert(~goes_on[:-1], 0, True), ~goes_on
    return np.stack((spans[first, 0], spans[last, 1]), axis=1)


def word_pattern(text: str) -> re.Pattern[str]:
    """The pattern for a text: the quick one where all of it is Latin script."""
    return _latin_words() if is_latin(text) else _unicode_words()


def is_latin(text: str) -> bool:
    """Whether ``LATIN`` holds every letter and mark of ``text``."""
    return text.isascii() or _BEYOND_LATIN.search(text) is None


@cache
def _latin_words() -> re.Pattern[str]:
    return re.compile(pattern(LATIN))


@cache
def _unicode_words() -> re.Pattern[str]:
    kept = [character for character in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(character)[0] in "LM"]
    return re.compile(pattern(_ranges(kept)))


@cache
def _clusters() -> re.Pattern[str]:
    """A character with the marks that NFC may compose with it; Hangul's vowels and finals compose too."""
    marks = [character for character in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(character)[0] == "M"]
    return re.compile(rf"\r\n|(?s:.)[{_ranges(marks)}\u1160-\u11ff]*")


def _ranges(characters: list[str]) -> str:
    """Characters in ascending order as the inside of a character class."""
    codes = np.array([ord(character) for character in characters])
    breaks = np.flatnonzero(np.diff(codes) != 1) + 1
    return "".join(f"{re.escape(chr(run[0]))}-{re.escape(chr(run[-1]))}" for run in np.split(codes, breaks))


def _joins(text: str, start: int, end: int) -> bool:
    """Whether a word is elided: it ends in its apostrophe and is more than that."""
    return end - start > 1 and text[end - 1] == "'"
