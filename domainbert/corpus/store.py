"""The token store: a corpus as memory-mapped arrays that any reader can open at once.

A store is a folder:

    tokens.bin        uint16 where the vocabulary allows, else uint32; no special tokens
    offsets.bin       uint64, one more than there are records: where each record's tokens begin
    text.bin          canonical text, UTF-8
    text_offsets.bin  uint64, bytes, one more than there are records
    weights.bin       uint8 a token, 255 for 1.0: how readily a token is hidden; only where some records have weights
    records.arrow     id, group, label, role, meta of each record (Arrow IPC file)
    tokenizer/        tokenizer.json and tokenizer_config.json
    manifest.json     written last: what the store is and where it comes from
"""

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domainbert.adapters.base import Record
from domainbert.errors import StoreError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that went into a store."""

    path: str
    sha256: str
    num_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store holds. Its file is written last, so that a folder with one is whole.

    Args:
        dtype: of ``tokens.bin``, ``uint16`` or ``uint32``.
        num_characters: of canonical text, views included.
        num_entries: source entries kept; one entry may be several records (pieces, views).
        drops: entries left out, by reason; duplicates among them.
        first_drops: the first place of each reason.
        trimmed: characters cut from kept entries, by reason (long N runs, short pieces).
        altered: entries that were normalised, by what (deuterium, oxidation states).
        split: how the corpus was split, for people.
        has_weights: whether there is a ``weights.bin``.
    """

    adapter: str
    canonical_version: str
    options: dict[str, Any]
    tokenizer_sha256: str
    vocabulary_size: int
    dtype: str
    num_records: int
    num_tokens: int
    num_characters: int
    num_entries: int
    drops: dict[str, int] = field(default_factory=dict)
    first_drops: dict[str, str] = field(default_factory=dict)
    trimmed: dict[str, int] = field(default_factory=dict)
    altered: dict[str, int] = field(default_factory=dict)
    sources: tuple[SourceFile, ...] = ()
    split: str = ""
    has_weights: bool = False
    format_version: int = FORMAT_VERSION

    def write(self, folder: Path) -> None:
        """Write ``manifest.json``; the caller has already made everything else durable."""
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read ``manifest.json``, or say that the store is unfinished."""
        path = folder / MANIFEST
        try:
            fields = json.loads(path.read_text())
        except FileNotFoundError:
            raise StoreError(f"{folder}: not a finished token store ({MANIFEST} is missing); build it again") from None
        except (ValueError, OSError) as error:
            raise StoreError(f"{path}: cannot be read ({error}); build the store again") from None
        if not isinstance(fields, dict) or fields.get("format_version") != FORMAT_VERSION:
            seen = fields.get("format_version") if isinstance(fields, dict) else fields
            raise StoreError(f"{path}: format version {seen!r}, this program reads {FORMAT_VERSION}; build the store again")
        try:
            fields["sources"] = tuple(SourceFile(**source) for source in fields["sources"])
            return cls(**fields)
        except (TypeError, KeyError) as error:
            raise StoreError(f"{path}: is damaged ({error}); build the store again") from None


class TokenStore:
    """A finished token store, opened without reading it.

    Args:
        folder: where ``corpus build`` wrote it.

    Raises:
        StoreError: the folder is not a finished store, or its arrays do not have the sizes that the manifest gives;
            ``table`` and ``tokenizer`` raise it when they are first used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.manifest = Manifest.read(self.folder)
        self.tokens: NDArray[Any] = self._map("tokens.bin", self.manifest.dtype, self.manifest.num_tokens)
        self.offsets: NDArray[Any] = self._map("offsets.bin", "uint64", len(self) + 1)
        self.text_offsets: NDArray[Any] = self._map("text_offsets.bin", "uint64", len(self) + 1)
        self.weights: NDArray[Any] | None = None
        if self.manifest.has_weights:
            self.weights = self._map("weights.bin", "uint8", self.manifest.num_tokens)
        self.text_bytes: NDArray[Any] = self._map("text.bin", "uint8", int(self.text_offsets[-1]))
        self._require("offsets.bin", "tokens", seen=int(self.offsets[-1]), expected=self.manifest.num_tokens)

    def __len__(self) -> int:
        return self.manifest.num_records

    def text(self, index: int) -> str:
        """Canonical text of one record."""
        start, end = int(self.text_offsets[index]), int(self.text_offsets[index + 1])
        return self.text_bytes[start:end].tobytes().decode()

    def record(self, index: int) -> Record:
        """One record with its canonical text, group and meta."""
        row = self.table.slice(index, 1).to_pylist()[0]
        return Record(row["id"], self.text(index), row["group"], dict(row["meta"] or {}), label=row["label"])

    @cached_property
    def table(self) -> pa.Table:
        """Columns id, group, label, role, meta; memory-mapped."""
        path = self.folder / "records.arrow"
        try:
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
        except (OSError, pa.ArrowInvalid) as error:
            raise StoreError(f"{path}: cannot be read ({error}); build the store again") from None
        self._require(path.name, "records", seen=table.num_rows, expected=len(self))
        return table

    @cached_property
    def labels(self) -> NDArray[np.float64]:
        """Each record's label, nan for none.

        Raises:
            StoreError: a label is no number.
        """
        column = self.table["label"].combine_chunks()
        try:
            return np.asarray(pc.fill_null(pc.cast(column, "float64"), np.nan), np.float64)
        except pa.ArrowInvalid as error:
            raise StoreError(f"{self.folder}: labels are no numbers ({error}); regression needs numbers") from None

    @cached_property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer that made the tokens."""
        from transformers import PreTrainedTokenizerFast

        folder = self.folder / "tokenizer"
        try:
            seen = sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
        except OSError as error:
            raise StoreError(f"{folder / 'tokenizer.json'}: cannot be read ({error.strerror}); build the store again") from None
        if seen != self.manifest.tokenizer_sha256:
            raise StoreError(f"{folder / 'tokenizer.json'}: is not the tokenizer that made this store; build the store again")
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(str(folder))
        return tokenizer

    def indexes(self, role: str, *, views: bool = True) -> NDArray[np.int64]:
        """Record numbers of one role, ``"train"`` or ``"validation"``; without ``views`` only records as they were read."""
        chosen = pc.equal(self.table["role"], role)
        if not views:
            chosen = pc.and_(chosen, pc.is_null(pc.map_lookup(self.table["meta"], "view", "first")))
        return np.asarray(pc.indices_nonzero(chosen), np.int64)

    def num_tokens(self, indexes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of some records, special ones not counted."""
        lengths: NDArray[np.int64] = (self.offsets[indexes + 1] - self.offsets[indexes]).astype(np.int64)
        return lengths

    def num_bytes(self, indexes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bytes of some records' canonical text; its characters where all are ASCII."""
        lengths: NDArray[np.int64] = (self.text_offsets[indexes + 1] - self.text_offsets[indexes]).astype(np.int64)
        return lengths

    def num_characters(self, role: str) -> int:
        """Characters of all records of a role."""
        indexes = self.indexes(role)
        starts, ends = self.text_offsets[indexes].tolist(), self.text_offsets[indexes + 1].tolist()
        if int(self.text_offsets[-1]) == self.manifest.num_characters:  # all ASCII
            return int(sum(ends) - sum(starts))
        return sum(_num_characters(self.text_bytes[start:end]) for start, end in zip(starts, ends, strict=True))

    def _map(self, name: str, dtype: str, count: int) -> NDArray[Any]:
        path = self.folder / name
        expected = count * np.dtype(dtype).itemsize
        try:
            seen = path.stat().st_size
        except OSError as error:
            raise StoreError(f"{path}: cannot be read ({error.strerror}); build the store again") from None
        self._require(name, "bytes", seen=seen, expected=expected)
        if count == 0:
            return np.empty(0, dtype)
        return np.memmap(path, dtype, "r", shape=(count,))

    def _require(self, name: str, unit: str, *, seen: int, expected: int) -> None:
        if seen != expected:
            raise StoreError(f"{self.folder / name}: {seen} {unit}, the manifest says {expected}; build the store again")


def _num_characters(utf8: NDArray[np.uint8]) -> int:
    """Every byte but those that continue a character, 10xxxxxx (RFC 3629, section 3)."""
    return int(np.count_nonzero((utf8 < 0b1000_0000) | (utf8 >= 0b1100_0000)))  # noqa: PLR2004
