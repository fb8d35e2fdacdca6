"""CoNLL-U: sentences of a treebank with their words' places in the text (universaldependencies.org/format.html)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from domainbert.adapters.base import Drops
from domainbert.corpus.documents import decoded_lines
from domainbert.corpus.open import Source
from domainbert.errors import CorpusError

NUM_COLUMNS = 10
_COMMENT = re.compile(r"#\s*(sent_id|text|newdoc id|newdoc|newpar id|newpar)\s*(?:=\s*(.*))?$")
_ID = re.compile(r"(\d+)(?:([-.])(\d+))?")


@dataclass(frozen=True, slots=True)
class Word:
    """One syntactic word.

    Args:
        form: as it is analysed; ``de`` and ``le`` for ``du``.
        upos: its universal part of speech.
        start, end: its characters in the sentence; the words of a contraction (``du``) all have the contraction's.
    """

    form: str
    upos: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence.

    Args:
        id: its ``sent_id``, else ``<file name>:<line>``.
        text: its ``text`` comment, else its forms with the blanks that ``SpaceAfter`` leaves.
        document: of the last ``newdoc``; empty where there was none.
        line: where it begins in its file, from 1.
        words: its syntactic words; empty where the forms are not those of ``text``.
    """

    id: str
    text: str
    document: str
    line: int
    words: tuple[Word, ...]


def is_conllu(head: bytes) -> bool:
    """Whether a file begins like CoNLL-U: comments, then a first word in ten columns."""
    for line in head.split(b"\n"):
        if line.strip() and not line.startswith(b"#"):
            return line.startswith(b"1") and line.count(b"\t") == NUM_COLUMNS - 1
    return False


def read_conllu(source: Source, drops: Drops, *, encoding: str = "utf-8") -> Iterator[Sentence]:
    """The sentences of a file, streaming.

    Args:
        source: an open file.
        drops: counts sentences with a line that is not ten columns, or without words. Who reads counts what is kept.
        encoding: of the file.

    Raises:
        CorpusError: the file is damaged, not in ``encoding``, or holds no sentence.
    """
    block: list[str] = []
    document, first, num_sentences = "", 1, 0
    for number, text in decoded_lines(source, encoding):
        if text.strip():
            first = first if block else number
            block.append(text)
            continue
        if block:
            comments = _comments(block)
            document = _document(comments, document)
            sentence = _sentence(block, comments, document, first, source, drops)
            num_sentences += 1
            block = []
            if sentence:
                source.num_records += 1
                yield sentence
    if block:
        comments = _comments(block)
        sentence = _sentence(block, comments, _document(comments, document), first, source, drops)
        num_sentences += 1
        if sentence:
            yield sentence
    if not num_sentences:
        raise CorpusError(f"{source.path}: there is no sentence in it")


def _comments(block: list[str]) -> dict[str, str]:
    found = (_COMMENT.match(line) for line in block if line.startswith("#"))
    return {match[1]: (match[2] or "").strip() for match in found if match}


def _document(comments: dict[str, str], current: str) -> str:
    return comments.get("newdoc id") or comments.get("newdoc") or current


def _sentence(block: list[str], comments: dict[str, str], document: str, line: int, source: Source, drops: Drops) -> Sentence | None:
    rows = [row.split("\t") for row in block if not row.startswith("#")]
    place = f"{source.path}:{line}"
    if any(len(row) != NUM_COLUMNS or not _ID.fullmatch(row[0]) for row in rows):
        drops.add("malformed_sentence", place)
        return None
    text = comments.get("text") or _rebuilt(rows)
    if not text:
        drops.add("blank", place)
        return None
    return Sentence(comments.get("sent_id") or f"{source.path.name}:{line}", text, document, line, _words(rows, text))


def _rebuilt(rows: list[list[str]]) -> str:
    """The text that the forms spell."""
    return "".join(form + ("" if "SpaceAfter=No" in misc else " ") for form, misc in _surface(rows)).strip()


def _surface(rows: list[list[str]]) -> list[tuple[str, str]]:
    """Form and last column of every stretch of text: contractions once, empty nodes not at all."""
    stretches, inside = [], 0
    for row in rows:
        first, kind, last = _ID.fullmatch(row[0]).groups()  # type: ignore[union-attr]
        if kind == "-":
            stretches.append((row[1], row[9]))
            inside = int(last)
        elif kind is None and int(first) > inside:
            stretches.append((row[1], row[9]))
    return stretches


def _words(rows: list[list[str]], text: str) -> tuple[Word, ...]:
    words: list[Word] = []
    place = start = end = inside = 0
    for row in rows:
        first, kind, last = _ID.fullmatch(row[0]).groups()  # type: ignore[union-attr]
        if kind == ".":
            continue
        if kind == "-" or int(first) > inside:
            start = text.find(row[1], place)
            if start < 0 or text[place:start].strip():
                return ()
            place = end = start + len(row[1])
            inside = int(last) if kind == "-" else inside
        if kind is None:
            words.append(Word(row[1], row[3], start, end))
    return tuple(words)
