"""From a source string to files, and from a file to text blocks that can be trusted."""

import glob
import io
import logging
import stat
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from domainbert.corpus.decompress import BLOCK_SIZE, DamagedError, unpacker
from domainbert.errors import CorpusError

HEAD_SIZE = 1 << 16  # bytes that formats are recognised by

# A bomb is judged by what it unpacks to. DNA packs about 4:1 and a run of N 1000:1; real chromosomes begin with 16 Mb of N and hold
# runs of 30 Mb, so the ratio says nothing before 64 MiB and is still below 30 after it.
JUDGE_RATIO_FROM = 64 << 20
MAX_RATIO = 200
MAX_BYTES = 1 << 40  # 1 TiB of one file: three hundred human genomes

_CONTROL = bytes({*range(0x20)} - {*b"\t\n\v\f\r"})
_UNSUPPORTED = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x1f\x9d": "compressed with compress (.Z)",
    b"\x04\x22\x4d\x18": "compressed with lz4",
}
_log = logging.getLogger(__name__)


def expand(source: str, *, suffixes: Collection[str] = ()) -> list[Path]:
    """The files that a path, a folder or a glob stands for.

    A folder is searched to its bottom, sorted, without hidden files. With ``suffixes`` only files with one of them are
    taken from a folder (``.gz``, ``.bgz`` and ``.zst`` behind it do not matter) and a log line names the others; a file that is
    given by name or by glob is always taken.

    Args:
        source: a path or a glob (``**`` too); a path that exists is never read as a glob.
        suffixes: lower case, with their dot.

    Raises:
        CorpusError: nothing is there, or something cannot be read.
    """
    if not source.strip():
        raise CorpusError("a source is empty; a path, a folder or a glob is needed")
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            return _folder_files(path, suffixes)
        if path.exists() or path.is_symlink():
            return [path]
        if not glob.has_magic(source):
            raise CorpusError(f"{source}: no such file or folder")
        return _glob_files(str(path), suffixes)
    except OSError as error:
        raise CorpusError(f"{error.filename or source}: cannot be read ({error.strerror})") from None


def plain_suffix(path: Path) -> str:
    """The suffix that tells the format: lower case, a compression's left off."""
    name = path.name.lower()
    for packed in (".gz", ".bgz", ".zst", ".zstd"):
        name = name.removesuffix(packed)
    return Path(name).suffix


def _glob_files(pattern: str, suffixes: Collection[str]) -> list[Path]:
    matches = [Path(match) for match in glob.glob(pattern, recursive=True)]  # noqa: PTH207  # takes absolute patterns too
    if not matches:
        raise CorpusError(f"{pattern}: no file matches this pattern (working directory: {Path.cwd()})")
    inner = {parent for match in matches for parent in match.parents}  # `**` matches a folder and what is in it
    files: list[Path] = []
    for match in matches:
        if not match.is_dir():
            files.append(match)
        elif match not in inner:
            files += _folder_files(match, suffixes)
    once: dict[Path, Path] = {}
    for file in sorted(files, key=lambda file: len(file.parts)):  # `**` follows links to folders, round and round if they lead back
        once.setdefault(file.parent.resolve() / file.name, file)
    return sorted(once.values())


def _folder_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    files = list(_walk(folder, {folder.resolve()}))
    taken = [file for file in files if not suffixes or plain_suffix(file) in suffixes]
    others = sorted({file.name for file in files} - {file.name for file in taken})
    shown = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")  # noqa: PLR2004  # enough to recognise the folder
    if not files:
        raise CorpusError(f"{folder}: the folder holds no files (hidden ones do not count)")
    if not taken:
        raise CorpusError(
            f"{folder}: none of the {len(files)} files in this folder has a suffix that is read "
            f"({' '.join(sorted(suffixes))}); there are: {shown}; name a file itself or give a glob to read it whatever it is called"
        )
    if others:
        _log.warning("%s: left out %d files by their suffix: %s", folder, len(files) - len(taken), shown)
    return taken


def _walk(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Every visible file below a folder; links to folders are followed, each folder once."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if not path.is_dir():
            yield path
        elif (real := path.resolve()) not in seen:
            seen.add(real)
            yield from _walk(path, seen)


class Source:
    """One file's bytes from front to back, unpacked; compression is told by the first bytes, never by the name.

    Use it as a context manager. Readers keep ``num_records`` up to date (records read to their end), so that an error
    can say how far they came.

    Args:
        path: a regular file.
        max_bytes: what the file may unpack to.
        archives: whether a tar archive is welcome; ``binary`` reads it.

    Raises:
        CorpusError: the file is missing, unreadable, empty, or of a kind that is not read.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, archives: bool = False) -> None:
        self.path = path
        self.num_records = 0
        self.ends_in_zeros = False  # whether what ``binary`` has read so far does, as a tar archive must
        self._max_bytes, self._archives = max_bytes, archives
        self._num_bytes = 0
        self._file = _open(path)
        try:
            magic = self._file.read(4)
            self._file.seek(0)
            self.compression, unpack = unpacker(magic)
            self._blocks = self._guarded(unpack(self._file))
            self.head = self._read_head()
            self._refuse_archives()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    @property
    def is_parquet(self) -> bool:
        """Whether this is a Parquet file, the one binary format that is read."""
        return self.head.startswith(b"PAR1")

    def blocks(self) -> Iterator[bytes]:
        r"""The file as text: LF line ends whatever the file has, no byte-order mark. To be called once.

        Raises:
            CorpusError: the file is binary, truncated, corrupt, or unpacks to far too much.
        """
        self._refuse_binary()
        position, ends_in_cr = 0, False
        for block in self._all_blocks():
            if b"\0" in block:
                byte = position + block.index(b"\0")
                raise CorpusError(f"{self.path}: NUL byte {self._after()} (byte {byte} of the text): not a text file, or a broken download")
            position += len(block)
            text = b"\r" + block if ends_in_cr else block
            ends_in_cr = text.endswith(b"\r")
            if b"\r" in text:
                text = text.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if text:
                yield text
        if ends_in_cr:
            yield b"\n"

    def text(self, encoding: str) -> io.TextIOWrapper:
        """The blocks as a text file."""
        return io.TextIOWrapper(io.BufferedReader(_Raw(self.blocks()), BLOCK_SIZE), encoding, newline="")

    def binary(self) -> io.BufferedReader:
        """The unpacked bytes as they are, for readers of binary formats. To be called once."""
        return io.BufferedReader(_Raw(self._watched()), BLOCK_SIZE)

    def _watched(self) -> Iterator[bytes]:
        tail = b""
        for block in chain((self.head,), self._blocks):
            tail = (tail + block)[-512:]  # a tar block
            self.ends_in_zeros = not tail.strip(b"\0")
            yield block

    def _all_blocks(self) -> Iterator[bytes]:
        yield self.head.removeprefix(b"\xef\xbb\xbf")
        yield from self._blocks

    def _read_head(self) -> bytes:
        head = b""
        while len(head) < HEAD_SIZE and (block := next(self._blocks, b"")):
            head += block
        if not head:
            raise CorpusError(f"{self.path}: the file is empty (0 bytes{' of ' + self.compression if self.compression else ''})")
        return head

    def _guarded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            try:
                block = next(blocks, b"")
            except DamagedError as error:
                raise CorpusError(f"{self.path}: {error} {self._after()} (byte {error.byte}); {error.cure}") from None
            except OSError as error:
                raise CorpusError(f"{self.path}: reading failed {self._after()} ({error.strerror})") from None
            if not block:
                return
            self._num_bytes += len(block)
            self._refuse_bombs()
            yield block

    def _after(self) -> str:
        return f"after record {self.num_records}"

    def _refuse_bombs(self) -> None:
        packed = self._file.tell()
        if self.compression and self._num_bytes > max(JUDGE_RATIO_FROM, MAX_RATIO * packed):
            raise CorpusError(
                f"{self.path}: {packed} bytes of {self.compression} unpack to {self._num_bytes >> 20} MiB and more, over {MAX_RATIO}:1: "
                "no sequence data pack like that; if the file is right, unpack it first"
            )
        if self._num_bytes > self._max_bytes:
            raise CorpusError(f"{self.path}: more than {self._max_bytes} bytes {self._after()}; split the file")

    def _refuse_archives(self) -> None:
        kind = next((kind for magic, kind in _UNSUPPORTED.items() if self.head.startswith(magic)), "")
        if self.head[257:262] == b"ustar" and not self._archives:  # POSIX.1-1988, the magic field of a tar header
            kind = "a tar archive"
        if self.compression and unpacker(self.head)[0]:
            kind = "compressed twice"
        if self.compression and self.is_parquet:
            kind = f"Parquet inside {self.compression}; Parquet is compressed by itself"
        if kind:
            raise CorpusError(f"{self.path}: is {kind}; unpack it; plain files, gzip (.gz, bgzip) and Zstandard (.zst) are read")

    def _refuse_binary(self) -> None:
        if self.head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise CorpusError(f"{self.path}: the text is UTF-16; save it as UTF-8")
        found = len(self.head) - len(self.head.translate(None, _CONTROL))
        if found:
            raise CorpusError(
                f"{self.path}: a binary file ({found} control characters in its first {len(self.head)} bytes); "
                "text formats and Parquet are read"
            )


def open_source(path: Path, *, archives: bool = False) -> Source:
    """Open a file for reading; see ``Source``."""
    return Source(path, archives=archives)


def _open(path: Path) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise CorpusError(f"{path}: is {kind}; a file is needed here")
        return path.open("rb")
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such file") from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None


class _Raw(io.RawIOBase):
    """Blocks as a raw stream, for what reads from file objects."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
