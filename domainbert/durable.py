"""Files and folders that are whole or absent: written beside their place under another name, made durable, then renamed."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from domainbert.errors import OutputError

# Errors of a disk, quota or process limit that has no room left.
FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


def write_text(path: Path, text: str) -> None:
    """Write a file, or replace it, in one move."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    _sync(partial)
    partial.replace(path)
    _sync(path.parent)


def write_new_text(path: Path, text: str) -> None:
    """Write a file that a user named.

    Raises:
        OutputError: it is there already, or cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise OutputError(f"{path}: already there; remove it or name another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); name another file") from None


@contextmanager
def whole_file(output: Path) -> Iterator[Path]:
    """A path to write to, that replaces ``output`` when the block ends well and is removed otherwise.

    Raises:
        OutputError: its folder cannot be written, ``output`` is a folder, or the disk is full.
    """
    partial = output.with_name(f".{output.name}.partial-{os.getpid()}")
    try:
        if output.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        output.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
    except OSError as error:
        raise OutputError(f"{output}: cannot be written ({error.strerror}); give another --output") from None
    try:
        with _full_disk_named(partial, output):
            yield partial
            _sync(partial)
        partial.replace(output)
        _sync(output.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(output: Path, *, replace: bool = False) -> Iterator[Path]:
    """An empty folder to fill, that becomes ``output`` when the block ends well and is removed otherwise.

    Leftovers of processes that died while filling the same ``output`` are removed first.

    Args:
        output: where the folder is to stand.
        replace: whether an ``output`` that is there already gives way.

    Raises:
        OutputError: ``output`` is taken, its place cannot be written, or the disk is full.
    """
    output = Path(os.path.abspath(output))  # noqa: PTH100  ("resolve" would follow a link that is to be replaced)
    if not replace:
        _require_free(output)
    partial = output.parent / f".{output.name}.partial-{os.getpid()}"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(output)
        partial.mkdir()
    except OSError as error:
        raise OutputError(f"{output}: cannot be written ({error.strerror}); give another --output") from None
    lock = os.open(partial, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot lock a folder; then leftovers simply stay
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with _full_disk_named(partial, output):
            yield partial
            _make_durable(partial)
        _put_in_place(partial, output, replace=replace)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(lock)


def _put_in_place(partial: Path, output: Path, *, replace: bool) -> None:
    if replace and output.is_dir():
        old = output.with_name(f".{output.name}.old-{os.getpid()}")
        output.rename(old)
        partial.rename(output)
        shutil.rmtree(old)
    else:
        _require_free(output)
        partial.rename(output)
    _sync(output.parent)


def _require_free(output: Path) -> None:
    """An empty folder may be replaced, nothing else."""
    if output.is_symlink() or output.is_file() or (output.is_dir() and any(output.iterdir())):
        raise OutputError(f"{output}: already there; remove it or give another --output")


def _remove_leftovers(output: Path) -> None:
    """Remove folders whose writer is gone: a living one holds the lock, whatever its process id."""
    prefixes = (f".{output.name}.partial-", f".{output.name}.old-")
    for folder in output.parent.iterdir():
        if not folder.name.startswith(prefixes) or not folder.is_dir():
            continue
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(handle)


@contextmanager
def _full_disk_named(partial: Path, output: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if not _is_full(error):
            raise
        files = [partial] if partial.is_file() else partial.rglob("*")
        written = sum(file.stat().st_size for file in files if file.is_file())
        raise OutputError(
            f"{output}: no room left after {written:,} bytes; nothing was kept; "
            "free some space or give an --output on a larger disk"
        ) from error


def _is_full(error: Exception) -> bool:
    """Whether a write failed for want of room: libraries that are not Python say so in words only."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return any(f"os error {number}" in str(error) for number in FULL) or "PytorchStreamWriter failed" in str(error)


def _make_durable(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
