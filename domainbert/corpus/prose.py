"""Running text: files whose lines are paragraphs, or parts of them, as windows of sensible length."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from domainbert.adapters.base import Drops
from domainbert.corpus.documents import decoded_lines
from domainbert.corpus.open import Source
from domainbert.corpus.table import MAX_CELL

LONGEST_WRAPPED = 100  # bytes of a line that an editor or a mail program broke; e-books have 60 to 80
SHORTEST_WRAPPED = 40  # verse has shorter lines, which stay lines
PARAGRAPH_LIMIT = 1 << 20  # characters that are joined at most
_SENTENCE_END = re.compile(r"[.!?…][\"'»”)\]]*\s")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text.

    Args:
        text: whole paragraphs with newlines between them, or a part of a long one.
        start: characters of the text before it.
        line: where it begins in its file, from 1.
    """

    text: str
    start: int
    line: int


def read_paragraphs(source: Source, drops: Drops, *, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """The paragraphs of a file with their lines: between blank lines where lines are broken to a width, else every line.

    Args:
        source: an open file.
        drops: counts lines beyond what memory holds.
        encoding: of the file.

    Raises:
        CorpusError: the file is damaged, binary, or not in ``encoding``.
    """
    is_wrapped = _is_wrapped(source.head)
    held: list[str] = []
    first = length = 0
    for number, line in decoded_lines(source, encoding):
        text = line.strip()
        if len(line) >= MAX_CELL:
            drops.add("line_too_long", f"{source.path}:{number}")
            continue
        if held and (not text or not is_wrapped or length > PARAGRAPH_LIMIT):
            yield first, " ".join(held)
            held, length = [], 0
        if text:
            first = first if held else number
            held.append(text)
            length += len(text) + 1
    if held:
        yield first, " ".join(held)


def windows(paragraphs: Iterable[tuple[int, str]], size: int) -> Iterator[Window]:
    """Paragraphs gathered into windows of at most ``size`` characters; a longer paragraph is cut between sentences, else words."""
    held: list[str] = []
    length = start = line = 0
    for number, paragraph in paragraphs:
        *heads, last = _cut(paragraph, size)
        for part in (*heads, last):
            if held and (part is not last or length + 1 + len(part) > size or heads):
                yield Window("\n".join(held), start, line)
                start, held, length = start + length + 1, [], 0
            line = line if held else number
            length += len(part) + (1 if held else 0)
            held.append(part)
    if held:
        yield Window("\n".join(held), start, line)


def _cut(paragraph: str, size: int) -> list[str]:
    """Parts of at most ``size`` characters."""
    parts, begin = [], 0
    while len(paragraph) - begin > size:
        end = begin + size
        sentences = [match.end() for match in _SENTENCE_END.finditer(paragraph, begin + size // 2, end)]
        blank = paragraph.rfind(" ", begin, end) + 1
        end = sentences[-1] if sentences else blank if blank > begin + 1 else end
        parts.append(paragraph[begin:end].strip() or paragraph[begin:end])
        begin = end
    return [*parts, paragraph[begin:].strip() if parts else paragraph]


def _is_wrapped(head: bytes) -> bool:
    """Whether lines were broken to a width: blank lines between paragraphs, and hardly a line longer than an editor's."""
    lines = [line.strip() for line in head.split(b"\n")[:-1]]
    lengths = [len(line) for line in lines if line]
    inner = [len(line) for line, below in pairwise(lines) if line and below]
    if not inner or len(lengths) == len(lines):
        return False
    long = sum(length > LONGEST_WRAPPED for length in lengths)
    return long < 0.02 * len(lengths) and median(inner) >= SHORTEST_WRAPPED  # a table or a long name among hundreds
