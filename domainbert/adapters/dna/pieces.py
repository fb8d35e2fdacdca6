"""Entries of a file, judged and cut into records of bounded length."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.dna.options import DnaOptions
from domainbert.adapters.dna.sequence import canonical_bytes, odd_character, why_not_nucleotides
from domainbert.corpus.entries import Entry, Event, Fault
from domainbert.errors import CorpusError

JUDGED_WHOLE = 1 << 20  # characters; an entry up to this length is judged before any of it is used
SHARE_LENGTH = 4096  # characters; in a shorter block of a long entry a few ambiguous letters may be most of it
MAX_IDS = 1_000_000  # remembered for a file, about 90 bytes each
_LOWER = re.compile(rb"[a-z]+")
_RUN = re.compile(rb"N*")
_log = logging.getLogger(__name__)


def cut_entries(events: Iterable[Event], *, path: str, name: str, options: DnaOptions, drops: Drops, soft_mask: bool) -> Iterator[Record]:
    """The records of one file: every entry that is nucleotides, in pieces of at most ``options.window`` characters.

    An entry of at most ``JUDGED_WHOLE`` characters is judged whole, so a bad one is dropped and counted. Of a longer one, pieces
    have left before its end was read: a bad character behind the first ``JUDGED_WHOLE`` is an error, never a shorter chromosome.

    Args:
        events: from a reader.
        path: of the file, for messages.
        name: of the file, for ``meta``.
        options: lengths and weights.
        drops: is counted into.
        soft_mask: whether lower case means masked (in FASTA it does, in GenBank it is the format's spelling).

    Raises:
        CorpusError: a long entry turns bad, there is no entry, or every entry looks like a protein.
    """
    file = _File(path, name, options, drops, soft_mask and options.soft_mask_weight < 1)
    entry: _OpenEntry | None = None
    for event in events:
        if isinstance(event, Entry):
            if entry:
                yield from entry.close()
            entry = _OpenEntry(event, file)
        elif entry and isinstance(event, bytes):
            yield from entry.add(event)
        elif entry and isinstance(event, Fault):
            entry.fault(event)
    if entry is None:
        raise CorpusError(f"{path}: there is no entry in it")
    yield from entry.close()
    file.refuse_proteins()


class _File:
    """What the entries of one file share."""

    def __init__(self, path: str, name: str, options: DnaOptions, drops: Drops, weighs_lower_case: bool) -> None:
        self.path = path
        self.name = name
        self.options = options
        self.drops = drops
        self.weighs_lower_case = weighs_lower_case
        self.long_run = b"N" * (options.max_n_run + 1)
        self.num_kept = 0
        self.reasons: Counter[str] = Counter()
        self._first_protein = 0
        self._ids: set[bytes] = set()

    def drop(self, head: Entry, reason: str) -> None:
        self.drops.add(reason, f"{self.path}:{head.line}")
        self.reasons[reason] += 1
        if reason == "looks_like_protein":
            self._first_protein = self._first_protein or head.line

    def count_kept(self, trimmed: Counter[str] | None = None) -> None:
        self.num_kept += 1
        self.drops.num_kept += 1
        if trimmed:
            self.drops.trimmed += trimmed

    def is_repeated(self, name: str) -> bool:
        """Whether an entry of this id was kept before; not known beyond ``MAX_IDS`` entries, so that memory is bounded."""
        if len(self._ids) >= MAX_IDS:
            return False
        digest = blake2b(name.encode(), digest_size=16).digest()
        if digest in self._ids:
            return True
        self._ids.add(digest)
        if len(self._ids) == MAX_IDS:
            _log.warning("%s: more than %d entries; the ids of later ones are not checked for repetition", self.path, MAX_IDS)
        return False

    def refuse_proteins(self) -> None:
        num_proteins = self.reasons["looks_like_protein"]
        if num_proteins and not self.num_kept and num_proteins == self.reasons.total():
            raise CorpusError(
                f"{self.path}: this is not DNA: all {num_proteins} entries look like proteins (first: line {self._first_protein}); "
                "this adapter reads nucleotide sequences; give the genome's FASTA, or use an adapter for proteins"
            )


class _OpenEntry:
    """One entry between its head and its end."""

    def __init__(self, head: Entry, file: _File) -> None:
        self._head = head
        self._file = file
        self._waiting: list[bytes] = []  # text not judged yet
        self._num_waiting = 0
        self._num_judged = 0
        self._cutter: _Cutter | None = None  # there is one as soon as the entry is judged and being cut
        self._reason = "" if head.id.strip() else "blank_id"

    def add(self, block: bytes) -> Iterable[Record]:
        """Take the entry's next text; the records that are complete with it."""
        if self._reason:
            return ()
        if self._cutter:
            self._judge_late(block)
            return self._records(self._cutter.feed(block))
        self._waiting.append(block)
        self._num_waiting += len(block)
        return self._cut() if self._num_waiting > JUDGED_WHOLE else ()

    def fault(self, fault: Fault) -> None:
        """Take what the reader says against the entry."""
        if self._cutter:
            raise self._late_error(fault.detail)
        self._reason = self._reason or fault.reason

    def close(self) -> Iterable[Record]:
        """The entry's last records; it is counted as kept or dropped."""
        if self._cutter is None and not self._reason:
            text = self._judged()
            if text is not None and self._is_one_piece(text):  # most entries are genes or reads: the short way
                self._file.count_kept()
                return (self._record(0, text),)
            self._waiting = [text] if text else []
        if self._reason:
            self._file.drop(self._head, self._reason)
            return ()
        return self._last_records()

    def _last_records(self) -> Iterator[Record]:
        cutter = self._cutter
        if cutter is None:
            cutter = _Cutter(self._file)
            yield from self._records(cutter.feed(b"".join(self._waiting)))
        yield from self._records(cutter.finish())
        if cutter.num_pieces:
            self._file.count_kept(cutter.trimmed)
        else:
            self._file.drop(self._head, "no_known_base")

    def _cut(self) -> Iterator[Record]:
        """Begin to cut an entry that is too long to wait for its end."""
        text = self._judged()
        if text is not None:
            self._cutter = _Cutter(self._file)
            yield from self._records(self._cutter.feed(text))

    def _judged(self) -> bytes | None:
        """What waited; ``None`` and a reason where the entry must be dropped for it."""
        text = b"".join(self._waiting)
        self._waiting = []
        self._num_judged = len(text)
        self._reason = why_not_nucleotides(text) if text else "empty_sequence"
        if not self._reason and self._file.is_repeated(self._head.id):
            self._reason = "duplicate_id"
        return None if self._reason else text

    def _is_one_piece(self, text: bytes) -> bool:
        if len(text) > self._file.options.window:
            return False
        canonical = canonical_bytes(text)
        return self._file.long_run not in canonical and bool(canonical.strip(b"N"))

    def _judge_late(self, block: bytes) -> None:
        reason = why_not_nucleotides(block)
        place, character = odd_character(block) if reason else (0, "")
        if character or (reason and len(block) >= SHARE_LENGTH):
            seen = (
                f"{character!r} as character {self._num_judged + place + 1} of its sequence" if character else "most letters are no bases"
            )
            raise self._late_error(f"{reason}: {seen}")
        self._num_judged += len(block)

    def _late_error(self, detail: str) -> CorpusError:
        return CorpusError(
            f"{self._file.path}:{self._head.line}: entry {self._head.id!r} is damaged ({detail}); it cannot be left out, because its "
            "beginning was already used; repair the entry or take it out of the file"
        )

    def _records(self, pieces: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
        return (self._record(start, piece) for start, piece in pieces)

    def _record(self, start: int, piece: bytes) -> Record:
        meta = {"start": str(start), "strand": "+", "file": self._file.name}
        if self._file.weighs_lower_case:
            weight = self._file.options.soft_mask_weight
            spans = [f"{match.start()}-{match.end()}:{weight:g}" for match in _LOWER.finditer(piece)]
            if spans:
                meta["target_weights"] = ",".join(spans)
        return Record(self._head.id, piece.decode("ascii"), self._head.id, meta)


class _Cutter:
    """Cuts one entry at long runs of unknown bases and into windows, keeping no more than a window."""

    def __init__(self, file: _File) -> None:
        self._options = file.options
        self._long_run = file.long_run
        self._rest = b""  # read, not handed out
        self._start = 0  # of the rest in the entry
        self._in_run = False  # the entry's last character so far belongs to a long run
        self._was_cut = False
        self.num_pieces = 0
        self.trimmed: Counter[str] = Counter()

    def feed(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """The pieces that are complete with ``block``, each with its start in the entry."""
        text = self._rest + block
        canonical = canonical_bytes(text)
        place = self._skip_run(canonical, 0) if self._in_run else 0
        while (run := canonical.find(self._long_run, place)) >= 0:
            self._was_cut = True
            yield from self._windows(text, place, run)
            place = self._skip_run(canonical, run)
        # Runs of N at the text's end may turn out long with the next block.
        usable = len(canonical[-len(self._long_run) :].rstrip(b"N")) + max(0, len(text) - len(self._long_run))
        full = place + max(0, usable - place) // self._options.window * self._options.window
        yield from self._windows(text, place, full)
        self._start += full
        self._rest = text[full:]

    def finish(self) -> Iterator[tuple[int, bytes]]:
        """The rest of the entry."""
        yield from self._windows(self._rest, 0, len(self._rest))

    def _skip_run(self, canonical: bytes, start: int) -> int:
        match = _RUN.match(canonical, start)
        end = match.end() if match else start
        self.trimmed["long_n_run"] += end - start
        self._in_run = end == len(canonical)
        return end

    def _windows(self, text: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        for place in range(start, end, self._options.window):
            piece = text[place : min(place + self._options.window, end)]
            is_part = self._was_cut or self._start + place > 0
            if is_part and len(piece) < self._options.min_piece:
                self.trimmed["short_piece"] += len(piece)
            elif len(piece) < len(self._long_run) and not canonical_bytes(piece).strip(b"N"):
                self.trimmed["no_known_base"] += len(piece)
            else:
                self.num_pieces += 1
                yield self._start + place, piece
