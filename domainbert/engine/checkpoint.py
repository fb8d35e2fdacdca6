"""Checkpoints: whole or absent, found again after a crash, kept in a limited number."""

import re
import shutil
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


def keep_latest(folder: Path, count: int, *, also: int | None = None) -> None:
    """Remove all but the last ``count`` checkpoints and that of step ``also``, and what interrupted writes left behind."""
    for step, path in checkpoints(folder)[:-count]:
        if step == also:
            continue
        # Renamed first: a half-removed checkpoint must not look whole.
        doomed = path.with_name(f".{path.name}.old")
        path.rename(doomed)
        shutil.rmtree(doomed)
    for path in folder.glob(".step-*"):
        shutil.rmtree(path, ignore_errors=True)
