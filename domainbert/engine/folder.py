"""The run folder: what stands where, and that one run writes it at a time."""

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domainbert.durable import write_text
from domainbert.errors import RunError


class RunFolder:
    """Paths of a run.

    Args:
        path: the folder; made by ``create``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe = path / "recipe.json"
        self.recipe_text = path / "recipe.toml"
        self.metrics = path / "metrics.jsonl"
        self.checkpoints = path / "checkpoints"
        self.stores = path / "stores"
        self.model = path / "model"
        self.evaluation = path / "evaluation.json"
        self.plots = path / "plots"

    def create(self) -> None:
        """Make the folder.

        Raises:
            RunError: it exists and holds something, or cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            strangers = sorted(entry.name for entry in self.path.iterdir() if entry.name not in (".lock", ".recipe.json.partial"))
        except OSError as error:
            raise RunError(f"{self.path}: cannot be used as the output folder ({error.strerror})") from error
        if strangers:
            raise RunError(
                f"{self.path}: already holds {', '.join(strangers[:4])}; choose another --output, "
                f"or continue this run with: domainbert resume {self.path}"
            )

    def clear(self) -> None:
        """Take back what a run wrote before it had a corpus."""
        shutil.rmtree(self.stores, ignore_errors=True)
        for path in (self.recipe, self.recipe_text):
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one writer; the lock goes with the process, however it ends.

        Raises:
            RunError: another process holds it, or the folder cannot be written.
        """
        try:
            handle = (self.path / ".lock").open("a")
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written ({error.strerror})") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"{self.path}: another run is writing this folder; wait for it or choose another --output") from None
            yield

    def write_json(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write one of the run's JSON files, whole or not at all."""
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def read_recipe(self) -> dict[str, Any]:
        """Content of ``recipe.json``.

        Raises:
            RunError: there is none, or it is damaged.
        """
        try:
            content = json.loads(self.recipe.read_text())
        except FileNotFoundError:
            raise RunError(f"{self.path}: is not a run folder (recipe.json is missing)") from None
        except (OSError, ValueError) as error:
            raise RunError(f"{self.recipe}: cannot be read ({error})") from error
        if not isinstance(content, dict) or not isinstance(content.get("recipe"), dict):
            raise RunError(f"{self.recipe}: is not the recipe of a run (it has no key 'recipe')")
        return content


def free_folder(parent: Path, name: str) -> Path:
    """``parent/name``, or with the first free number: ``name-2``, ``name-3``, ..."""
    path, number = parent / name, 1
    while path.exists():
        number += 1
        path = parent / f"{name}-{number}"
    return path
