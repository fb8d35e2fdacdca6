"""Sub- and superscripts, and MathML, as characters: nothing of a formula is lost, and nothing runs into its neighbour."""

import unicodedata
from collections.abc import Callable, Sequence

_RAISED = dict(zip("0123456789+-\u2212=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
_LOWERED = dict(zip("0123456789+-\u2212=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
_SCRIPTS = {"sup": (_RAISED, "^"), "sub": (_LOWERED, "_")}


def script(text: str, kind: str) -> str:
    """``text`` raised (``"sup"``) or lowered (``"sub"``).

    m² and CO₂ where Unicode has every character; words are written on the line (Vmax, 1st, pKa), as the field does; anything else
    in brackets behind ``^`` or ``_``.
    """
    text = text.strip()
    table, mark = _SCRIPTS[kind]
    if not text:
        return ""
    if all(character in table for character in text) and text != "i":
        return "".join(table[character] for character in text)
    if all(unicodedata.category(character)[0] in "LM" for character in text):
        return text
    if all(unicodedata.category(character) in ("No", "Sk", "Lm") or unicodedata.decomposition(character) for character in text):
        return text  # written with raised characters already
    return f"{mark}({text})"


def math(tag: str, parts: Sequence[str]) -> str:
    """One MathML element, from the text of its children (Presentation Markup of MathML 3, chapter 3).

    Args:
        tag: its name without prefix.
        parts: text of the children, in order.
    """
    if tag in ("annotation", "annotation-xml"):
        return ""  # says again in TeX what has been said
    plain = " " if tag == "mspace" else "".join(parts)
    write = _FORMS.get((tag, len(parts))) or _FORMS.get((tag, _ANY))
    return write(parts) if write else plain


_ANY = -1
_Form = Callable[[Sequence[str]], str]
_FORMS: dict[tuple[str, int], _Form] = {
    ("msub", 2): lambda parts: parts[0] + script(parts[1], "sub"),
    ("munder", 2): lambda parts: parts[0] + script(parts[1], "sub"),
    ("msup", 2): lambda parts: parts[0] + script(parts[1], "sup"),
    ("mover", 2): lambda parts: parts[0] + script(parts[1], "sup"),
    ("msubsup", 3): lambda parts: parts[0] + script(parts[1], "sub") + script(parts[2], "sup"),
    ("munderover", 3): lambda parts: parts[0] + script(parts[1], "sub") + script(parts[2], "sup"),
    ("mfrac", 2): lambda parts: f"{_bracketed(parts[0])}/{_bracketed(parts[1])}",
    ("mroot", 2): lambda parts: f"{script(parts[1], 'sup')}√{_bracketed(parts[0])}",
    ("msqrt", _ANY): lambda parts: f"√{_bracketed(''.join(parts))}",
    ("mfenced", _ANY): lambda parts: f"({', '.join(parts)})",
    ("mtr", _ANY): " ".join,
    ("mlabeledtr", _ANY): " ".join,
}


def _bracketed(text: str) -> str:
    return text if text.isalnum() else f"({text})"
