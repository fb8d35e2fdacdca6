"""FASTA, block by block.

Not Biopython's parsers: ``SimpleFastaParser`` skips text before the first ``>`` without a word, and both of its FASTA parsers
hold a whole entry in memory.
"""

import re
from collections.abc import Iterator
from itertools import chain

from domainbert.corpus.entries import Entry, Event
from domainbert.corpus.open import Source
from domainbert.errors import CorpusError

MAX_HEADER = 1 << 20  # bytes; longer ones are damage
_COMMENT = re.compile(rb"\n;[^\n]*")  # a whole line, in Pearson's original format


def read_fasta(source: Source, *, encoding: str = "utf-8") -> Iterator[Event]:
    """The entries of a FASTA file; white space within sequences and ``;`` lines are left out.

    An id is the first word of a header.

    Raises:
        CorpusError: text stands before the first ``>``, a header is not in ``encoding``, or the file cannot be read.
    """
    line = 0
    rest = b"\n"  # the first line begins like all others
    num_entries = 0
    for block in chain(source.blocks(), (None,)):
        data, rest = (rest, b"") if block is None else _whole_heads(rest + block)
        if len(rest) > MAX_HEADER:
            line += data.count(b"\n") + 1
            raise CorpusError(f"{source.path}:{line}: a header line is longer than {MAX_HEADER} bytes")
        if b";" in data:
            data = _COMMENT.sub(b"\n", data)
        text, *entries = data.split(b"\n>")
        if num_entries:
            if sequence := _joined(text):
                yield sequence
        elif text.strip():
            raise _stray(source, text, line)
        line += text.count(b"\n")
        for entry in entries:
            line += 1
            source.num_records = num_entries
            num_entries += 1
            head, _, text = entry.partition(b"\n")
            yield Entry(_first_word(head, source, line, encoding), line)
            if sequence := _joined(text):
                yield sequence
            line += entry.count(b"\n")
    if not num_entries:
        raise CorpusError(f"{source.path}: no entry in this file: no line begins with '>'")


def _whole_heads(data: bytes) -> tuple[bytes, bytes]:
    """``data`` cut before a header or comment that may go on in the next block."""
    last = data.rfind(b"\n")
    if last >= 0 and data[last + 1 : last + 2] in (b"", b">", b";"):
        return data[:last], data[last:]
    return data, b""


def _joined(text: bytes) -> bytes:
    text = text.replace(b"\n", b"")
    return text.translate(None, b" \t") if b" " in text or b"\t" in text else text


def _first_word(head: bytes, source: Source, line: int, encoding: str) -> str:
    words = head.split(None, 1)
    try:
        return words[0].decode(encoding) if words else ""
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise CorpusError(f"{source.path}:{line}: the header is not {encoding} (byte 0x{byte:02x}); set the option encoding") from None


def _stray(source: Source, text: bytes, line: int) -> CorpusError:
    line += text[: len(text) - len(text.lstrip())].count(b"\n")
    shown = text.strip().split(b"\n")[0][:40].decode("utf-8", "replace")
    return CorpusError(f"{source.path}:{line}: text before the first '>': {shown!r}; a FASTA file begins with a header line '>id ...'")
