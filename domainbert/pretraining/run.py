"""Starts, continues and finishes runs; light to import."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.corpus.store import TokenStore
from domainbert.durable import write_text
from domainbert.engine.folder import RunFolder, free_folder
from domainbert.errors import DomainBertError, RunError
from domainbert.pretraining.companions import companion_folder, companion_recipes, require_companions, with_trained
from domainbert.pretraining.control import CONTROL, control_folder, control_recipe
from domainbert.pretraining.extension import extend
from domainbert.pretraining.stores import open_stores, record_stores, stores_ready
from domainbert.publishing.contract import library_versions
from domainbert.recipe.document import fingerprint, from_dict, to_dict
from domainbert.recipe.schema import Recipe

LIBRARIES = ("domainbert", "torch", "transformers", "tokenizers", "accelerate", "numpy")
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run left behind.

    Args:
        folder: the run folder.
        model: its publishable model; not there yet when ``interrupted``.
        evaluation: content of ``evaluation.json``; empty when ``interrupted``.
        interrupted: stopped by a signal, with a checkpoint saved.
    """

    folder: Path
    model: Path
    evaluation: Mapping[str, Any]
    interrupted: bool = False


def pretrain(
    recipe: Recipe, *, output: Path | None = None, control: bool = False, progress: bool = True, text: str = ""
) -> RunResult:
    """Train an encoder as a recipe says.

    Args:
        recipe: from ``load_recipe``.
        output: the run folder, new or empty; ``runs/<adapter>`` with the first free number when absent.
        control: first train another model on the same samples, masked where the recipe is causal, in the folder's ``control``.
        progress: whether to show progress on stderr.
        text: the recipe as a TOML file, kept as ``recipe.toml`` where no file of the user's holds it.

    Raises:
        DomainBertError: the corpus, the base, the recipe or the output folder is not usable; says what to do.
    """
    if output is None and num_ranks() > 1:
        raise RunError("several processes need to agree on a run folder: give --output")
    if control:
        control_recipe(recipe)  # before anything is written: whether there is one
        if num_ranks() > 1:
            raise RunError("--control: one process trains a control; leave it out, or start one process")
    folder = RunFolder(output or free_folder(Path("runs"), recipe.adapter))
    if rank() > 0:
        return _follow(folder, recipe)
    folder.create()
    with folder.locked():
        folder.write_json(folder.recipe, {**description(recipe), **({CONTROL: True} if control else {})})
        if text:
            write_text(folder.recipe_text, text)
        try:
            require_companions(recipe)
            stores = open_stores(folder, recipe, progress=progress)
        except DomainBertError:
            folder.clear()  # nothing was trained: the name stays free for the next attempt
            raise
        return _train_all(folder, recipe, stores, progress=progress)


def resume(path: Path, *, num_steps: int = 0, progress: bool = True) -> RunResult:
    """Continue an interrupted run from its last checkpoint; a finished run is left as it is.

    Args:
        path: the run folder.
        num_steps: train a finished run on, to this many steps in all; see ``extension.extend``.
        progress: whether to show progress on stderr.

    Raises:
        RunError: it is not a run folder, is in use, or its corpus has changed since.
    """
    folder = RunFolder(path)
    recipe = from_dict(folder.read_recipe()["recipe"], label=str(folder.recipe))
    if num_steps and num_ranks() > 1:
        raise RunError("one process extends a run: domainbert resume DIR --steps N; stop it with Ctrl-C, then resume DIR with several")
    if rank() > 0:
        return _finished(folder) or _follow(folder, recipe)
    with folder.locked():
        if num_steps:
            recipe = extend(folder, num_steps)
        return _finished(folder) or _train_all(folder, recipe, open_stores(folder, recipe, progress=progress), progress=progress)


def description(recipe: Recipe) -> dict[str, Any]:
    """Content of ``recipe.json`` before the corpus is read; the hashes of sources and tokenizer join it then."""
    return {"recipe": to_dict(recipe), "fingerprint": fingerprint(recipe), "versions": library_versions(LIBRARIES)}


def rank() -> int:
    """This process's number under ``torchrun`` or ``accelerate launch``; 0 alone."""
    return int(os.environ.get("RANK", "0"))


def num_ranks() -> int:
    """Processes that were launched together; 1 alone."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _train_all(folder: RunFolder, recipe: Recipe, stores: list[TokenStore], *, progress: bool) -> RunResult:
    """Train the companions that recipes make and the control, then the model; what is finished already is left as it is."""
    for name, its in companion_recipes(recipe).items():
        path = companion_folder(folder, name)
        if num_ranks() > 1 and not (path / "evaluation.json").is_file():
            raise RunError(f"companion {name!r} is trained by one process: train it by its own recipe, and name its model folder")
        begun = (path / "recipe.json").is_file()
        result = resume(path, progress=progress) if begun else pretrain(its, output=path, progress=progress)
        if result.interrupted:
            return RunResult(folder.path, folder.model, {}, interrupted=True)
    recipe = with_trained(recipe, folder)
    if folder.read_recipe().get(CONTROL) and _train_control(folder, recipe, stores, progress=progress).interrupted:
        return RunResult(folder.path, folder.model, {}, interrupted=True)
    return _train(folder, recipe, stores, progress=progress)


def _train_control(folder: RunFolder, recipe: Recipe, stores: list[TokenStore], *, progress: bool) -> RunResult:
    """Train the control on the run's own stores, from its last checkpoint if there is one."""
    its, own = control_recipe(recipe), control_folder(folder)
    if not own.recipe.is_file():
        own.create()
    with own.locked():
        if not own.recipe.is_file():
            own.write_json(own.recipe, description(its))
            record_stores(own, its, stores)
        return _finished(own) or _train(own, its, stores, progress=progress)


def _train(folder: RunFolder, recipe: Recipe, stores: list[TokenStore], *, progress: bool) -> RunResult:
    from domainbert.pretraining.session import Session

    session = Session(folder, recipe, stores, num_ranks=num_ranks(), progress=progress)
    if not session.train():
        return RunResult(folder.path, folder.model, {}, interrupted=True)
    return RunResult(folder.path, folder.model, session.publish())


def _finished(folder: RunFolder) -> RunResult | None:
    if not (folder.evaluation.is_file() and (folder.model / "config.json").is_file()):
        return None
    return RunResult(folder.path, folder.model, json.loads(folder.evaluation.read_text()))


def _follow(folder: RunFolder, recipe: Recipe) -> RunResult:
    """The run in every process but the first, which builds the stores before process groups exist, so that none times out."""
    while not stores_ready(folder, recipe):
        time.sleep(_POLL_SECONDS)
    return _train(folder, with_trained(recipe, folder), open_stores(folder, recipe, progress=False), progress=False)
