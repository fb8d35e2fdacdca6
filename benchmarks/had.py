"""Does distillation help, and does reconstruction? Reconstruct x distil at equal steps, masks and data, over seeds.

    python benchmarks/had.py DATA --output /tmp/had

DATA is a folder with `genomes/` and `tasks/gue/`. A teacher of 6-mers is trained once on yeast, then students of single bases: with
both terms, with one of them, aligned where the text is hidden instead of where it is visible; beside them the same student with random
weights. All read some of yeast's chromosomes; none reads human sequence, on which the tasks are. Each is scored by
a linear probe on its mean state and by fine-tuning, next to logistic regression on k-mer frequencies of the same rows.

What is there already in the output folder is not computed again: a run that was stopped goes on with the same command.
"""

import argparse
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from transformers.utils import logging

from domainbert.adapters.dna.sequence import reverse_complement
from domainbert.adapters.registry import load_adapter
from domainbert.downstream.dataset import Dataset, Ints, Split, load_dataset, split_rows, thinned
from domainbert.downstream.finetune import FineTuning, finetuned_opponent, score_rows
from domainbert.downstream.opponents import Learn, encoder_opponent, random_encoder, trivial_opponents
from domainbert.downstream.task import find_task
from domainbert.embedding.encoder import Encoder
from domainbert.pretraining import pretrain, resume
from domainbert.recipe.load import load_recipe

TASKS = {"promoter-tata": "promoter", "tf-4": "TF binding", "splice": "splice"}
RANDOM, TEACHER, COUNTS = "random weights", "teacher", "k-mer frequencies"
NO_MLM = "stage.mlm.objectives.mlm=0.0"
ARMS: dict[str, tuple[str, ...]] = {
    "reconstruct": ("distillation.weight=0.0",),
    "distil": ("distillation.align=visible", NO_MLM),
    "reconstruct + distil": ("distillation.align=visible",),
    "reconstruct + distil, hidden": ("distillation.align=hidden",),
}
METHODS = ("probe", "fine-tuned")
LENGTH = 512  # tokens; the longest sequence of a task has 400 bases
SETTINGS = FineTuning(epochs=3, learning_rate=5e-4, batch_size=16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--teacher-steps", type=int, default=1000)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--teacher-batch-tokens", type=int, default=2048)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=2000, help="of each split of a task, at most, for the probe")
    parser.add_argument("--tuned-rows", type=int, default=500, help="the same for fine-tuning; tests have those of the probe")
    parser.add_argument("--chromosomes", nargs="+", default=["II", "IV", "VIII"], help="that all runs read")
    parser.add_argument("--student", nargs="*", default=[], help="KEY=VALUE of its recipe, such as model.scratch.hidden_size=64")
    parser.add_argument("--picture", type=Path, help="t-SNE of teacher and student on the splice task")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    genome = next((options.data / "genomes" / "saccharomyces_cerevisiae").glob("*.fa.gz"))
    pupils = Students(options, genome)
    teacher = pupils.teacher()
    scores = Scores(options.output / "scores.json", [TaskRows.of(name, options) for name in TASKS])
    for seed in options.seeds:  # a whole seed before the next, so that an early stop leaves whole seeds
        for arm, overrides in ARMS.items():
            pupils.student(arm, seed, teacher=teacher, overrides=overrides)
        scores.add(seed, "probe", pupils)
    for seed in options.seeds:
        scores.add(seed, "fine-tuned", pupils)
    print(f"{len(options.seeds)} seeds, {options.steps} steps of {options.batch_tokens} tokens")
    for method in METHODS:
        print("\n" + scores.table(method))
    print("\n" + pupils.held_out(options.seeds))
    if options.picture:
        student = pupils.place("reconstruct + distil, seed 0") / "model"
        picture(options.picture, scores.tasks[-1].dataset, {"teacher": teacher, "student": student})


@dataclass(frozen=True, slots=True)
class Students:
    """Runs of this experiment.

    Args:
        options: of the command line.
        genome: that they read.
    """

    options: argparse.Namespace
    genome: Path

    def teacher(self) -> Path:
        """The teacher's model folder."""
        tokens = self.options.teacher_batch_tokens
        return self.train(TEACHER, "dna-had-teacher", 0, steps=self.options.teacher_steps, tokens=tokens, overrides=self.corpus())

    def train(
        self,
        name: str,
        recipe: str,
        seed: int,
        *,
        steps: int,
        tokens: int,
        teacher: Path | None = None,
        overrides: Sequence[str] = (),
    ) -> Path:
        """The model folder of a run, trained now unless it is there."""
        folder = self.place(name)
        if not (folder / "evaluation.json").is_file():
            loaded = load_recipe(
                recipe, corpus=[str(self.genome)], teacher=str(teacher) if teacher else "",
                overrides=[
                    f"training.seed={seed}", f"training.max_steps={steps}", f"training.batch_tokens={tokens}",
                    f"training.micro_batch_tokens={tokens}", "training.evaluation_steps=0", "training.save_steps=100", *overrides,
                ],
            )  # fmt: skip
            if (folder / "recipe.json").is_file():
                resume(folder, progress=False)
            else:
                pretrain(loaded, output=folder, progress=False)
            print(f"{name}: {json.loads((folder / 'evaluation.json').read_text())['after']}", flush=True)
        return folder / "model"

    def place(self, name: str) -> Path:
        """The run folder of an arm and seed."""
        folder: Path = self.options.output / name.replace(", ", "-").replace(" + ", "-").replace(" ", "-")
        return folder

    def student(self, arm: str, seed: int, *, teacher: Path, overrides: Sequence[str]) -> Path:
        """An arm's model folder."""
        own = (*self.corpus(), f"training.max_length={LENGTH}", *self.options.student, *overrides)
        steps, tokens = self.options.steps, self.options.batch_tokens
        return self.train(f"{arm}, seed {seed}", "dna-had-small", seed, steps=steps, tokens=tokens, teacher=teacher, overrides=own)

    def corpus(self) -> tuple[str, ...]:
        """What all runs read."""
        with gzip.open(self.genome, "rt") as lines:
            names = [line[1:].split()[0] for line in lines if line.startswith(">")]
        left_out = [name for name in names if name not in self.options.chromosomes]
        return f"corpus.exclude_groups={json.dumps(left_out)}", "corpus.validation_fraction=0.02"

    def held_out(self, seeds: Sequence[int]) -> str:
        """Bits per base on held-out text; a student without reconstruction has no trained head."""
        lines = ["| bits per base | single bases hidden | blocks of 6 hidden |", "| --- | --- | --- |"]
        for arm, overrides in ARMS.items():
            if NO_MLM not in overrides:
                after = [json.loads((self.place(f"{arm}, seed {seed}") / "evaluation.json").read_text())["after"] for seed in seeds]
                cells = [spread([each[kind]["bits"] for each in after], 3) for kind in ("single", "block")]
                lines.append(f"| {arm} | {' | '.join(cells)} |")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class TaskRows:
    """A task with the rows of each method; training rows that are, or whose other strand is, a test row are left out."""

    dataset: Dataset
    rows: dict[str, Split]

    @classmethod
    def of(cls, name: str, options: argparse.Namespace) -> "TaskRows":
        adapter = load_adapter("dna")
        dataset = thinned(load_dataset(find_task(name, adapter, data=options.data / "tasks"), adapter), options.rows)
        dataset = replace(dataset, task=replace(dataset.task, mirror=False))
        split = split_rows(dataset, seed=0)
        seen = {text for row in split.test.tolist() for text in (dataset.texts[row], reverse_complement(dataset.texts[row]))}
        train, validation = (
            np.array([row for row in part.tolist() if dataset.texts[row] not in seen]) for part in (split.train, split.validation)
        )
        most = options.tuned_rows
        return cls(
            dataset,
            {"probe": Split(train, validation, split.test), "fine-tuned": Split(few(train, most), few(validation, most), split.test)},
        )


def few(rows: Ints, most: int) -> Ints:
    """So many rows, drawn by a fixed rule."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


class Scores:
    """Test MCC by model, seed, method and task, kept in a file.

    Args:
        path: of the file.
        tasks: what is scored.
    """

    def __init__(self, path: Path, tasks: Sequence[TaskRows]) -> None:
        self.path, self.tasks = path, tasks
        self.values: dict[str, float] = json.loads(path.read_text()) if path.is_file() else {}

    def add(self, seed: int, method: str, pupils: "Students") -> None:
        """Score the models of a seed, and once those that have no seed."""
        for model in (COUNTS, TEACHER, RANDOM, *ARMS):
            if seed == 0 or model not in (COUNTS, TEACHER):
                shape = next(iter(ARMS)) if model in (COUNTS, RANDOM) else model
                self._add(model, seed, method, pupils.place(TEACHER if model == TEACHER else f"{shape}, seed {seed}") / "model")

    def _add(self, model: str, seed: int, method: str, folder: Path) -> None:
        for task in self.tasks:
            key = "; ".join((model, str(seed), method, task.dataset.task.name))
            if key not in self.values:
                split = task.rows[method]
                learn = learner(model, seed, method, folder, task.dataset)
                predicted = learn(split.train, split.validation, split.test, seed)
                self.values[key] = 100 * score_rows(task.dataset, split.test, predicted, only="mcc")["mcc"]
                self.path.write_text(json.dumps(self.values, indent=1))
                print(f"{key}: {self.values[key]:.1f}", flush=True)

    def table(self, method: str) -> str:
        """Means with the lowest and highest seed."""
        lines = [f"| {method}: test MCC x 100 | {' | '.join(TASKS.values())} |", f"| --- |{' --- |' * len(TASKS)}"]
        for model in (COUNTS, TEACHER, RANDOM, *ARMS):
            found = [[value for key, value in self.values.items() if self._is(key, model, method, task)] for task in TASKS]
            lines.append(f"| {model} | {' | '.join(spread(values, 1) for values in found)} |")
        return "\n".join(lines)

    @staticmethod
    def _is(key: str, *wanted: str) -> bool:
        model, _, method, task = key.split("; ")
        return (model, method, task) == wanted


def learner(model: str, seed: int, method: str, folder: Path, dataset: Dataset) -> Learn:
    """What learns the task from a model's states, or from counts of the same rows."""
    if model == COUNTS:
        return trivial_opponents(dataset, load_adapter("dna").baselines())[0].learn
    encoder = Encoder.from_pretrained(folder, max_length=LENGTH)
    if method == "fine-tuned":
        role = "random" if model == RANDOM else "model"
        return finetuned_opponent(encoder, dataset, SETTINGS, folder=str(folder), name=model, role=role).learn
    if model == RANDOM:
        encoder = random_encoder(encoder, str(folder), seed=seed)
    return encoder_opponent(encoder, dataset, name=model, role="model", method="probe").learn


def spread(values: Sequence[float], digits: int) -> str:
    """The mean, and the lowest and highest of several."""
    if not values:
        return "-"
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def picture(path: Path, dataset: Dataset, models: Mapping[str, Path]) -> None:
    """t-SNE of test sequences, coloured by class."""
    import matplotlib.pyplot as plt
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    figure, axes = plt.subplots(1, len(models), figsize=(9, 4))
    rows = split_rows(dataset, seed=0).test[:1500]
    for axis, (name, folder) in zip(axes, models.items(), strict=True):
        vectors = Encoder.from_pretrained(folder, max_length=LENGTH).encode([dataset.texts[row] for row in rows.tolist()])
        places = TSNE(random_state=0).fit_transform(StandardScaler().fit_transform(vectors))
        for label, what in enumerate(("acceptor", "donor", "neither")):
            axis.scatter(*places[dataset.labels[rows] == label].T, s=3, label=what)
        axis.set(title=name, xticks=[], yticks=[])
    axes[-1].legend(markerscale=3)
    figure.savefig(path, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
