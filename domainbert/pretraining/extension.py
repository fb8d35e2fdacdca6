"""A finished run trained further: its last stage once more, behind what is there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domainbert.engine.folder import RunFolder
from domainbert.errors import RunError
from domainbert.pretraining.control import CONTROL
from domainbert.recipe.document import fingerprint, from_dict, to_dict
from domainbert.recipe.scale import resized
from domainbert.recipe.schema import Recipe


def extend(folder: RunFolder, num_steps: int) -> Recipe:
    """Make a finished run one of ``num_steps`` steps in all, to be resumed; doing it twice changes nothing more.

    The new stage is the last one again, with its learning-rate shape and its corruption stretched to the new length: a rate that
    had decayed rises again. The optimizer's state is carried on. ``evaluation.json`` of before is kept under another name.

    Raises:
        RunError: the run is not finished, or has that many steps already.
    """
    content = folder.read_recipe()
    if "stages" not in content or (folder.metrics.is_file() and not folder.evaluation.is_file() and "extended_from" not in content):
        raise RunError(f"{folder.path}: is not finished; finish it first with: domainbert resume {folder.path}")
    before = as_trained(content, label=str(folder.recipe))
    done = sum(stage.steps for stage in before.stage)
    if num_steps == done:
        return before
    if num_steps < done:
        raise RunError(f"--steps {num_steps} is below the {done} steps that {folder.path} has; give their sum with the new ones")
    if not folder.evaluation.is_file():
        raise RunError(f"{folder.path}: is not finished; finish it first with: domainbert resume {folder.path}")
    content = {key: value for key, value in content.items() if key != CONTROL}  # it has fewer tokens from now on
    last = before.stage[-1]
    more = replace(resized(last, last.steps, num_steps - done), name=_free_name(before))
    after = replace(before, stage=(*before.stage, more))
    folder.evaluation.rename(folder.path / f"evaluation-step-{done}.json")
    stages = to_dict(after)["stage"]
    folder.write_json(
        folder.recipe, {**content, "recipe": to_dict(after), "fingerprint": fingerprint(after), "stages": stages, "extended_from": done}
    )
    return after


def as_trained(content: Mapping[str, Any], *, label: str) -> Recipe:
    """The recipe of a run with its stages as they were laid out, in steps."""
    recipe = {**content["recipe"], "stage": content["stages"]}
    recipe["training"] = {**recipe["training"], "max_steps": 0}
    return from_dict(recipe, label=label)


def _free_name(recipe: Recipe) -> str:
    taken, number = {stage.name for stage in recipe.stage}, 1
    while (name := "more" if number == 1 else f"more-{number}") in taken:
        number += 1
    return name
