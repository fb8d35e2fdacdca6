"""What PubMed says of one article, whatever file format it stood in, and which of its revisions counts."""

import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.biomedical.options import BiomedicalOptions
from domainbert.corpus.documents import MAX_CHARACTERS

RETRACTED, NOTICE = "Retracted Publication", "Retraction of Publication"  # publication types D016441 and D016440

_BLOCK = 8  # bits of a PMID that count within a block: small corpora hold few of all PMIDs
_DELETED = 0
_AFFILIATION = re.compile(
    r"(?:^|(?<=\n))(?:authors?['\u2019]?s? affiliations?|affiliations?|correspond(?:ence|ing author)(?: to)?|address for correspondence|"
    r"electronic address|e-?mail(?: address)?)\s*:[^\n]{0,2000}(?:\n|$)",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(
    r"\s*(?:\(?(?:copyright|©|\(c\))\)?[\s:]{0,2}){1,3}(?:the authors?\W{1,3}|by )?\(?(?:19|20)\d\d\b[^\n]{0,300}(?=\n|$)"
    r"|\s*(?<=[.\s])all rights reserved\.?(?=\n|$)",
    re.IGNORECASE,
)
_TRUNCATED = re.compile(r"\s*[(\[]ABSTRACT TRUNCATED(?: AT \d+ WORDS)?[)\]]")
BOILERPLATE = (("affiliation", _AFFILIATION), ("copyright", _COPYRIGHT), ("truncation_mark", _TRUNCATED))


@dataclass(slots=True)
class Section:
    """A labelled or unlabelled stretch of an abstract."""

    text: str
    label: str = ""


@dataclass(slots=True)
class Article:
    """One revision of one record.

    Args:
        pmid: its number, as written.
        version: of the PMID, from 1.
        title: as plain text.
        abstract: its sections.
        others: further abstracts by their language and type, e.g. ``"fre-Publisher"``.
        types: publication types.
        retracted: whether a notice of retraction points to it.
        place: line of its beginning.
    """

    pmid: str = ""
    version: int = 1
    title: str = ""
    abstract: list[Section] = field(default_factory=list)
    others: dict[str, list[Section]] = field(default_factory=dict)
    types: set[str] = field(default_factory=set)
    retracted: bool = False
    place: int = 0


class Ledger:
    """Which revision of each PMID counts: of the highest version the last, in the order of the files.

    Takes about five bytes a PMID, so the whole of PubMed fits; nothing of the texts is kept.
    """

    def __init__(self) -> None:
        self._last: defaultdict[int, array[int]] = defaultdict(lambda: array("I", bytes(array("I").itemsize << _BLOCK)))
        self._versions: dict[str, int] = {}  # of those above 1, which are few
        self._odd: dict[str, int] = {}  # PMIDs that are no plain numbers
        self.retracted: set[str] = set()
        self.num_seen = 0

    def add(self, pmid: str, version: int = 1) -> None:
        """Note the next article of the files."""
        self.num_seen += 1
        self._set(pmid, version, self.num_seen)

    def delete(self, pmid: str) -> None:
        """Note that PubMed has withdrawn what came before."""
        self._versions.pop(pmid, None)
        self._set(pmid, 1, _DELETED)

    def verdict(self, pmid: str, number: int) -> str:
        """Why the ``number``-th article noted is left out; ``""`` if it counts."""
        last = self._get(pmid)
        if last == number:
            return ""
        return "deleted" if last == _DELETED else "superseded"

    def _set(self, pmid: str, version: int, number: int) -> None:
        if version < self._versions.get(pmid, 1):
            return
        if version > 1:
            self._versions[pmid] = version
        if _is_plain(pmid):
            value = int(pmid)
            self._last[value >> _BLOCK][value & ((1 << _BLOCK) - 1)] = number
        else:
            self._odd[pmid] = number

    def _get(self, pmid: str) -> int:
        if _is_plain(pmid):
            value = int(pmid)
            return self._last[value >> _BLOCK][value & ((1 << _BLOCK) - 1)]
        return self._odd.get(pmid, _DELETED)


def _is_plain(pmid: str) -> bool:
    return pmid.isascii() and pmid.isdigit() and len(pmid) <= 9 and not pmid.startswith("0")  # noqa: PLR2004  # today's have 8


def article_records(article: Article, options: BiomedicalOptions, drops: Drops, *, file: str, path: str) -> Iterator[Record]:
    """The records of one article that counts: its abstract, and its other abstracts where they are wanted.

    An article without an abstract, and a retracted one, are counted in ``drops``.
    """
    place = f"{path}:{article.place} (PMID {article.pmid or 'missing'})"
    reason = _fault(article, options)
    texts = {"": assemble(article.title if options.titles else "", article.abstract, options)} if has_text(article.abstract) else {}
    if options.other_abstracts:
        texts |= {name: assemble("", sections, options) for name, sections in article.others.items() if has_text(sections)}
    if not reason and any(len(text) > MAX_CHARACTERS for text in texts.values()):
        reason = "too_long"
    if reason or not texts:
        drops.add(reason or "no_abstract", place)
        return
    drops.num_kept += 1
    meta = {"file": file, "line": str(article.place)}
    for name, text in texts.items():
        trimmed = trim(text, options, drops)
        if trimmed:
            abstract = {"abstract": name} if name else {}
            yield Record(f"{article.pmid}:{name}" if name else article.pmid, trimmed, article.pmid, {**meta, **abstract})


def assemble(title: str, sections: Iterable[Section], options: BiomedicalOptions) -> str:
    """Title and sections, one a line."""
    lines = [title] if title.strip() else []
    for section in sections:
        text = section.text.strip()
        # MEDLINE marks a section that has no name of its own UNLABELLED.
        label = section.label.strip() if options.section_labels and section.label.strip().upper() != "UNLABELLED" else ""
        if text:
            lines.append(f"{label.rstrip(':')}: {text}" if label else text)
    return "\n".join(lines)


def trim(text: str, options: BiomedicalOptions, drops: Drops) -> str:
    """``text`` without copyright lines, affiliations and truncation marks; the characters cut are counted by reason."""
    if options.boilerplate == "keep":
        return text
    for reason, pattern in BOILERPLATE:
        shorter = pattern.sub("", text)
        if len(shorter) < len(text):
            drops.trimmed[reason] += len(text) - len(shorter)
            text = shorter
    return text.strip()


def has_text(sections: Iterable[Section]) -> bool:
    """Whether any section says something."""
    return any(section.text.strip() for section in sections)


def _fault(article: Article, options: BiomedicalOptions) -> str:
    if not article.pmid:
        return "no_pmid"
    if options.retracted == "keep":
        return ""
    if article.retracted or RETRACTED in article.types:
        return "retracted"
    return "retraction_notice" if NOTICE in article.types else ""
