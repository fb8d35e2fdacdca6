"""What a teacher costs: a distilled step against the student's step and the teacher's forward pass measured apart.

    python benchmarks/distillation_step.py --repeats 15

Models and batches of the recipe `dna-had-small`, random weights, random bases. The ways take turns, so that other work on the machine
meets all of them; ratios are medians over turns.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import torch

from domainbert.adapters.registry import load_adapter
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.engine.companions import FrozenEncoder
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.losses import Losses
from domainbert.engine.model import build_model
from domainbert.engine.optimizers import make_optimizer
from domainbert.engine.packing import BatchMaker
from domainbert.engine.reading import Reader
from domainbert.engine.steps import Steps
from domainbert.objectives.base import Sizes
from domainbert.recipe.load import load_recipe
from domainbert.recipe.schema import Corpus, Recipe
from domainbert.tokenization.spans import read_vocabulary

Step = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ways = prepare(Path(folder))
        for way in ways.values():
            way()
        seconds = np.array([[timed(way) for way in ways.values()] for _ in range(options.repeats)])
    for name, column in zip(ways, seconds.T, strict=True):
        print(f"{name}: {1000 * np.median(column):.0f} ms")
    student, teacher, distilled, cached = seconds.T
    for name, ratio in (("distilled over student + teacher", distilled / (student + teacher)), ("cached over student", cached / student)):
        print(f"{name}: {np.median(ratio):.3f} (quartiles {np.quantile(ratio, 0.25):.3f}-{np.quantile(ratio, 0.75):.3f})")


def prepare(folder: Path) -> dict[str, Step]:
    """The student's step, the teacher's forward pass, both, and the step with features from a cache."""
    recipe, its = load_recipe("dna-had-small"), load_recipe("dna-had-teacher")
    store, reader = corpus(folder, recipe), companion_reader(its)
    adapter = load_adapter("dna")
    vocabulary = read_vocabulary(store.tokenizer, adapter)
    frozen, cached = (
        FrozenEncoder("teacher", PackedEncoder(build_model(its.model, reader.vocabulary, max_length=256, seed=1)[0])) for _ in range(2)
    )
    stage = recipe.stage[0]
    plain = replace(stage, objective=stage.objective[:1], corruption=replace(stage.corruption, select="uniform", options={}))
    maker = BatchMaker([store], [adapter], vocabulary, {"teacher": reader})
    alone, both = (Steps(maker, ["main"], [each], recipe.training) for each in (plain, stage))

    def training(steps: Steps, companion: FrozenEncoder, numbers: Iterator[int]) -> Step:
        model = build_model(recipe.model, vocabulary, max_length=256, seed=0)[0]
        encoder = PackedEncoder(model.train())
        losses = Losses([steps.spans[0].stage], sizes=lambda _: Sizes(128, 192), companions={"teacher": companion})
        optimizer = make_optimizer(torch.nn.ModuleList([model, losses.heads]), recipe.training)

        def step() -> None:
            item = steps[next(numbers)]
            for micro in item.micro_batches:
                sum(losses.values(0, encoder, model, micro, item.counts).values()).backward()
            optimizer.step()
            optimizer.zero_grad()

        return step

    def reading() -> None:
        for micro in both[next(numbers)].micro_batches:
            frozen.encode(micro.others["teacher"], layers=[-1])

    numbers = count()
    cached.open_cache(folder / "cache", tokenizer_sha256="", layers=[-1], rank=0)
    same = iter(lambda: 0, 1)  # the same step each time: the first call fills the cache
    return {
        "student's step": training(alone, frozen, count()),
        "teacher's forward pass": reading,
        "distilled step": training(both, frozen, count()),
        "distilled step, cached features": training(both, cached, same),
    }


def corpus(folder: Path, recipe: Recipe) -> TokenStore:
    """A megabase of random letters in the student's tokens."""
    adapter = load_adapter("dna")
    (folder / "random.fa").write_text(">random\n" + "".join(np.random.default_rng(0).choice(list("ACGT"), 1_000_000)) + "\n")
    tokenizer = adapter.tokenizer("character", adapter.tokenizer_kinds["character"](), iter(()), model_max_length=256)
    wanted = Corpus(sources=(str(folder / "random.fa"),), validation_fraction=0.0)
    return build_store(adapter, wanted, folder / "store", make_tokenizer=lambda _: tokenizer, seed=0)


def companion_reader(its: Recipe) -> Reader:
    adapter = load_adapter("dna")
    options = adapter.tokenizer_kinds["kmer"](**its.tokenizer.options)
    tokenizer = adapter.tokenizer("kmer", options, iter(()), model_max_length=256)
    return Reader("teacher", tokenizer, adapter, random_phase=True, max_length=256, sources=frozenset({0}))


def timed(way: Step) -> float:
    begin = time.perf_counter()
    way()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
