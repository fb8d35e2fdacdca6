"""How much of a training step is the engine's own: everything but forward, backward and optimizer.

Runs the demo recipe's model through the engine, and the same steps, prepared beforehand, through a bare loop of forward, backward,
clipping and optimizer. The two take turns; medians over the repeats.

    python benchmarks/engine_overhead.py [--steps 20] [--repeats 5] [--recipe dna]
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import torch
from transformers.utils import logging as transformers_logging

from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.folder import RunFolder
from domainbert.engine.model import build_model
from domainbert.engine.packing import BatchMaker
from domainbert.engine.steps import Steps
from domainbert.engine.telemetry import MetricsLog
from domainbert.engine.trainer import PackedTrainer, training_arguments
from domainbert.objectives.mlm import masked_token_loss
from domainbert.pretraining.run import description
from domainbert.pretraining.stores import adapter_of, open_stores
from domainbert.recipe.load import load_recipe
from domainbert.recipe.schema import Recipe
from domainbert.tokenization.spans import Vocabulary, read_vocabulary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--recipe", default="dna")
    options = parser.parse_args()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    overrides = [f"stage[0].steps={options.steps}", "stage[0].schedule.warmup_steps=0", "stage[0].schedule.decay_steps=0"]
    recipe = load_recipe(options.recipe, overrides=[*overrides, "training.save_steps=0", "training.evaluation_steps=0"])
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name) / "run")
        folder.create()
        folder.write_json(folder.recipe, description(recipe))
        stores = open_stores(folder, recipe, progress=False)
        adapter = adapter_of(recipe, recipe.corpus[0])
        vocabulary = read_vocabulary(stores[0].tokenizer, adapter)
        steps = Steps(BatchMaker(stores, [adapter], vocabulary), ["main"], recipe.stage, recipe.training)
        engine, bare, making = [], [], []
        for _ in range(options.repeats):
            engine.append(run_engine(recipe, vocabulary, steps, folder))
            seconds, preparing = run_bare(recipe, vocabulary, steps)
            bare.append(seconds)
            making.append(preparing)
    report(options.steps, engine, bare, making)


def run_engine(recipe: Recipe, vocabulary: Vocabulary, steps: Steps, folder: RunFolder) -> float:
    """Seconds a step through the engine, from the end of the first step to the end of the last but one (the last one saves)."""
    encoder = PackedEncoder(build_model(recipe.model, vocabulary, max_length=recipe.training.max_length, seed=0)[0])
    folder.metrics.unlink(missing_ok=True)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    metrics = MetricsLog(folder.metrics)
    args = training_arguments(recipe.training, folder.path, num_steps=len(steps))
    PackedTrainer(
        encoder, steps, recipe.training, checkpoints=folder.checkpoints, metrics=metrics, evaluate=dict, args=args
    ).train()
    seconds = [line["seconds"] for line in metrics.read()]
    return (seconds[-2] - seconds[0]) / (len(seconds) - 2)


def run_bare(recipe: Recipe, vocabulary: Vocabulary, steps: Steps) -> tuple[float, float]:
    """Seconds a step of forward, backward, clipping and optimizer alone; and of preparing a step, measured apart."""
    encoder = PackedEncoder(build_model(recipe.model, vocabulary, max_length=recipe.training.max_length, seed=0)[0])
    model = encoder.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.training.learning_rate, weight_decay=recipe.training.weight_decay)
    start = time.perf_counter()
    prepared = [steps[number] for number in range(len(steps))]
    preparing = (time.perf_counter() - start) / len(steps)
    for number, step in enumerate(prepared):
        if number == 1:  # the first step warms up
            start = time.perf_counter()
        for micro_batch in step.micro_batches:
            (masked_token_loss(encoder.logits(micro_batch), micro_batch.labels_S) / step.num_selected).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.training.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
    return (time.perf_counter() - start) / (len(steps) - 1), preparing


def report(num_steps: int, engine: list[float], bare: list[float], making: list[float]) -> None:
    """Print the table."""
    whole, needed, prepared = (statistics.median(values) for values in (engine, bare, making))
    print(f"{len(engine)} repeats of {num_steps} steps, {torch.get_num_threads()} threads; milliseconds a step, medians\n")
    print("| | ms | share of the step |\n| --- | --- | --- |")
    for name, seconds in (
        ("whole step through the engine", whole),
        ("forward, backward, optimizer in a bare loop", needed),
        ("order, corruption, packing", prepared),
        ("all of the engine's own", whole - needed),
    ):
        print(f"| {name} | {1000 * seconds:.1f} | {100 * seconds / whole:.1f} % |")


if __name__ == "__main__":
    main()
