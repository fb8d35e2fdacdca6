"""SD files (MDL molfiles with data fields), entry by entry."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from domainbert.corpus.open import Source
from domainbert.errors import CorpusError

MAX_ENTRY = 16 << 20  # bytes; an entry is held in memory
_END = b"\n$$$$"
_FIELD = re.compile(r"^>[^\n<]*<([^>\n]*)>[^\n]*\n(.*?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class SdfEntry:
    """One molecule and where it stood.

    Args:
        title: first line of its molfile.
        block: the molfile.
        fields: the text of its data fields, as they stand in the file.
        line: where it begins, from 1.
    """

    title: str
    block: str
    fields: str
    line: int

    def field(self, name: str) -> str:
        """A data field by name; empty if there is none."""
        return next((value.strip() for key, value in _FIELD.findall(self.fields) if key == name), "")


def read_sdf(source: Source, *, encoding: str = "utf-8") -> Iterator[SdfEntry]:
    """The entries of an SD file; a molfile alone is one entry.

    Raises:
        CorpusError: the file ends within an entry, is not in ``encoding``, or an entry is too long.
    """
    line, held = 0, b"\n"  # of the last line that ended an entry
    for block in source.blocks():
        *entries, held = (held + block).split(_END)
        for entry in entries:
            yield _entry(source, entry, line + 1, encoding)
            line += entry.count(b"\n") + 1
        if len(held) > MAX_ENTRY:
            raise CorpusError(f"{source.path}:{line + 1}: an entry is longer than {MAX_ENTRY} bytes, or no line '$$$$' ends it")
    if held.partition(b"\n")[2].strip():
        if b"M  END" not in held:
            raise CorpusError(f"{source.path}:{line + 1}: the file ends within an entry (no 'M  END'): download it again")
        yield _entry(source, held, line + 1, encoding)


def _entry(source: Source, data: bytes, line: int, encoding: str) -> SdfEntry:
    """``data`` begins with what is left of the line before the entry."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{source.path}: entry at line {line}: byte 0x{data[error.start]:02x} is not {encoding}; set the option encoding"
        ) from None
    _, _, text = text.partition("\n")
    molfile, end, fields = text.partition("M  END")
    source.num_records += 1
    return SdfEntry(molfile.partition("\n")[0].strip(), molfile + end + "\n", fields.partition("\n")[2], line)
