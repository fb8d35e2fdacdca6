"""What a run folder says about its model, for the card."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domainbert.engine.folder import RunFolder
from domainbert.errors import PublishError
from domainbert.publishing.contract import Contract
from domainbert.publishing.provenance import Provenance, provenance
from domainbert.publishing.weights import num_parameters
from domainbert.recipe.document import from_dict
from domainbert.recipe.schema import Recipe


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as its card tells it.

    Args:
        name: of the run.
        recipe: as it was run.
        architecture: model type.
        num_parameters: of the model.
        canonical_version: how its input is spelled.
        corpora: where its data come from.
        num_steps: optimizer steps.
        num_tokens: trained on, repetitions included.
        seconds: of training.
        hardware: what it ran on.
        versions: of the libraries.
        evaluation: content of ``evaluation.json``.
        spelling: options of the adapter, other than its defaults, that its input is spelled with.
    """

    name: str
    recipe: Recipe
    architecture: str
    num_parameters: int
    canonical_version: str
    corpora: tuple[Provenance, ...]
    num_steps: int
    num_tokens: int
    seconds: float
    hardware: str
    versions: Mapping[str, str]
    evaluation: Mapping[str, Any]
    spelling: Mapping[str, Any] = field(default_factory=dict)


def run_facts(
    folder: RunFolder, model: Path, *, evaluation: Mapping[str, Any], canonical_version: str, cards: Mapping[str, str] | None = None
) -> RunFacts:
    """Gather what a run folder says.

    Args:
        folder: of the run.
        model: a folder with its ``config.json`` and weights.
        evaluation: content of ``evaluation.json``.
        canonical_version: of the adapter's canonicaliser.
        cards: data cards by corpus, beside those of the recipe.

    Raises:
        DomainBertError: the folder is damaged, or a data card cannot be read.
    """
    content = folder.read_recipe()
    recipe = from_dict(content["recipe"], label=str(folder.recipe))
    lines = metric_lines(folder)
    contract = Contract.read(model)
    return RunFacts(
        name=folder.path.resolve().name,
        recipe=recipe,
        architecture=str(_json(model / "config.json").get("model_type", "")),
        num_parameters=num_parameters(model),
        canonical_version=canonical_version,
        corpora=provenance(recipe, content.get("stores", {}), cards or {}),
        num_steps=int(lines[-1]["step"]) if lines else 0,
        num_tokens=_num_tokens(lines),
        seconds=float(lines[-1].get("seconds", 0.0)) if lines else 0.0,
        hardware=str(content.get("hardware", "")),
        versions=content.get("versions", {}),
        evaluation=evaluation,
        spelling=contract.options if contract else {},
    )


def read_evaluation(folder: RunFolder) -> dict[str, Any]:
    """Content of ``evaluation.json``.

    Raises:
        PublishError: the run is not finished.
    """
    if not folder.evaluation.is_file():
        raise PublishError(f"{folder.path}: is not finished (evaluation.json is missing); finish it with: domainbert resume {folder.path}")
    return _json(folder.evaluation)


def metric_lines(folder: RunFolder) -> list[dict[str, Any]]:
    """The steps of ``metrics.jsonl``."""
    if not folder.metrics.is_file():
        return []
    try:
        return [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    except ValueError as error:
        raise PublishError(f"{folder.metrics}: is damaged ({error})") from None


def _num_tokens(lines: list[dict[str, Any]]) -> int:
    """Tokens of all steps: each logged step stands for those up to it."""
    total, last = 0.0, 0
    for line in lines:
        total += line.get("tokens", 0) * (line["step"] - last)
        last = line["step"]
    return round(total)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PublishError(f"{path}: cannot be read ({error})") from None
    if not isinstance(content, dict):
        raise PublishError(f"{path}: holds no JSON object")
    return content
