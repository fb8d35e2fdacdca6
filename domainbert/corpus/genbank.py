"""GenBank flat files, block by block.

Biopython reads them too, but holds a record's lines and its sequence in memory (for a human chromosome, more than the 500 MB that
preparing a corpus may take) and takes a record whose sequence was cut off for a whole one; the tests compare the two.
"""

import re
from collections.abc import Iterator

from domainbert.corpus.entries import Entry, Event, Fault
from domainbert.corpus.open import Source
from domainbert.errors import CorpusError

_HEAD_SIZE = 1 << 14  # bytes of a record in which LOCUS and VERSION stand
_LOCUS = re.compile(rb"LOCUS +(\S+)(?: +(\d+) (bp|aa|rc))?")  # https://www.ncbi.nlm.nih.gov/genbank/release, section 3.4.4
_VERSION, _ACCESSION = (re.compile(rb"\n%b +(\S+)" % key) for key in (b"VERSION", b"ACCESSION"))
_RELEASE_HEAD = b"Genetic Sequence Data Bank"  # what NCBI's release files begin with, section 3.1
_SEQUENCE, _END = b"\nORIGIN", b"\n//"


def read_genbank(source: Source) -> Iterator[Event]:
    """The records of a GenBank file; an id is the VERSION (ACCESSION or LOCUS where there is none).

    A record without sequence (CONTIG only), of a protein, or whose length is not the one that LOCUS gives, ends in a ``Fault``.

    Raises:
        CorpusError: the file ends within a record, has other text between records, or cannot be read.
    """
    text = _Text(source)
    while text.find_record():
        line, head = text.line, bytearray()
        for chunk in text.until(_SEQUENCE, _END):
            head += chunk[: _HEAD_SIZE - len(head)]
        name, length, unit = _describe(bytes(head))
        yield Entry(name, line)
        num_bases = 0
        if text.mark == _SEQUENCE:
            text.drop_line()
            for chunk in text.until(_END):
                sequence = chunk.translate(None, b"0123456789 \n\t")
                num_bases += len(sequence)
                if sequence:
                    yield sequence
        if text.mark != _END:
            raise CorpusError(f"{source.path}:{line}: the file ends within record {name!r} (no '//' line): download it again")
        text.drop_line()
        if not num_bases:
            yield Fault("no_sequence", "the record has no ORIGIN block (CONTIG only?); download the full record (gbwithparts)")
        elif unit == "aa":
            yield Fault("looks_like_protein", "LOCUS gives its length in aa")
        elif length not in (None, num_bases):
            yield Fault("length_mismatch", f"LOCUS says {length} bp, ORIGIN holds {num_bases}")
        source.num_records += 1


def _describe(head: bytes) -> tuple[str, int | None, str]:
    """Id, length and its unit from a record's first lines."""
    locus = _LOCUS.match(head)
    if locus is None:
        return "", None, ""
    name = (_VERSION.search(head) or _ACCESSION.search(head) or locus)[1].decode("utf-8", "replace")
    return name, int(locus[2]) if locus[2] else None, (locus[3] or b"").decode()


class _Text:
    """A file's text with a place in it; ``mark`` is what ``until`` stopped at, ``b""`` for the end of the file."""

    def __init__(self, source: Source) -> None:
        self.line = 0
        self.mark = b""
        self._path = source.path
        self._blocks = source.blocks()
        self._data = b"\n"

    def until(self, *marks: bytes) -> Iterator[bytes]:
        """Everything before the first of ``marks``."""
        overlap = max(map(len, marks)) - 1
        while True:
            found = [(place, mark) for mark in marks if (place := self._data.find(mark)) >= 0]
            if found:
                place, self.mark = min(found)
                yield self._take(place)
                return
            if len(self._data) > overlap:
                yield self._take(len(self._data) - overlap)
            if not self._more():
                self.mark = b""
                yield self._take(len(self._data))
                return

    def drop_line(self) -> None:
        """Go to the end of the line that the mark begins."""
        self._take(1)
        for _ in self.until(b"\n"):
            pass

    def find_record(self) -> bool:
        """Go to the next LOCUS; false at the end of the file."""
        is_first = self.line == 0
        self._drop_blanks()
        while len(self._data) < _HEAD_SIZE and self._more():
            self._drop_blanks()
        if is_first and _RELEASE_HEAD in self._data[:_HEAD_SIZE]:
            self._take(max(0, self._data.find(b"\nLOCUS ")) + 1)
        if self._data and not self._data.startswith(b"LOCUS "):
            shown = self._data.split(b"\n")[0][:40].decode("utf-8", "replace")
            raise CorpusError(f"{self._path}:{self.line}: a GenBank record begins with LOCUS, here stands {shown!r}")
        return bool(self._data)

    def _drop_blanks(self) -> None:
        self._take(len(self._data) - len(self._data.lstrip()))

    def _take(self, size: int) -> bytes:
        taken, self._data = self._data[:size], self._data[size:]
        self.line += taken.count(b"\n")
        return taken

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        self._data += block
        return bool(block)
