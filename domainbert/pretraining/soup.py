"""One model from several of one base: the mean of their weights, of all or of those that held-out text says are worth it.

Model soups: Wortsman et al. 2022 (arXiv 2203.05482); the greedy one is their Algorithm 1.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from domainbert.durable import whole_folder
from domainbert.embedding.loading import model_folder
from domainbert.engine.model import load_base
from domainbert.errors import ModelError
from domainbert.publishing.contract import FILE as CONTRACT
from domainbert.publishing.contract import Contract
from domainbert.publishing.scan import WEIGHTS
from domainbert.publishing.weights import read_header

_COPIED = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", CONTRACT)
_NO_MATTER = ("_name_or_path", "transformers_version", "dtype", "torch_dtype")
Judge = Callable[[Path], float]
"""Bits per hidden letter of the model in a folder: less is better."""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One model that goes into the pot.

    Args:
        name: as the user wrote it.
        weights: the safetensors files.
        home: the folder of its config and tokenizer; of a checkpoint, its run's ``model/``.
        tensors: type and shape of each tensor, by name.
    """

    name: str
    weights: tuple[Path, ...]
    home: Path
    tensors: dict[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Soup:
    """What was cooked.

    Args:
        folder: the model.
        kept: names of the models that it is the mean of.
        bits: of each ingredient by name, and of ``"mean of all"`` and ``"soup"``; empty where nothing judged.
    """

    folder: Path
    kept: tuple[str, ...]
    bits: dict[str, float]


def ingredients(models: Sequence[str]) -> list[Ingredient]:
    """Models that can be averaged.

    Args:
        models: model folders, run folders, or checkpoints of finished runs.

    Raises:
        ModelError: fewer than two, one twice, or two that differ in shape, config, spelling or tokenizer.
    """
    if len(models) < 2:  # noqa: PLR2004  # a mean of one is that one
        raise ModelError(f"a soup is the mean of two models or more, given: {', '.join(models) or 'none'}")
    found = [_ingredient(name) for name in models]
    for number, other in enumerate(found[1:], start=1):
        if other.weights in [each.weights for each in found[:number]]:
            raise ModelError(f"{other.name}: is given twice")
        _require_alike(found[0], other)
    return found


def contract_of(ingredient: Ingredient) -> Contract:
    """What a model says of its input.

    Raises:
        ModelError: it says nothing.
    """
    contract = Contract.read(ingredient.home)
    if contract is None:
        raise ModelError(f"{ingredient.name}: does not say which adapter spells its input ({CONTRACT} is missing); give --adapter NAME")
    return contract


def make_soup(pot: Sequence[Ingredient], output: Path, *, judge: Judge | None = None) -> Soup:
    """Average models; with a judge, greedily: from the best on, each stays only if the mean is no worse for it.

    Args:
        pot: from ``ingredients``.
        output: a new folder, written whole or not at all; it loads with ``AutoModelForMaskedLM``.
        judge: scores a model folder.

    Raises:
        OutputError: ``output`` is taken.
    """
    with whole_folder(output) as folder:
        kept, bits = (list(pot), {}) if judge is None else _greedy(pot, judge, folder)
        _write(kept, folder)
        (folder / "README.md").write_text(_card(kept, bits), encoding="utf-8")
        load_base(str(folder))
    return Soup(output, tuple(each.name for each in kept), bits)


def _greedy(pot: Sequence[Ingredient], judge: Judge, folder: Path) -> tuple[list[Ingredient], dict[str, float]]:
    def bits_of(some: Sequence[Ingredient]) -> float:
        _write(some, folder)
        return judge(folder)

    alone = {each.name: bits_of([each]) for each in pot}
    in_order = sorted(pot, key=lambda each: alone[each.name])
    kept, best = in_order[:1], alone[in_order[0].name]
    for each in in_order[1:]:
        bits = bits_of([*kept, each])
        if bits <= best:
            kept, best = [*kept, each], bits
    return kept, {**alone, "mean of all": bits_of(pot), "soup": best}


def _ingredient(name: str) -> Ingredient:
    path = model_folder(name)
    run = path.parent.parent
    home = run / "model" if path.parent.name == "checkpoints" and (run / "recipe.json").is_file() else path
    if not (home / "config.json").is_file():
        if home != path:
            raise ModelError(f"{name}: is a checkpoint of a run that has no model/ yet; finish it with: domainbert resume {run}")
        raise ModelError(f"{name}: is no model folder (config.json is missing)")
    weights = tuple(file for file in sorted(path.glob("*.safetensors")) if WEIGHTS.fullmatch(file.name))
    if not weights:
        raise ModelError(f"{name}: holds no model.safetensors; pickled weights are never read, save the model as safetensors first")
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for file in weights:
        header = read_header(file)
        tensors |= {key: (each["dtype"], tuple(each["shape"])) for key, each in header.items() if key != "__metadata__"}
    return Ingredient(name, weights, home, tensors)


def _require_alike(first: Ingredient, other: Ingredient) -> None:
    """Whether a mean of the two can be a model at all."""
    for key in sorted(first.tensors.keys() | other.tensors.keys()):
        one, two = first.tensors.get(key), other.tensors.get(key)
        if one is None or two is None or one[1] != two[1]:
            seen = [list(each[1]) if each else "absent" for each in (one, two)]
            raise ModelError(f"{other.name}: {key} is {seen[1]}, in {first.name} {seen[0]}; models of one shape can be averaged")
    for file, what in (("tokenizer.json", "tokenizer"), ("config.json", "config"), (CONTRACT, "spelling of the input")):
        here, there = _content(first.home / file), _content(other.home / file)
        differing = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
        if differing:
            raise ModelError(f"{other.name}: its {what} is not that of {first.name} ({file} differs in {differing[0]!r}); not averaged")


def _content(path: Path) -> dict[str, Any]:
    """What of a JSON file must agree; of no file, nothing."""
    if not path.is_file():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path}: cannot be read ({error}); write the model folder again") from None
    if path.name == CONTRACT:
        return {key: content.get(key) or None for key in ("adapter", "canonical_version", "options")}
    return {key: value for key, value in content.items() if key not in _NO_MATTER}


def _write(some: Sequence[Ingredient], folder: Path) -> None:
    """The mean of some ingredients as a model folder."""
    home = some[0].home
    for name in _COPIED:
        if (home / name).is_file():
            (folder / name).write_bytes((home / name).read_bytes())
    save_file({key: _mean(key, some) for key in some[0].tensors}, folder / "model.safetensors", metadata={"format": "pt"})


def _mean(key: str, some: Sequence[Ingredient]) -> torch.Tensor:
    """In double precision, so that the order of the models does not show; what is no floating-point number is the first's."""
    values = (_tensor(key, each) for each in some)
    first = next(values)
    if not first.is_floating_point():
        return first
    total = first.double()
    for value in values:
        total += value.double()
    return (total / len(some)).to(first.dtype)


def _tensor(key: str, ingredient: Ingredient) -> torch.Tensor:
    for file in ingredient.weights:
        with safe_open(file, framework="pt") as content:
            if key in content.keys():
                tensor: torch.Tensor = content.get_tensor(key)
                return tensor
    raise AssertionError(f"{key} was in a header")


def _card(kept: Sequence[Ingredient], bits: dict[str, float]) -> str:
    names = "\n".join(f"- {Path(each.name).name}" for each in kept)
    lines = ["---", "library_name: transformers", "pipeline_tag: fill-mask", "tags: [domainbert, model-soup]", "---", "", "# Model soup"]
    lines += ["", f"The mean of the weights of {len(kept)} {'model' if len(kept) == 1 else 'models'} (Wortsman et al. 2022):", "", names]
    if bits:
        lines += ["", "Bits per hidden letter of the held-out text that chose them, so a score on it says too much:", ""]
        lines += ["| model | bits |", "| --- | ---: |", *(f"| {Path(name).name} | {value:.4f} |" for name, value in bits.items())]
    return "\n".join(lines) + "\n"
