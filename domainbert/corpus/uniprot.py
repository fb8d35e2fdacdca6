"""UniProtKB (Swiss-Prot, TrEMBL) as flat file and as XML, entry by entry.

Biopython reads both; its XML reader keeps what it has read in a tree that grows and expands entities, and its flat-file reader takes
five times as long. The tests compare the two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from domainbert.corpus.open import Source
from domainbert.errors import CorpusError

MAX_ENTRY = 64 << 20  # bytes; the longest entries have some megabytes of references
_FAMILY = re.compile(r"Belongs to the (.+?) family\b")
_LENGTH = re.compile(r"SEQUENCE +(\d+) AA")
_NAMESPACE = re.compile("^.*}")


@dataclass(frozen=True, slots=True)
class UniprotEntry:
    """One protein and where it stood.

    Args:
        accession: the primary one.
        sequence: its residues.
        family: as its SIMILARITY comment names it; empty if there is none.
        line: where it begins, from 1.
    """

    accession: str
    sequence: str
    family: str
    line: int


def read_uniprot(source: Source) -> Iterator[UniprotEntry]:
    """The entries of a flat file (https://web.expasy.org/docs/userman.html).

    Raises:
        CorpusError: the file ends within an entry, or a sequence has not the length that its SQ line gives.
    """
    line, held = 1, b""
    for block in source.blocks():
        *entries, held = (held + block).split(b"\n//\n")
        for entry in entries:
            yield _flat_entry(source, entry.decode("utf-8", "replace"), line)
            line += entry.count(b"\n") + 2
        _bounded(source, len(held), line)
    if held.strip().removesuffix(b"//").strip():
        if not held.rstrip().endswith(b"\n//"):
            raise CorpusError(f"{source.path}:{line}: the file ends within an entry (no line '//'): download it again")
        yield _flat_entry(source, held.rstrip()[:-3].decode("utf-8", "replace"), line)


def read_uniprot_xml(source: Source) -> Iterator[UniprotEntry]:
    """The entries of UniProt XML. Document types and entities are refused: UniProt has none, and they can blow up a reader.

    Raises:
        CorpusError: the file is not well-formed, ends early, or declares a document type.
    """
    reader = _XmlReader(source)
    for block in source.blocks():
        reader.feed(block, final=False)
        yield from reader.take()
    reader.feed(b"", final=True)
    yield from reader.take()


def _bounded(source: Source, size: int, line: int) -> None:
    if size > MAX_ENTRY:
        raise CorpusError(f"{source.path}:{line}: an entry is longer than {MAX_ENTRY} bytes, or no line '//' ends it")


def _flat_entry(source: Source, text: str, line: int) -> UniprotEntry:
    source.num_records += 1
    head, mark, sequence = text.rpartition("\nSQ   ")
    lines = head.split("\n")
    accession = next((row[5:].split(";")[0].strip() for row in lines if row.startswith("AC   ")), "")
    if not (mark and accession):
        missing = "SQ" if accession else "AC"
        raise CorpusError(f"{source.path}:{line}: an entry without a line {missing}; this is no UniProt flat file, or it is damaged")
    title, _, rows = sequence.partition("\n")
    residues = "".join(rows.split())
    length = _LENGTH.match(title)
    if length and int(length[1]) != len(residues):
        seen = f"SQ says {length[1]} residues, {len(residues)} follow"
        raise CorpusError(f"{source.path}:{line}: entry {accession}: {seen}: download it again")
    comments = " ".join(row[5:].strip() for row in lines if row.startswith("CC   "))
    similar = comments.partition("-!- SIMILARITY:")[2].partition("-!-")[0]
    return UniprotEntry(accession, residues, _family(similar), line)


def _family(comment: str) -> str:
    found = _FAMILY.search(comment)
    return found[1] if found else ""


class _XmlReader:
    """Keeps of each entry only the accession, the SIMILARITY comment and the sequence."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._done: list[UniprotEntry] = []
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._size = 0
        self._values: dict[str, str] = {}
        self._is_similarity = False
        self._length = ""
        self._line = 0
        self._parser = parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, block: bytes, *, final: bool) -> None:
        """Parse the next block."""
        try:
            self._parser.Parse(block, final)
        except expat.ExpatError as error:
            why = "ends early" if final else "is not well-formed"
            message = f"{self._source.path}:{error.lineno}: the XML {why} ({expat.ErrorString(error.code)})"
            raise CorpusError(f"{message} after entry {self._source.num_records}; download it again") from None

    def take(self) -> list[UniprotEntry]:
        """The entries that are complete."""
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, Any]) -> None:
        name = _NAMESPACE.sub("", name)
        self._path.append(name)
        depth = len(self._path)
        if depth == 2 and name == "entry":  # noqa: PLR2004  # <uniprot><entry>
            self._values, self._line = {}, self._parser.CurrentLineNumber
        in_entry = self._path[1:2] == ["entry"]
        if name == "comment":
            self._is_similarity = attributes.get("type") == "similarity"
        is_value = depth == 3 and name in ("accession", "sequence")  # noqa: PLR2004  # <uniprot><entry><accession>
        is_family = name == "text" and self._path[2:3] == ["comment"] and self._is_similarity
        if in_entry and (is_value or is_family):
            self._text, self._size = [], 0
        if in_entry and is_value and name == "sequence":
            self._length = attributes.get("length", "")

    def _end(self, name: str) -> None:
        name = _NAMESPACE.sub("", name)
        self._path.pop()
        if self._text is not None:
            key = "similarity" if name == "text" else name
            if not self._values.get(key):
                self._values[key] = "".join(self._text)
            self._text = None
        if len(self._path) == 1 and name == "entry":
            self._finish()

    def _characters(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)
            self._size += len(data)
            _bounded(self._source, self._size, self._line)

    def _finish(self) -> None:
        self._source.num_records += 1
        sequence = "".join(self._values.get("sequence", "").split())
        accession = self._values.get("accession", "").strip()
        if not accession:
            raise CorpusError(f"{self._source.path}:{self._line}: an entry without an accession; this is no UniProt XML, or it is damaged")
        if self._length not in ("", str(len(sequence))):
            seen = f"length says {self._length} residues, {len(sequence)} follow"
            raise CorpusError(f"{self._source.path}:{self._line}: entry {accession}: {seen}: download it again")
        self._done.append(UniprotEntry(accession, sequence, _family(self._values.get("similarity", "")), self._line))

    def _refuse(self, *declaration: object) -> None:
        raise CorpusError(
            f"{self._source.path}:{self._parser.CurrentLineNumber}: the XML declares a document type, which UniProt's has not; "
            "entities in it could expand without end, so the file is refused"
        )
