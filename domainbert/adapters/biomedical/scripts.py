"""Sub- and superscripts, and MathML, as characters: nothing of a formula is lost, and nothing runs into its neighbour."""

import unicodedata
from collections.abc import Sequence

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
    if tag == "mspace":
        return " "
    if tag in ("msub", "munder") and len(parts) == 2:  # noqa: PLR2004  # base and index
        return parts[0] + script(parts[1], "sub")
    if tag in ("msup", "mover") and len(parts) == 2:  # noqa: PLR2004  # base and exponent
        return parts[0] + script(parts[1], "sup")
    if tag in ("msubsup", "munderover") and len(parts) == 3:  # noqa: PLR2004  # base, index and exponent
        return parts[0] + script(parts[1], "sub") + script(parts[2], "sup")
    if tag == "mfrac" and len(parts) == 2:  # noqa: PLR2004  # above and below
        return f"{_bracketed(parts[0])}/{_bracketed(parts[1])}"
    if tag == "msqrt":
        return f"√{_bracketed(''.join(parts))}"
    if tag == "mroot" and len(parts) == 2:  # noqa: PLR2004  # radicand and index
        return f"{script(parts[1], 'sup')}√{_bracketed(parts[0])}"
    if tag == "mfenced":
        return f"({', '.join(parts)})"
    if tag in ("mtr", "mlabeledtr"):
        return " ".join(parts)
    return "".join(parts)


def _bracketed(text: str) -> str:
    return text if text.isalnum() else f"({text})"
