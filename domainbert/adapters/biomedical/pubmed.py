"""PubMed's and MEDLINE's XML, streaming: all text below an element, whatever stands between.

The parser is expat by hand: of a record's three hundred elements a dozen are read, and the rest is passed over without a call for each
start and each text. Entities are neither defined nor fetched: a file that defines one is refused.
"""

import re
from collections.abc import Callable, Iterator
from html.entities import html5
from typing import Any
from xml.parsers import expat

from domainbert.adapters.biomedical.articles import Article, Ledger, Section
from domainbert.adapters.biomedical.scripts import math, script
from domainbert.corpus.open import Source
from domainbert.errors import CorpusError

_ARTICLES = frozenset({"PubmedArticle", "PubmedBookArticle", "MedlineCitation"})
_ROOTS = frozenset({"PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", "DeleteCitation", *_ARTICLES})
_TEXTS = frozenset({"ArticleTitle", "AbstractText", "PublicationType", "PMID"})
# Nothing below these is read, and none of them nests in itself.
_SKIPPED = frozenset(
    {
        "AuthorList", "InvestigatorList", "PersonalNameSubjectList", "ChemicalList", "SupplMeshList", "MeshHeadingList", "KeywordList",
        "GrantList", "DataBankList", "GeneSymbolList", "CitationSubset", "History", "ArticleIdList", "ObjectList", "MedlineJournalInfo",
        "Journal", "VernacularTitle", "DateCompleted", "DateRevised", "ArticleDate", "Pagination", "ELocationID", "CopyrightInformation",
        "CoiStatement", "GeneralNote", "Sections",
    }
)  # fmt: skip
_FOREIGN = {
    "html": "a web page, perhaps the error page of a failed download",
    "article": "JATS full text",
    "eSummaryResult": "an ESummary, which has no abstracts: fetch the records with efetch",
    "eFetchResult": "an error message of efetch",
}
_HOLDERS = frozenset({"Abstract", "OtherAbstract", "CommentsCorrections", "DeleteCitation", "ReferenceList", "Book"})
# Elements of MathML that hold other elements only: blanks between those are the file's, not the formula's.
_MATH_HOLDERS = frozenset(
    {
        "math", "mrow", "mstyle", "semantics", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mfrac", "msqrt", "mroot",
        "mfenced", "mtable", "mtr", "mlabeledtr", "mtd", "mpadded", "mphantom", "menclose", "merror", "mmultiscripts",
    }
)  # fmt: skip
_SCRIPT_TAGS = frozenset({"sub", "sup"})
_BREAKS = frozenset({"br", "p", "DispFormula", "list-item"})
_CITATION = re.compile(
    rb"<(?:MedlineCitation|BookDocument)\b[^>]*>\s*<PMID\b([^>]*)>\s*([^<]*?)\s*</PMID>"
    rb"|<DeleteCitation>(.*?)</DeleteCitation>"
    rb"|<CommentsCorrections\b[^>]*\bRefType=[\"']RetractionOf[\"'][^>]*>.*?</CommentsCorrections>",
    re.DOTALL,
)
_PMID = re.compile(rb"<PMID\b[^>]*>\s*([^<]*?)\s*</PMID>")
_VERSION = re.compile(rb"\bVersion=[\"'](\d+)[\"']")
_TAIL = 1 << 16  # bytes kept between blocks for what is cut by their border; a list of deleted PMIDs may be longer


def scan_pubmed(source: Source, ledger: Ledger) -> None:
    """Note every PMID of a file, its withdrawals and retractions, in order: one quick pass over the bytes."""
    held = b""
    for block in source.blocks():
        data = held + block
        done = _note(data, ledger)
        rest = data[done:]
        open_list = rest.rfind(b"<DeleteCitation>")
        held = rest[open_list:] if open_list >= 0 else rest[-_TAIL:]
    _note(held, ledger)


def _note(data: bytes, ledger: Ledger) -> int:
    end = 0
    for match in _CITATION.finditer(data):
        end = match.end()
        if match[2] is not None:
            version = _VERSION.search(match[1])
            if match[2]:
                ledger.add(match[2].decode("latin-1"), int(version[1]) if version else 1)
        elif match[3] is not None:
            for pmid in _PMID.findall(match[3]):
                ledger.delete(pmid.decode("latin-1"))
        elif pmid := _PMID.search(match[0]):
            ledger.retracted.add(pmid[1].decode("latin-1"))
    return end


def read_pubmed(source: Source, *, encoding: str = "utf-8") -> Iterator[Article]:
    """The articles of one XML file, in order.

    Raises:
        CorpusError: it is cut off, not well-formed, defines entities, or holds no PubMed records.
    """
    reader = _Reader(source, None if encoding.lower().replace("-", "") == "utf8" else encoding)
    for block in source.blocks():
        reader.feed(block)
        yield from reader.take()
    reader.feed(b"", final=True)
    yield from reader.take()


class _Reader:
    """Handlers of one parse; complete articles gather in ``take``."""

    def __init__(self, source: Source, encoding: str | None) -> None:
        self.source = source
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.ordered_attributes = False
        self.parser.StartElementHandler = self._start_root
        self.parser.EntityDeclHandler = self._refuse_entity
        self.parser.SkippedEntityHandler = self._entity
        self._done: list[Article] = []
        self._article = Article()
        self._open_articles = 0
        self._holders: list[str] = []
        self._frames: list[tuple[str, list[str]]] = []  # open elements below a text element, with their text so far
        self._attributes: dict[str, str] = {}
        self._other: list[Section] = []
        self._skip = ""

    def feed(self, data: bytes, *, final: bool = False) -> None:
        try:
            self.parser.Parse(data, final)
        except expat.ExpatError as error:
            place = f"line {error.lineno}, column {error.offset}, byte {self.parser.ErrorByteIndex} of the text"
            what = expat.ErrorString(error.code)
            early = final and what in ("no element found", "unclosed token", "unclosed CDATA section", "partial character")
            cure = "the file is incomplete: download it again" if early else "repair the file or download it again"
            seen = "XML ends early" if early else f"not well-formed XML ({what.removeprefix('not well-formed (').removesuffix(')')})"
            raise CorpusError(f"{self.source.path}: {seen} after record {self.source.num_records} ({place}); {cure}") from None
        except LookupError:
            where = "as its XML declaration or the option encoding says"
            raise CorpusError(f"{self.source.path}: Python knows no such encoding {where}") from None

    def take(self) -> list[Article]:
        done, self._done = self._done, []
        return done

    def _start_root(self, name: str, attributes: dict[str, str]) -> None:
        if name not in _ROOTS:
            guess = f", {_FOREIGN[name]}" if name in _FOREIGN else ""
            known = ", ".join(sorted(_ROOTS))
            raise CorpusError(f"{self.source.path}: XML whose root is <{name}>{guess}; PubMed's and MEDLINE's is read ({known})")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._start(name, attributes)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._frames:
            self._push(name)
        elif name in _SKIPPED:
            self._skip = name
            self.parser.StartElementHandler = None
            self.parser.EndElementHandler = self._end_skipped
        elif name in _TEXTS:
            self._attributes = attributes
            self._push(name)
            self.parser.CharacterDataHandler = self._text
        elif name in _ARTICLES:
            if not self._open_articles:
                self._article = Article(place=self.parser.CurrentLineNumber)
            self._open_articles += 1
        elif name in _HOLDERS:
            self._holders.append(name)
            self._enter(name, attributes)

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        if name == "OtherAbstract":
            language = "-".join(filter(None, (attributes.get("Language", ""), attributes.get("Type", ""))))
            self._other = self._article.others.setdefault(language or "other", [])
        elif name == "CommentsCorrections" and attributes.get("RefType") == "RetractionIn":
            self._article.retracted = True

    def _end(self, name: str) -> None:
        if self._frames:
            self._pop()
        elif name in _ARTICLES:
            self._open_articles -= 1
            if not self._open_articles:
                self.source.num_records += 1
                self._done.append(self._article)
        elif self._holders and name == self._holders[-1]:
            self._holders.pop()

    def _end_skipped(self, name: str) -> None:
        if name == self._skip:
            self.parser.StartElementHandler = self._start
            self.parser.EndElementHandler = self._end

    def _push(self, name: str) -> None:
        self._frames.append((name.rpartition(":")[2], []))

    def _text(self, data: str) -> None:
        tag, parts = self._frames[-1]
        if tag not in _MATH_HOLDERS:
            parts.append(data)

    def _entity(self, name: str, is_parameter: bool) -> None:
        """An entity that a DTD elsewhere defines: only those of HTML are known without it."""
        if is_parameter:
            return
        character = html5.get(f"{name};")
        if character is None:
            place = f"line {self.parser.CurrentLineNumber}, byte {self.parser.CurrentByteIndex} of the text"
            raise CorpusError(f"{self.source.path}: entity &{name}; at {place} is not defined in the file; write the character itself")
        if self._frames:
            self._frames[-1][1].append(character)

    def _refuse_entity(self, name: str, *_details: Any) -> None:
        raise CorpusError(
            f"{self.source.path}: defines the entity {name!r} (line {self.parser.CurrentLineNumber}); PubMed's files define none, and such "
            "definitions can make a small file fill the memory, so they are refused"
        )

    def _pop(self) -> None:
        """Close the innermost element: its text goes to the one around it, or to the article."""
        tag, parts = self._frames.pop()
        if tag == "math" or any(outer == "math" for outer, _ in self._frames):
            text = math(tag, parts if tag in _MATH_HOLDERS else ["".join(parts)])
        elif tag in _SCRIPT_TAGS:
            text = script("".join(parts), tag)
        elif tag in _BREAKS:
            text = " " + "".join(parts) + " "
        else:
            text = "".join(parts)
        if self._frames:
            self._frames[-1][1].append(text)
            return
        self.parser.CharacterDataHandler = None
        _STORE[tag](self, " ".join(text.split()))

    def _store_pmid(self, text: str) -> None:
        # Comments, corrections and references hold PMIDs of other articles.
        if not self._holders and not self._article.pmid:
            self._article.pmid = text
            version = self._attributes.get("Version", "")
            self._article.version = int(version) if version.isdigit() else 1

    def _store_title(self, text: str) -> None:
        if not self._holders and not self._article.title:
            self._article.title = text

    def _store_section(self, text: str) -> None:
        section = Section(text, self._attributes.get("Label", ""))
        if "OtherAbstract" in self._holders:
            self._other.append(section)
        elif "Abstract" in self._holders:
            self._article.abstract.append(section)

    def _store_type(self, text: str) -> None:
        self._article.types.add(text)


_STORE: dict[str, Callable[[_Reader, str], None]] = {
    "PMID": _Reader._store_pmid,
    "ArticleTitle": _Reader._store_title,
    "AbstractText": _Reader._store_section,
    "PublicationType": _Reader._store_type,
}
