"""What every reader yields: the head of an entry, then its text in blocks, then perhaps a fault.

A reader never holds a whole entry, so that a chromosome costs no more memory than a read.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """The head of an entry; the ``bytes`` up to the next head are its text.

    Args:
        id: the entry's name in its file; empty if it has none.
        line: where it begins in its file, from 1 (a row number where the file has rows).
    """

    id: str
    line: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the entry before it must not be used.

    Args:
        reason: the word under which it is counted.
        detail: what was seen, for a message.
    """

    reason: str
    detail: str


Event = Entry | bytes | Fault
