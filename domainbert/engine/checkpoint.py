"""Checkpoints: whole or absent, found again after a crash, kept in a limited number."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"step-(\d+)")
COMPLETE = "trainer_state.json"


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step stands."""
    return folder / f"step-{step}"


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Whole checkpoints of a folder as (step, path), by step."""
    found = []
    if folder.is_dir():
        for path in folder.iterdir():
            name = _NAME.fullmatch(path.name)
            if name and (path / COMPLETE).is_file():
                found.append((int(name[1]), path))
    return sorted(found)


def latest_checkpoint(folder: Path) -> tuple[int, Path] | None:
    """The last whole checkpoint, or ``None``."""
    found = checkpoints(folder)
    return found[-1] if found else None


def keep_latest(folder: Path, count: int) -> None:
    """Remove all but the last ``count`` checkpoints, and what interrupted writes left behind."""
    for _, path in checkpoints(folder)[:-count]:
        # Renamed first: a half-removed checkpoint must not look whole.
        doomed = path.with_name(f".{path.name}.old")
        path.rename(doomed)
        shutil.rmtree(doomed)
    for path in folder.glob(".step-*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Write a folder elsewhere, then put it in place in one move, replacing one that is there.

    Yields:
        The folder to write to. On an error nothing is left of it.
    """
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        sync_tree(partial)
        if path.exists():
            old = path.with_name(f".{path.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
            partial.rename(path)
            shutil.rmtree(old)
        else:
            partial.rename(path)
        sync(path.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_atomically(path: Path, text: str) -> None:
    """Write a file elsewhere, then put it in place in one move."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    sync(partial)
    partial.replace(path)


def sync_tree(folder: Path) -> None:
    """Make everything in a folder durable."""
    for path in sorted(folder.rglob("*")):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Make one file's or folder's content durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
