"""Gzip and Zstandard in bounded memory, with the byte where a file is cut off or damaged."""

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

BLOCK_SIZE = 1 << 18  # bytes handed out at a time; stays within a core's second-level cache
_READ_SIZE = 1 << 17  # compressed bytes; small, because zlib copies what follows the end of each of bgzip's 64 KiB members
_ZSTD_FEED = 1 << 8  # compressed bytes; zstandard has no output limit, and 256 bytes of zeros unpack to 8 MB

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = tuple(bytes([0x50 + nibble]) + b"\x2a\x4d\x18" for nibble in range(16))  # RFC 8878, section 3.1.2

Unpack = Callable[[BinaryIO], Iterator[bytes]]


class DamagedError(Exception):
    """Compressed data that cannot be unpacked to its end.

    Args:
        seen: what is wrong, e.g. ``"gzip ends early"``.
        byte: where in the compressed file.
        cure: what the user can do.
    """

    def __init__(self, seen: str, byte: int, *, cure: str) -> None:
        super().__init__(seen)
        self.byte = byte
        self.cure = cure


def unpacker(magic: bytes) -> tuple[str, Unpack]:
    """The name and the reader of the compression that a file begins with; ``""`` for none."""
    if magic.startswith(_GZIP_MAGIC):
        return "gzip", gzip_blocks
    if magic.startswith((_ZSTD_MAGIC, *_ZSTD_SKIPPABLE)):
        return "zstd", zstd_blocks
    return "", plain_blocks


def plain_blocks(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file that is not compressed."""
    while block := file.read(BLOCK_SIZE):
        yield block


def gzip_blocks(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of every member of a gzip file.

    Raises:
        DamagedError: the data end early, are corrupt, or are followed by something else.
    """
    decoder = zlib.decompressobj(wbits=31)
    while data := file.read(_READ_SIZE):
        while data:
            if decoder.eof:
                data = data.lstrip(b"\0")  # tapes and some file systems pad with zeros
                if data and data[0] != _GZIP_MAGIC[0]:
                    raise DamagedError("other bytes follow the gzip data", file.tell() - len(data), cure="download it again")
                decoder = zlib.decompressobj(wbits=31) if data else decoder
                continue
            yield from _inflate(decoder, data, file.tell())
            data = decoder.unused_data
    if not decoder.eof:
        raise DamagedError("gzip ends early", file.tell(), cure="the file is incomplete: download it again")


def _inflate(decoder: "zlib._Decompress", data: bytes, end: int) -> Iterator[bytes]:
    while True:
        try:
            block = decoder.decompress(data, BLOCK_SIZE)
        except zlib.error as error:
            reason = str(error).rpartition(": ")[2]
            raise DamagedError(f"gzip data are corrupt ({reason})", end - len(data), cure="download it again") from None
        data = decoder.unconsumed_tail
        if block:
            yield block
        if decoder.eof or (not data and len(block) < BLOCK_SIZE):
            return


def zstd_blocks(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of every frame of a Zstandard file.

    Raises:
        DamagedError: the data end early, are corrupt, or are followed by something else.
    """
    import zstandard

    # Not zstandard's stream_reader: it takes a file that ends within a frame for a whole one.
    decoder = zstandard.ZstdDecompressor().decompressobj()
    is_open = True
    while data := file.read(_ZSTD_FEED):
        while data:
            if decoder.eof:
                decoder = zstandard.ZstdDecompressor().decompressobj()
            try:
                block = decoder.decompress(data)
            except zstandard.ZstdError as error:
                raise _zstd_damage(str(error), file.tell() - len(data)) from None
            data = decoder.unused_data
            is_open = not decoder.eof
            for start in range(0, len(block), BLOCK_SIZE):
                yield block[start : start + BLOCK_SIZE]
    if is_open:
        raise DamagedError("zstd ends early", file.tell(), cure="the file is incomplete: download it again")


def _zstd_damage(reason: str, byte: int) -> DamagedError:
    reason = reason.rpartition(": ")[2]
    if "memory" in reason:
        return DamagedError("zstd wants a window above 128 MiB", byte, cure="compress it again without --long")
    return DamagedError(f"zstd data are corrupt ({reason})", byte, cure="download it again")
