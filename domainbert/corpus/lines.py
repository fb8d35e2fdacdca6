"""Plain text, one entry a line."""

from collections.abc import Iterator

from domainbert.corpus.entries import Entry, Event
from domainbert.corpus.open import Source


def read_lines(source: Source) -> Iterator[Event]:
    """Every line that is not blank, without the white space around it; an id is ``<file name>:<line>``.

    Raises:
        CorpusError: the file cannot be read.
    """
    line, is_open, held = 1, False, b""
    for block in source.blocks():
        first, *others = (held + block).split(b"\n")
        for number, text in enumerate([first, *others]):
            if number:
                source.num_records += is_open
                line, is_open, held = line + 1, False, b""
            kept = text.rstrip() if is_open else text.strip()
            if kept and not is_open:
                is_open = True
                yield Entry(f"{source.path.name}:{line}", line)
            if kept:
                yield kept
            held = text[len(text.rstrip()) :]  # inside the line if it goes on in the next block, else dropped
