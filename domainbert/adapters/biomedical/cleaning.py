"""Biomedical text in one spelling: NFC, plain blanks, no addresses, one form for what was withheld."""

import re
import unicodedata
from html.entities import html5

from domainbert.adapters.biomedical.scripts import script

CANONICAL_VERSION = "biomedical-1"
WITHHELD = "___"  # what MIMIC-IV writes for a name, date or number that was taken out

# Soft hyphens, zero-width blanks, direction marks, byte-order marks; and all control characters but tab and line ends.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ODD_BLANKS = re.compile(r"[^\S \n]\s*+| \s++|\n\s++")  # each run once: a line of ten million blanks takes no longer than it is
_LINE_END = re.compile("[\n\r\x85\u2028\u2029]").search
_ENTITY = re.compile(r"&(?:[A-Za-z]+[0-9]*|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_SCRIPT = re.compile(r"<(sup|sub)>([^<>\n]{0,80})</\1>", re.IGNORECASE)
_STYLE = re.compile(r"</?(?:i|b|u|em|strong|italic|bold)>", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.%+-]{1,64}(?:@[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63}){0,6}\.[A-Za-z]{2,24})+")
_KIND = (
    "NAME|PATIENT|DOCTOR|USERNAME|PERSON|DATE|AGE|LOCATION|HOSPITAL|PHONE|FAX|ID|EMAIL|URL|ADDRESS|ZIP|CITY|STATE|COUNTRY|STREET|CONTACT|"
    "PROFESSION|MRN|MEDICALRECORD|ORGANIZATION|SSN|PHI|REDACTED|REMOVED|DE-?IDENTIFIED|ANONYMI[SZ]ED"
)
_PLACEHOLDER = re.compile(
    r"\[\*\*[^\n\]]{0,200}?\*\*\]"  # MIMIC-III
    r"|<PHI\b[^<>\n]{0,200}>[^<>\n]{0,200}</PHI>|<PHI\b[^<>\n]{0,200}/>"  # i2b2 2006
    rf"|\[(?:{_KIND})(?:[ _-]?[A-Z0-9]{{1,20}}){{0,3}}\]|<(?:{_KIND})(?:[ _-]?[A-Z0-9]{{1,20}}){{0,3}}>"
    r"|(?<![^\W_])_{3,}|_{4,}"  # MIMIC-IV
    r"|\bX{4,}\b"  # Open-i
)
SPECIAL = re.compile(
    r"(?:\[(?=(?:MASK|CLS|SEP|PAD|UNK|BOS|EOS|unused\d{1,4})\])"
    r"|<(?=(?:s|/s|mask|pad|unk|cls|sep|bos|eos|unk|/?null)>|\|[A-Za-z_]{1,30}\|>)"
    r"|\|\|(?=\|[A-Z_]{1,30}\|\|\|))"
)


def canonicalize(text: str) -> str:
    """NFC with characters kept as they are; blanks, entities, addresses, placeholders and spelled special tokens put in one form."""
    while (cleaned := _pass(text)) != text:
        text = cleaned
    return text


def _pass(text: str) -> str:
    """One round. What a round takes out may bring something new together; each can happen a few times only, since texts get shorter."""
    if not text.isprintable():
        text = _INVISIBLE.sub("", text)
    if "&" in text and ";" in text:
        text = _ENTITY.sub(_character, text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "<" in text:
        text = _SCRIPT.sub(lambda match: script(match[2], match[1].lower()), text)
        text = _STYLE.sub("", text)
    if "@" in text:
        text = _EMAIL.sub(WITHHELD, text)
    if "[" in text or "<" in text or "___" in text or "XXXX" in text:
        text = _PLACEHOLDER.sub(WITHHELD, text)
        # The engine's bases have special tokens of these spellings; text never becomes one.
        text = SPECIAL.sub(lambda match: match[0] + " ", text)
    return _ODD_BLANKS.sub(_blank, text).strip()


def _blank(match: re.Match[str]) -> str:
    return "\n" if _LINE_END(match[0]) else " "


def _character(match: re.Match[str]) -> str:
    """The character of an entity such as ``&alpha;`` or ``&#176;``; one that is none stays."""
    name = match[0][1:]
    if not name.startswith("#"):
        return html5.get(name, match[0])
    code = int(name[2:-1], 16) if name[1] in "xX" else int(name[1:-1])
    surrogate = 0xD800 <= code <= 0xDFFF  # noqa: PLR2004  # no characters
    return match[0] if code > 0x10FFFF or surrogate else chr(code)  # noqa: PLR2004  # the last code point
