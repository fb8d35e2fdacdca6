"""MEDLINE's text form (.nbib, PubMed's "PubMed" display): four-letter tags, text from column 7, continued lines indented."""

import re
from collections.abc import Iterator

from domainbert.adapters.biomedical.articles import Article, Ledger, Section
from domainbert.corpus.documents import decoded_lines
from domainbert.corpus.open import Source
from domainbert.errors import CorpusError

_TAG = re.compile(r"([A-Z][A-Z0-9]{1,3}) {0,2}-(?: (.*))?$")
_CONTINUED = "      "
_RETRACTED_PMID = re.compile(r"\bPMID: ?(\d+)")
# Section names stand in capitals at the beginning of an abstract and behind the end of a sentence.
_SECTION = re.compile(r"(?:^|(?<=[.?!)%\]] ))([A-Z][A-Z]{2,}(?:[ /&,'-]{1,3}[A-Z]{2,}){0,6}): ")


def scan_medline(source: Source, ledger: Ledger, *, encoding: str) -> None:
    """Note every PMID of a file and the retractions it tells of."""
    for article, notices in _articles(source, encoding):
        if article.pmid:
            ledger.add(article.pmid)
        ledger.retracted.update(notices)


def read_medline(source: Source, *, encoding: str = "utf-8") -> Iterator[Article]:
    """The articles of one file, in order.

    Raises:
        CorpusError: a line is no MEDLINE field, or the file is not in ``encoding``.
    """
    for article, _ in _articles(source, encoding):
        source.num_records += 1
        yield article


def _articles(source: Source, encoding: str) -> Iterator[tuple[Article, list[str]]]:
    fields: list[tuple[str, list[str]]] = []
    begin = 0
    for number, line in decoded_lines(source, encoding):
        if line.startswith(_CONTINUED) and fields:
            fields[-1][1].append(line.strip())
        elif match := _TAG.match(line):
            tag = match[1]
            if tag == "PMID" and fields:
                yield _article(fields, begin)
                fields = []
            begin = begin if fields else number
            fields.append((tag, [match[2] or ""]))
        elif line.strip():
            raise CorpusError(
                f"{source.path}:{number}: {line[:40]!r} is no MEDLINE field (a tag of up to four letters, '- ', text; continued lines are "
                "indented by six); save the records from PubMed in the format PubMed (.nbib) again"
            )
        elif fields:
            yield _article(fields, begin)
            fields = []
    if fields:
        yield _article(fields, begin)


def _article(fields: list[tuple[str, list[str]]], place: int) -> tuple[Article, list[str]]:
    article = Article(place=place)
    notices: list[str] = []
    language = ""
    for tag, lines in fields:
        text = " ".join(lines)
        if tag == "PMID":
            article.pmid = text.strip()
        elif tag == "TI" or (tag == "BTI" and not article.title):
            article.title = text
        elif tag == "AB":
            article.abstract = sections(text)
        elif tag == "OABL":
            language = text.strip()
        elif tag == "OAB":
            article.others.setdefault(language or "other", []).extend(sections(text))
            language = ""
        elif tag == "PT":
            article.types.add(text.strip())
        elif tag == "RIN":
            article.retracted = True
        elif tag == "ROF":
            notices += _RETRACTED_PMID.findall(text)
    return article, notices


def sections(text: str) -> list[Section]:
    """An abstract cut at its section names."""
    parts = _SECTION.split(text)
    if len(parts) < 5:  # noqa: PLR2004  # one name alone may be an acronym
        return [Section(text)]
    found = [Section(body, label) for label, body in zip(parts[1::2], parts[2::2], strict=True)]
    return [Section(parts[0]), *found] if parts[0].strip() else found
