"""Tar archives, read as a stream and never unpacked to disk."""

import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from domainbert.adapters.base import Drops
from domainbert.corpus.open import Source
from domainbert.errors import CorpusError

MAX_MEMBER = 16 << 20  # bytes


def read_members(source: Source, drops: Drops) -> Iterator[tuple[str, bytes]]:
    """Name and content of each regular file in an archive, in its order; hidden files are left out.

    Args:
        source: a tar file, opened with ``archives=True``; compressed or not.
        drops: counts links, devices, names that lead out of the archive, and members over ``MAX_MEMBER``.

    Raises:
        CorpusError: the archive is damaged or ends early.
    """
    stream = source.binary()
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isdir():
                    continue
                path = PurePosixPath(member.name)
                place = f"{source.path}: {member.name}"
                reason = _fault(member, path)
                if reason:
                    drops.add(reason, place)
                elif not path.name.startswith("."):
                    file = archive.extractfile(member)
                    data = file.read() if file else b""
                    if len(data) != member.size:
                        raise CorpusError(f"{place}: the archive ends inside this member; download it again")
                    source.num_records += 1
                    yield member.name, data
                archive.members = []  # type: ignore[attr-defined]  # a stream never goes back; keeping them would cost memory
            rest = stream.read()
    except tarfile.TarError as error:
        raise CorpusError(f"{source.path}: the archive is damaged after member {source.num_records} ({error}); download it again") from None
    if not source.ends_in_zeros or rest.strip(b"\0"):
        raise CorpusError(f"{source.path}: the archive has no end after member {source.num_records}; download it again")


def _fault(member: tarfile.TarInfo, path: PurePosixPath) -> str:
    if path.is_absolute() or ".." in path.parts:
        return "path_out_of_archive"
    if member.issym() or member.islnk():
        return "link"
    if not member.isreg():
        return "not_a_regular_file"
    return "too_large" if member.size > MAX_MEMBER else ""


def is_tar(head: bytes) -> bool:
    """Whether a file's first bytes are a tar header (POSIX.1-1988, the magic field)."""
    return head[257:262] == b"ustar"
