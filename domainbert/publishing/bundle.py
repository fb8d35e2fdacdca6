"""Puts together what is published of a run: the model, its card, and what shows how it came about."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domainbert.engine.folder import RunFolder
from domainbert.errors import PublishError
from domainbert.publishing.card import model_card
from domainbert.publishing.contract import Contract
from domainbert.publishing.facts import RunFacts, read_evaluation, run_facts
from domainbert.publishing.provenance import missing_statements, source_name
from domainbert.publishing.scan import Scan, scan

_OURS = ("README.md", "recipe.json", "evaluation.json")  # written anew for the public


def find_run(path: Path) -> RunFolder:
    """The run folder that is meant by itself or by its ``model/``.

    Raises:
        PublishError: it is none.
    """
    for folder in (path, path.absolute().parent if path.name == "model" else path):
        if (folder / "recipe.json").is_file():
            return RunFolder(folder)
    raise PublishError(
        f"{path}: is no run folder (recipe.json is missing), so nothing says what the model was trained on; give a run's folder"
    )


def assemble(run: RunFolder, folder: Path, *, repository: str, license: str = "", cards: Mapping[str, str] | None = None) -> Scan:
    """Fill an empty folder with exactly what is to be published, and look through it.

    Args:
        run: a finished run.
        folder: empty.
        repository: id on the Hub, for the card.
        license: of the model, where it wins over the recipe's.
        cards: data cards by corpus, beside those of the recipe.

    Raises:
        DomainBertError: the run is unfinished or damaged, licence or provenance are missing, or something in it must not be published;
            lists everything.
    """
    evaluation, contract = read_evaluation(run), Contract.read(run.model)
    if contract is None:
        raise PublishError(f"{run.model}: domainbert.json is missing; the model folder is damaged")
    found = scan(run.model)
    facts = run_facts(run, run.model, evaluation=evaluation, canonical_version=contract.canonical_version, cards=cards)
    facts = replace(facts, name=repository.rpartition("/")[2] or facts.name)
    if license:
        facts = replace(facts, recipe=replace(facts.recipe, card=replace(facts.recipe.card, license=license)))
    _refuse([*found.problems, *missing_statements(facts.recipe.card, facts.corpora)], run)
    for name, path in found.files.items():
        if name not in _OURS:
            _copy(path, folder / name)
    for picture in sorted(run.plots.glob("*.png")):
        _copy(picture, folder / "plots" / picture.name)
    _write(folder, facts, run.read_recipe(), repository)
    checked = scan(folder)
    _refuse([*checked.problems, *(f"{folder / name}: is not one of the files that are published" for name in checked.strays)], run)
    return replace(checked, strays=found.strays)


def _write(folder: Path, facts: RunFacts, recipe: Mapping[str, Any], repository: str) -> None:
    for corpus in facts.corpora:
        if corpus.card is not None:
            place = folder / "data_cards" / f"{corpus.corpus.name}.md"
            place.parent.mkdir(exist_ok=True)
            place.write_text(corpus.card.text, encoding="utf-8")
    pictures = sorted(path.relative_to(folder).as_posix() for path in folder.glob("plots/*.png"))
    card = model_card(facts, repository=repository, pictures=pictures, data_cards=True)
    (folder / "README.md").write_text(card, encoding="utf-8")
    for name, content in (("recipe.json", _without_folders(recipe)), ("evaluation.json", facts.evaluation)):
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _without_folders(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """``recipe.json`` with sources, base and data cards named without the folders of this machine."""
    public: dict[str, Any] = json.loads(json.dumps(recipe))
    for corpus in public["recipe"].get("corpus", ()):
        corpus["sources"] = [source_name(source) for source in corpus["sources"]]
        corpus["card"] = Path(corpus.get("card", "")).name
    base = public["recipe"].get("model", {}).get("base", "")
    if Path(base).exists():
        public["recipe"]["model"]["base"] = Path(base).name
    for store in public.get("stores", {}).values():
        for source in store["sources"]:
            source["path"] = source_name(source["path"])
    return public


def _copy(path: Path, place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    shutil.copyfile(path, place)


def _refuse(problems: list[str], run: RunFolder) -> None:
    if problems:
        raise PublishError(f"{run.path}: cannot be published:\n" + "\n".join(f"  {problem}" for problem in problems))
