"""Does distillation help, and does reconstruction? Reconstruct x distil at equal steps, masks and data, over seeds.

    python benchmarks/had.py DATA --output /tmp/had --steps 300 --seeds 0 1 2

DATA is a folder with `genomes/` and `tasks/gue/`. A teacher of 6-mers is trained once on yeast, then students of single bases: with
both terms, with one of them, aligned where the text is hidden instead of where it is visible; beside them the same student with random
weights. Each is scored by a linear probe on its mean state, on tasks of human sequence (none of it in the genomes), next to logistic
regression on k-mer counts. What is there already in the output folder is not trained again.
"""

import argparse
import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import matthews_corrcoef
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging

from domainbert.adapters.dna.sequence import reverse_complement
from domainbert.pretraining import pretrain, resume
from domainbert.recipe.load import load_recipe

CHROMOSOMES = ("I", "II", "III", "V", "VI")  # 2.2 of yeast's 12 million bases: more than the steps read
TASKS = {"promoter": "prom/prom_300_tata", "TF binding": "tf/4", "splice": "splice/reconstructed"}
RANDOM, VISIBLE = "random weights", ("distillation.align=visible",)
NO_MLM = "stage.mlm.objectives.mlm=0.0"
ARMS: dict[str, tuple[str, ...]] = {
    "reconstruct": ("distillation.weight=0.0",),
    "distil": (*VISIBLE, NO_MLM),
    "reconstruct + distil": VISIBLE,
    "reconstruct + distil, hidden": ("distillation.align=hidden",),
}
TOKENS = 8192  # of a forward pass while embedding


@dataclass(frozen=True)
class Task:
    """Sequences and classes; training rows that are, or whose other strand is, a test row are left out."""

    train: tuple[list[str], list[int]]
    test: tuple[list[str], list[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--teacher-steps", type=int, default=600)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=2000, help="of each task's training and test rows, at most")
    parser.add_argument("--picture", type=Path, help="t-SNE of teacher and student on the splice task")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    genome = next((options.data / "genomes" / "saccharomyces_cerevisiae").glob("*.fa.gz"))
    teacher = train(options, "teacher", "dna-had-teacher", genome, 0, steps=options.teacher_steps)
    for seed in options.seeds:  # all arms of a seed before the next, so that an early stop leaves whole seeds
        for arm, overrides in ARMS.items():
            train(options, f"{arm}, seed {seed}", "dna-had-small", genome, seed, steps=options.steps, teacher=teacher, overrides=overrides)
    tasks = {name: read_task(options.data / "tasks" / "gue" / where, options.rows) for name, where in TASKS.items()}
    rows: list[tuple[str, dict[str, list[float]]]] = [("k-mer counts", {name: [kmers(task)] for name, task in tasks.items()})]
    rows.append(("teacher", {name: [probe(*load(teacher), task)] for name, task in tasks.items()}))
    for arm in (RANDOM, *ARMS):
        scores = {name: [probe(*student(options, arm, seed), task) for seed in options.seeds] for name, task in tasks.items()}
        rows.append((arm, scores))
        print(arm, scores, flush=True)
    print(table(rows, options))
    if options.picture:
        picture(options.picture, tasks["splice"], {"teacher": load(teacher), "student": student(options, "reconstruct + distil", 0)})


def train(
    options: argparse.Namespace, name: str, recipe: str, genome: Path, seed: int, *, steps: int, teacher: Path | None = None,
    overrides: Sequence[str] = (),
) -> Path:  # fmt: skip
    """The model folder of a run, trained now unless it is there."""
    folder = place(options, name)
    if not (folder / "evaluation.json").is_file():
        loaded = load_recipe(
            recipe, corpus=[str(genome)], teacher=str(teacher) if teacher else "",
            overrides=[
                f"training.seed={seed}", f"training.max_steps={steps}", f"training.batch_tokens={options.batch_tokens}",
                f"training.micro_batch_tokens={options.batch_tokens}", "training.evaluation_steps=0", "training.save_steps=0",
                "corpus.validation_fraction=0.02", f"corpus.exclude_groups={json.dumps(excluded(genome))}",
                *overrides,
            ],
        )  # fmt: skip
        if (folder / "recipe.json").is_file():
            resume(folder, progress=False)
        else:
            pretrain(loaded, output=folder, progress=False)
        print(f"{name}: {json.loads((folder / 'evaluation.json').read_text())['after']}", flush=True)
    return folder / "model"


def place(options: argparse.Namespace, name: str) -> Path:
    """The run folder of an arm and seed."""
    folder: Path = options.output / name.replace(", ", "-").replace(" + ", "-").replace(" ", "-")
    return folder


def excluded(genome: Path) -> list[str]:
    """Chromosomes that no run reads."""
    with gzip.open(genome, "rt") as lines:
        return [name for line in lines if line.startswith(">") and (name := line[1:].split()[0]) not in CHROMOSOMES]


def load(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    return AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def student(options: argparse.Namespace, arm: str, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A trained student, or one of the same shape with random weights."""
    name = next(iter(ARMS)) if arm == RANDOM else arm
    folder = place(options, f"{name}, seed {seed}") / "model"
    if arm != RANDOM:
        return load(folder)
    torch.manual_seed(seed)
    return AutoModel.from_config(AutoConfig.from_pretrained(folder)).eval(), AutoTokenizer.from_pretrained(folder)


def read_task(folder: Path, most: int) -> Task:
    """A task; its dev rows train where the training rows are absent."""
    train = folder / "train.csv.gz" if (folder / "train.csv.gz").is_file() else folder / "dev.csv.gz"
    test = list(read_rows(folder / "test.csv.gz"))
    seen = {text for sequence, _ in test for text in (sequence, reverse_complement(sequence))}
    kept = {sequence: label for sequence, label in read_rows(train) if sequence not in seen}
    return Task(sample(list(kept.items()), most), sample(test, most))


def read_rows(path: Path) -> Iterator[tuple[str, int]]:
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            yield row["sequence"].upper(), int(row["label"])


def sample(rows: list[tuple[str, int]], most: int) -> tuple[list[str], list[int]]:
    order = np.random.default_rng(0).permutation(len(rows))[:most]
    return [rows[number][0] for number in order], [rows[number][1] for number in order]


def embed(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> NDArray[np.float32]:
    """Mean of the last states of each text's own tokens."""
    ids = tokenizer(list(texts), add_special_tokens=True)["input_ids"]
    out = np.zeros((len(texts), model.config.hidden_size), np.float32)
    by_length: dict[int, list[int]] = {}
    for row, tokens in enumerate(ids):
        by_length.setdefault(len(tokens), []).append(row)
    with torch.inference_mode():
        for length, rows in by_length.items():
            for start in range(0, len(rows), size := max(1, TOKENS // length)):
                mine = rows[start : start + size]
                states = model(input_ids=torch.tensor([ids[row] for row in mine])).last_hidden_state
                out[mine] = states[:, 1:].mean(1).numpy()  # <cls> left out
    return out


def probe(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, task: Task) -> float:
    """Test MCC x 100 of a linear classifier on frozen states."""
    train, test = (embed(model, tokenizer, texts) for texts, _ in (task.train, task.test))
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(train, task.train[1])
    return 100 * float(matthews_corrcoef(task.test[1], classifier.predict(test)))


def kmers(task: Task) -> float:
    """The same of square roots of counts of all 1- to 5-mers."""
    counter = CountVectorizer(analyzer="char", ngram_range=(1, 5), lowercase=False)
    train, test = counter.fit_transform(task.train[0]).sqrt(), counter.transform(task.test[0]).sqrt()
    classifier = LogisticRegression(C=0.1, max_iter=2000).fit(train, task.train[1])
    return 100 * float(matthews_corrcoef(task.test[1], classifier.predict(test)))


def table(rows: Sequence[tuple[str, dict[str, list[float]]]], options: argparse.Namespace) -> str:
    """Means with the lowest and highest seed."""
    lines = [f"| model | {' | '.join(TASKS)} |", f"| --- |{' --- |' * len(TASKS)}"]
    for name, scores in rows:
        cells = [f"{np.mean(each):.1f}" + (f" ({min(each):.1f}-{max(each):.1f})" if len(each) > 1 else "") for each in scores.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([f"test MCC x 100, {len(options.seeds)} seeds, {options.steps} steps of {options.batch_tokens} tokens", "", *lines])


def picture(path: Path, task: Task, models: dict[str, tuple[PreTrainedModel, PreTrainedTokenizerFast]]) -> None:
    """t-SNE of test sequences, coloured by class."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(models), figsize=(9, 4))
    texts, labels = task.test[0][:1000], task.test[1][:1000]
    for axis, (name, loaded) in zip(axes, models.items(), strict=True):
        places = TSNE(random_state=0).fit_transform(StandardScaler().fit_transform(embed(*loaded, texts)))
        for label, what in enumerate(("acceptor", "donor", "neither")):
            axis.scatter(*places[np.array(labels) == label].T, s=4, label=what)
        axis.set(title=name, xticks=[], yticks=[])
    axes[-1].legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
