"""Tokens a second of the engine against the usual way: Trainer, DataCollatorForLanguageModeling and every logit computed.

The usual way is run twice: *dynamic* pads each batch of lines to its longest, *blocks* concatenates all lines and cuts blocks, so that
documents see each other. All three train the same class of model from the same random weights with AdamW at the same precision, with
about as many real tokens a step, and take turns. Real tokens are those of the text and the special tokens around it; padding is not
counted. Medians over the repeats.

    python benchmarks/throughput.py DATA [--only urls] [--size small|base] [--repeats 5] [--steps 12]

DATA holds urls/, biomedical/, proteins/ and dna/ as the sources below name them.
"""

import argparse
import copy
import csv
import gzip
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    DataCollatorForLanguageModeling,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging as transformers_logging

from domainbert.adapters.base import Adapter, Drops, Record
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.losses import Losses
from domainbert.engine.packing import BatchMaker
from domainbert.engine.steps import Steps
from domainbert.engine.telemetry import FlopsCounter, MetricsLog, matrix_rate
from domainbert.engine.trainer import PackedTrainer, resolve_precision, training_arguments
from domainbert.objectives.base import Sizes
from domainbert.recipe.schema import Corpus, Corruption, Stage, Training
from domainbert.tokenization.spans import read_vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WARM_UP = 2  # steps that are not timed
SIZES = {"small": (256, 6, 4), "medium": (384, 12, 6), "base": (768, 22, 12)}


@dataclass(frozen=True)
class Task:
    """A corpus and how its field would train on it.

    Args:
        source: of DATA.
        vocabulary: pieces; 0 for single characters.
        max_length: tokens of a sample.
        lines: of one step of the usual way on a CPU.
        architecture: of the model.
    """

    source: str
    vocabulary: int
    max_length: int
    lines: int
    architecture: str


TASKS = {
    "urls": Task("urls/unlabeled_union_derived.tsv.gz", 32_000, 128, 64, "bert"),
    "biomedical": Task("biomedical/unlabeled_sentences_dedup_no_test_derived.tsv.gz", 30_000, 256, 32, "bert"),
    "proteins": Task("proteins/corpus_natural_no_heldout_derived.fasta.gz", 0, 512, 8, "esm"),
    "dna": Task("dna/genomes/escherichia_coli", 0, 512, 8, "modernbert"),
}


@dataclass(frozen=True)
class NoOptions:
    """Nothing to set."""


class Lines(Adapter):
    """Texts as they are: the tokenizer is the benchmark's own."""

    name = "lines"
    summary = "lines of a benchmark"
    canonical_version = "1"
    Options = NoOptions
    tokenizer_kinds: ClassVar = {}
    texts: Sequence[str] = ()

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__()
        self.texts = texts

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        drops = Drops() if drops is None else drops
        for number, text in enumerate(self.texts):
            drops.num_kept += 1
            yield Record(str(number), text, str(number))

    def files(self, source: str) -> list[Path]:
        return []

    def canonicalize(self, text: str) -> str:
        return text

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> PreTrainedTokenizerFast:
        raise NotImplementedError

    def is_target(self, token: str) -> bool:
        return True

    def sample(self) -> Iterator[Record]:
        return self.records("sample")

    def probes(self) -> tuple[str, ...]:
        return tuple(self.texts[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=TASKS, action="append")
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--texts", type=int, default=60_000, help="of each corpus, for the tokenizer and the run")
    parser.add_argument("--lines", type=int, default=0, help="of one step of the usual way; 0 for each task's own")
    parser.add_argument("--picture", type=Path, help="where a bar chart goes")
    options = parser.parse_args()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    precision = resolve_precision("auto")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{device_name(device)}, {torch.get_num_threads()} threads, torch {torch.__version__}, {precision}, {options.size}")
    print("| corpus | parameters | tokens a step | padding | dynamic | blocks | domainbert | over dynamic | over blocks | MFU |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    rows = {}
    for name in options.only or TASKS:
        rows[name] = run_task(name, options, device, precision)
        print(rows[name].row(name), flush=True)
    if options.picture:
        draw(rows, options.picture, f"{device_name(device)}, {precision}")


@dataclass(frozen=True)
class Result:
    """Tokens a second of the three ways, each with its repeats."""

    parameters: int
    tokens: float
    padding: float
    rates: dict[str, list[float]]
    mfu: float

    def ratios(self, other: str) -> list[float]:
        """Ours over another way, repeat by repeat."""
        return [mine / theirs for mine, theirs in zip(self.rates["domainbert"], self.rates[other], strict=True)]

    def row(self, name: str) -> str:
        """A line of the table."""
        rates = " | ".join(f"{statistics.median(self.rates[way]):,.0f}" for way in ("dynamic", "blocks", "domainbert"))
        ratios = " | ".join(
            f"{statistics.median(ratio):.2f} ({min(ratio):.2f}-{max(ratio):.2f})" for ratio in map(self.ratios, ("dynamic", "blocks"))
        )
        return f"| {name} | {self.parameters / 1e6:.1f} M | {self.tokens:,.0f} | {self.padding:.0%} | {rates} | {ratios} | {self.mfu:.0%} |"


def run_task(name: str, options: argparse.Namespace, device: torch.device, precision: str) -> Result:
    task = TASKS[name]
    texts = list(islice(read_texts(options.data / task.source, task), options.texts))
    np.random.default_rng(0).shuffle(texts)
    tokenizer = make_tokenizer(texts, task)
    make_model = model_maker(tokenizer, task, options.size)
    lines = options.lines or task.lines
    ids = [each.ids[: task.max_length] for each in tokenizer.backend_tokenizer.encode_batch_fast(texts)]
    tokens = statistics.mean(map(len, ids)) * lines
    with tempfile.TemporaryDirectory() as folder:
        ours = prepare_ours(texts, tokenizer, task, Path(folder), steps=options.steps, batch_tokens=round(tokens), precision=precision)
        ways: dict[str, Callable[[], Measured]] = {
            "dynamic": lambda: usual(make_model, tokenizer, ids, lines, options.steps, precision),
            "blocks": lambda: usual(
                make_model, tokenizer, blocks(ids, task.max_length), max(1, round(tokens / task.max_length)), options.steps, precision
            ),
            "domainbert": lambda: ours(make_model),
        }
        measured: dict[str, list[Measured]] = {way: [] for way in ways}
        for _ in range(options.repeats):
            for way, run in ways.items():
                measured[way].append(run())
    rates = {way: [each.tokens_per_second for each in runs] for way, runs in measured.items()}
    padding = 1 - sum(each.real for each in measured["dynamic"]) / sum(each.computed for each in measured["dynamic"])
    mfu = statistics.median(each.flops_per_second for each in measured["domainbert"]) / matrix_rate(device, precision)
    return Result(make_model().num_parameters(), tokens, padding, rates, mfu)


@dataclass(frozen=True)
class Measured:
    """One timed run."""

    real: int
    computed: int
    seconds: float
    flops_per_second: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        return self.real / self.seconds


class Clock(TrainerCallback):
    """Times the steps after the warm-up."""

    def __init__(self) -> None:
        self.begin = self.end = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if state.global_step == WARM_UP:
            self.begin = time.perf_counter()
        self.end = time.perf_counter()


def usual(
    make_model: Callable[[], PreTrainedModel],
    tokenizer: PreTrainedTokenizerFast,
    ids: Sequence[list[int]],
    lines: int,
    steps: int,
    precision: str,
) -> Measured:
    """The library's own way: collate, pad, mask, compute every logit."""
    collator, seen = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15, seed=0), []

    def collate(rows: list[dict[str, Any]]) -> Any:
        batch = collator(rows)
        seen.append((int(batch["attention_mask"].sum()), batch["input_ids"].numel()))
        return batch

    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder, max_steps=steps, per_device_train_batch_size=lines, learning_rate=1e-4, bf16=precision == "bf16",
            fp16=precision == "fp16", use_cpu=not torch.cuda.is_available(), report_to="none", save_strategy="no", logging_strategy="no",
            disable_tqdm=True, dataloader_num_workers=0 if not torch.cuda.is_available() else 4, remove_unused_columns=False,
        )  # fmt: skip
        rows = [{"input_ids": each, "attention_mask": [1] * len(each)} for each in ids]
        clock = Clock()
        trainer = Trainer(make_model(), args, train_dataset=rows, data_collator=collate, callbacks=[clock])
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    if not seen:  # workers collate in processes of their own: every batch is as long as its lines
        mean = statistics.mean(map(len, ids)) * lines
        seen = [(round(mean), round(mean))] * steps
    timed = seen[WARM_UP:steps]
    return Measured(sum(real for real, _ in timed), sum(computed for _, computed in timed), clock.end - clock.begin)


def prepare_ours(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, task: Task, folder: Path, *, steps: int, batch_tokens: int, precision: str
) -> Callable[[Callable[[], PreTrainedModel]], Measured]:
    """Build the token store once, as a run does; the answer trains on it."""
    adapter = Lines(texts)
    corpus = Corpus(sources=("benchmark",), validation_fraction=0.0)
    build_store(adapter, corpus, folder / "store", make_tokenizer=lambda _: tokenizer, seed=0)
    stores = [TokenStore(folder / "store")]
    training = Training(
        max_length=task.max_length, batch_tokens=max(batch_tokens, task.max_length), micro_batch_tokens=max(batch_tokens, task.max_length),
        learning_rate=1e-4, precision=precision, evaluation_steps=0, save_steps=0,
    )  # fmt: skip
    maker = BatchMaker(stores, [adapter], read_vocabulary(stores[0].tokenizer, adapter))
    plan = Steps(maker, ["main"], [Stage(steps=steps, corruption=Corruption(rate=0.15))], training)

    def run(make_model: Callable[[], PreTrainedModel]) -> Measured:
        clock, encoder = Clock(), PackedEncoder(make_model())
        if torch.cuda.is_available():
            encoder.compile()
        with tempfile.TemporaryDirectory() as output:
            args = training_arguments(training, Path(output), num_steps=steps)
            trainer = PackedTrainer(
                encoder, plan, Losses([Stage()], sizes=lambda _: Sizes(0)), training, checkpoints=Path(output) / "checkpoints",
                metrics=MetricsLog(Path(output) / "metrics.jsonl"), evaluate=dict, callbacks=[clock], args=args,
            )  # fmt: skip
            trainer.train()
        timed = [plan[number] for number in range(WARM_UP, steps)]
        real, seconds = sum(step.num_tokens for step in timed), clock.end - clock.begin
        return Measured(real, real, seconds, sum(map(FlopsCounter(encoder.model).of, timed)) / seconds)

    return run


def read_texts(path: Path, task: Task) -> Iterator[str]:
    """One text a line, entry or window."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            sequence = "".join(line.strip() for line in open_text(file) if not line.startswith(">")).upper()
            size = task.max_length - 2
            yield from (sequence[start : start + size] for start in range(0, len(sequence) - size, size))
    elif ".fasta" in path.name:
        for entry in open_text(path).read().split(">")[1:]:
            yield entry.partition("\n")[2].replace("\n", "").upper()
    elif ".jsonl" in path.name:
        yield from (json.loads(line)["text"] for line in open_text(path))
    else:
        csv.field_size_limit(1 << 24)
        yield from (line.rstrip("\n").split("\t")[-1] for line in open_text(path))


def open_text(path: Path) -> Any:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def make_tokenizer(texts: Sequence[str], task: Task) -> PreTrainedTokenizerFast:
    """BPE over bytes, or one token a character."""
    if task.vocabulary:
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=task.vocabulary, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        )
        backend.train_from_iterator(texts, trainer)
    else:
        letters = SPECIAL + sorted(set(chain.from_iterable(texts)))
        backend = Tokenizer(models.WordLevel({letter: number for number, letter in enumerate(letters)}, unk_token="[UNK]"))
        backend.normalizer = normalizers.NFC()
        backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    backend.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=task.max_length, **names)


def model_maker(tokenizer: PreTrainedTokenizerFast, task: Task, size: str) -> Callable[[], PreTrainedModel]:
    hidden, layers, heads = SIZES[size]
    gated = task.architecture == "modernbert"
    config = AutoConfig.for_model(
        task.architecture, vocab_size=len(tokenizer), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=3 * hidden // 2 if gated else 4 * hidden, max_position_embeddings=task.max_length + 2, pad_token_id=0,
        bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3, mask_token_id=4,
        **({"position_embedding_type": "rotary", "token_dropout": False} if task.architecture == "esm" else {}),
        **({} if gated else {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}),
    )  # fmt: skip

    def make() -> PreTrainedModel:
        torch.manual_seed(0)
        return AutoModelForMaskedLM.from_config(copy.deepcopy(config))  # the engine sets the attention on it

    return make


def blocks(ids: Sequence[list[int]], length: int) -> list[list[int]]:
    """All lines end to end, cut into blocks of one length; the rest is dropped."""
    joined = list(chain.from_iterable(ids))
    return [joined[start : start + length] for start in range(0, len(joined) - length + 1, length)]


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def draw(rows: dict[str, Result], path: Path, title: str) -> None:
    """Real tokens a second, ours and the usual ways', with the range over the repeats."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(rows), figsize=(3 * len(rows) + 1, 3.6), squeeze=False)
    labels = {"dynamic": "padded lines,\nevery logit", "blocks": "concatenated\nblocks", "domainbert": "domainbert"}
    for axis, (name, row) in zip(axes[0], rows.items(), strict=True):
        for place, way in enumerate(labels):
            rates = row.rates[way]
            middle = statistics.median(rates)
            axis.bar(place, middle, color="#0072b2" if way == "domainbert" else "#bbbbbb")
            axis.vlines(place, min(rates), max(rates), color="#333333")
            axis.text(place, middle, f"{middle:,.0f}", ha="center", va="bottom", fontsize=8)
        axis.set_title(f"{name}: {statistics.median(row.ratios('dynamic')):.1f} x", fontsize=10)
        axis.set_xticks(range(len(labels)), labels.values(), fontsize=7)
        axis.set_yticks([])
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.margins(y=0.12)
    figure.suptitle(f"real tokens a second ({title})", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
