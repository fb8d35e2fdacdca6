"""What do replay and the causal detour change, at equal tokens? Four arms over seeds: masked or by the detour, with replay or without.

    python benchmarks/stages.py --base MODEL --corpus DOMAIN --general TEXT --output /tmp/stages

All arms continue one base with the steps, the learning rates and the text of the recipe biomedical-clm-detour; masked ones hide 15 % where
it is causal. A tenth of the general text, which should be of the base's own kind, is held out: how much worse a model predicts that in the
end is what it forgot. Bits per character, whole words hidden.

What is there already in the output folder is not computed again: a run that was stopped goes on with the same command.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from domainbert.pretraining import pretrain, resume
from domainbert.pretraining.control import control_recipe
from domainbert.recipe.document import from_dict, to_dict
from domainbert.recipe.load import load_recipe
from domainbert.recipe.schema import Corpus, Recipe

ARMS = {"masked + replay": (False, True), "masked": (False, False), "detour + replay": (True, True), "detour": (True, False)}
"""By name: whether by the detour, and whether with replay. The first builds the stores for all."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--corpus", nargs="+", required=True)
    parser.add_argument("--general", nargs="+", required=True)
    parser.add_argument("--general-adapter", default="", help="that of the recipe when left out")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.05, help="of replay")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("overrides", nargs="*", help="KEY=VALUE for every arm", metavar="KEY=VALUE")
    options = parser.parse_args()
    found: dict[str, list[Mapping[str, Any]]] = {}
    for name, (detour, replayed) in ARMS.items():
        for seed in options.seeds:
            folder = options.output / f"{name.replace(' ', '')}-{seed}"
            if (folder / "recipe.json").is_file():
                result = resume(folder, progress=False)
            else:
                result = pretrain(arm(options, seed, detour=detour, replayed=replayed), output=folder, progress=False)
            found.setdefault(name, []).append(result.evaluation)
            print(f"{name}, seed {seed}: {line(result.evaluation)}", flush=True)
    print(f"\n{'':18s}{'domain':>16s}{'general':>16s}{'forgotten':>17s}")
    first = found["masked"][0]
    print(f"{'the base':18s}{domain(first, 'before'):16.3f}{first['forgetting']['general']['before']:16.3f}")
    for name, results in found.items():
        general = [each["forgetting"]["general"] for each in results]
        columns = [[domain(each, "after") for each in results], [each["after"] for each in general], [each["change"] for each in general]]
        print(f"{name:18s}" + "".join(f"{spread(values):>17s}" for values in columns))


def arm(options: argparse.Namespace, seed: int, *, detour: bool, replayed: bool) -> Recipe:
    """The recipe of one arm: all read the stores of the first run, once it has built them."""
    stores = options.output / f"{next(iter(ARMS)).replace(' ', '')}-{options.seeds[0]}" / "stores"
    main, general = ([str(stores / name)] if (stores / name / "manifest.json").is_file() else sources for name, sources in
                     (("main", options.corpus), ("general", options.general)))  # fmt: skip
    recipe = load_recipe("biomedical-clm-detour", base=options.base, corpus=main, overrides=[*options.overrides, f"training.seed={seed}"])
    role = "replay" if replayed else "meter"
    adapter = options.general_adapter or recipe.adapter
    corpora = (*recipe.corpus, Corpus("general", adapter=adapter, sources=tuple(general), role=role, validation_fraction=0.1))
    mix = {"main": 1 - options.share, "general": options.share} if replayed else {"main": 1.0}
    recipe = replace(recipe, corpus=corpora, stage=tuple(replace(stage, mix=mix) for stage in recipe.stage))
    return from_dict(to_dict(recipe if detour else control_recipe(recipe)))


def line(evaluation: Mapping[str, Any]) -> str:
    return f"domain {domain(evaluation, 'after'):.3f}, forgotten {evaluation['forgetting']['general']['change']:+.3f}"


def domain(evaluation: Mapping[str, Any], when: str) -> float:
    """Bits of the domain's own held-out text."""
    return float(next(iter(evaluation[when].values()))["bits"])


def spread(values: list[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


if __name__ == "__main__":
    main()
