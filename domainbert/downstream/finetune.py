"""Full fine-tuning with transformers' Trainer: every weight of the encoder and a new head, several seeds."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from domainbert.downstream.dataset import Dataset, Ints, whole_texts
from domainbert.downstream.metrics import LOWER_IS_BETTER, score
from domainbert.downstream.opponents import Opponent, Predictions
from domainbert.embedding.encoder import Encoder
from domainbert.embedding.loading import quiet_transformers
from domainbert.engine.model import load_config

QUIET = -100  # label of a position that is not learned
_TO_PROBLEM: dict[str, Any] = {
    "classification": "single_label_classification",
    "multilabel": "multi_label_classification",
    "regression": "regression",
}


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How it is done; the best epoch by validation is kept."""

    epochs: int = 3
    learning_rate: float = 5e-5
    batch_size: int = 32
    warmup_ratio: float = 0.1
    weight_decay: float = 0.01


def finetuned_opponent(encoder: Encoder, dataset: Dataset, settings: FineTuning, *, folder: str, name: str, role: str) -> Opponent:
    """An opponent that trains a copy of the folder's weights (random ones for the role ``random``) for every seed."""
    rows = _encoded(encoder, dataset)

    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Predictions:
        set_seed(seed)
        model = _with_head(folder, dataset, train, random=role == "random")
        scale = _scale(dataset, train)
        parts = [_Rows(rows, _labelled(dataset, rows, scale), part) for part in (train, validation, test)]
        with tempfile.TemporaryDirectory(prefix="domainbert-") as output, quiet_transformers():
            trainer = Trainer(
                model,
                _arguments(settings, output, seed, dataset),
                data_collator=partial(_padded, encoder.tokenizer, dataset.task.kind),
                train_dataset=parts[0],
                eval_dataset=parts[1],
                compute_metrics=_metric(dataset, rows, validation),
            )
            trainer.remove_callback(PrinterCallback)  # stdout is for results
            trainer.train()
            trainer.compute_metrics = None  # it knows the validation rows only
            logits = trainer.predict(parts[2]).predictions
        return _predictions(dataset, rows, test, logits, scale)

    return Opponent(name, role, "finetune", learn)


class _Rows(torch.utils.data.Dataset[dict[str, Any]]):
    """Encoded rows with labels, as the Trainer reads them."""

    def __init__(self, rows: list[dict[str, Any]], labels: list[Any], numbers: Ints) -> None:
        self._rows, self._labels, self._numbers = rows, labels, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: int) -> dict[str, Any]:
        number = int(self._numbers[place])
        return {"input_ids": self._rows[number]["input_ids"], "labels": self._labels[number]}


def _encoded(encoder: Encoder, dataset: Dataset) -> list[dict[str, Any]]:
    """Ids with special tokens, cut at the model's length; of a token task also the first piece of each word."""
    vocabulary = encoder.vocabulary
    room = encoder.max_length - vocabulary.num_special
    if dataset.task.kind == "tokens":
        return [_words(encoder, words, dataset.task.reading.separator, room) for words in dataset.words]
    prefix, suffix = list(vocabulary.prefix), list(vocabulary.suffix)
    texts = whole_texts(dataset, encoder.adapter)
    firsts = encoder.ids(texts)
    if not dataset.seconds or texts is not dataset.texts:
        return [{"input_ids": [*prefix, *ids[:room].tolist(), *suffix]} for ids in firsts]
    rows = []
    room -= max(1, len(suffix))
    for one, other in zip(firsts, encoder.ids(dataset.seconds), strict=True):
        # Each side gives up room only where the other needs it.
        first = max(room - len(other), room // 2)
        middle = suffix or prefix[:1] or [vocabulary.pad_id]
        cut = one[:first].tolist()
        rows.append({"input_ids": [*prefix, *cut, *middle, *other[: room - len(cut)].tolist(), *suffix]})
    return rows


def _words(encoder: Encoder, words: tuple[str, ...], separator: str, room: int) -> dict[str, Any]:
    ids, owner = encoder.word_pieces(words, separator=separator)
    prefix, suffix = encoder.vocabulary.prefix, encoder.vocabulary.suffix
    first = np.full(len(words), -1, np.int64)
    for place in range(min(room, len(ids)) - 1, -1, -1):
        if owner[place] >= 0:
            first[owner[place]] = place + len(prefix)
    return {"input_ids": [*prefix, *ids[:room].tolist(), *suffix], "first": first}


def _labelled(dataset: Dataset, rows: list[dict[str, Any]], scale: tuple[float, float]) -> list[Any]:
    kind = dataset.task.kind
    if kind == "tokens":
        return [_piece_labels(row, tags) for row, tags in zip(rows, dataset.tags, strict=True)]
    if kind == "multilabel":
        return [np.nan_to_num(label, nan=QUIET).tolist() for label in dataset.labels]
    return [int(label) for label in dataset.labels] if kind == "classification" else ((dataset.labels - scale[0]) / scale[1]).tolist()


def _piece_labels(row: dict[str, Any], tags: Ints) -> list[int]:
    labels = np.full(len(row["input_ids"]), QUIET, np.int64)
    shown = (row["first"] >= 0) & (tags >= 0)
    labels[row["first"][shown]] = tags[shown]
    return labels.tolist()


def _scale(dataset: Dataset, train: Ints) -> tuple[float, float]:
    """Mean and spread that a regression's labels are brought to 0 and 1 by."""
    if dataset.task.kind != "regression":
        return 0.0, 1.0
    return float(dataset.labels[train].mean()), float(dataset.labels[train].std()) or 1.0


def _with_head(folder: str, dataset: Dataset, train: Ints, *, random: bool) -> PreTrainedModel:
    config = load_config(folder)
    config.num_labels = len(dataset.classes) or 1
    config.problem_type = _TO_PROBLEM.get(dataset.task.kind)
    kind = AutoModelForTokenClassification if dataset.task.kind == "tokens" else AutoModelForSequenceClassification
    with quiet_transformers():
        if random:
            return cast(PreTrainedModel, kind.from_config(config))  # type: ignore[no-untyped-call]
        loaded = kind.from_pretrained(folder, config=config, dtype=torch.float32, use_safetensors=True, trust_remote_code=False)
    return cast(PreTrainedModel, loaded)


def _arguments(settings: FineTuning, output: str, seed: int, dataset: Dataset) -> TrainingArguments:
    return TrainingArguments(
        output, seed=seed, data_seed=seed, num_train_epochs=settings.epochs, learning_rate=settings.learning_rate,
        per_device_train_batch_size=settings.batch_size, per_device_eval_batch_size=settings.batch_size,
        warmup_steps=settings.warmup_ratio, weight_decay=settings.weight_decay, eval_strategy="epoch", save_strategy="epoch",
        save_total_limit=1, load_best_model_at_end=True, metric_for_best_model=dataset.task.primary,
        greater_is_better=dataset.task.primary not in LOWER_IS_BETTER, report_to=[], disable_tqdm=True, logging_strategy="no",
        dataloader_pin_memory=torch.cuda.is_available(),
    )  # fmt: skip


def _padded(tokenizer: PreTrainedTokenizerFast, kind: str, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    longest = max(len(row["input_ids"]) for row in rows)
    ids = torch.full((len(rows), longest), int(tokenizer.pad_token_id or 0))
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
        mask[number, : len(row["input_ids"])] = 1
    if kind == "tokens":
        labels = torch.full_like(ids, QUIET)
        for number, row in enumerate(rows):
            labels[number, : len(row["labels"])] = torch.tensor(row["labels"])
    else:
        labels = torch.tensor([row["labels"] for row in rows], dtype=torch.long if kind == "classification" else torch.float)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _metric(dataset: Dataset, rows: list[dict[str, Any]], validation: Ints) -> Callable[[EvalPrediction], dict[str, float]]:
    def compute(given: EvalPrediction) -> dict[str, float]:
        predicted = _predictions(dataset, rows, validation, given.predictions, _scale(dataset, validation))
        value = score_rows(dataset, validation, predicted, only=dataset.task.primary)[dataset.task.primary]
        return {dataset.task.primary: value if np.isfinite(value) else -1e9}

    return compute


def score_rows(dataset: Dataset, rows: Ints, predicted: Predictions, *, only: str = "") -> dict[str, float]:
    """Scores of the predictions of some rows."""
    truth = [dataset.tags[row] for row in rows.tolist()] if dataset.task.kind == "tokens" else dataset.labels[rows]
    positive = dataset.positive() if dataset.classes else 1
    return score(dataset.task.kind, truth, predicted, positive=positive, only=only, tags=dataset.classes, censored=dataset.task.censored)


def _predictions(dataset: Dataset, rows: list[dict[str, Any]], numbers: Ints, logits: Any, scale: tuple[float, float]) -> Predictions:
    logits = logits[0] if isinstance(logits, tuple) else logits
    kind = dataset.task.kind
    if kind == "regression":
        return logits[:, 0].astype(np.float64) * scale[1] + scale[0]
    if kind == "tokens":
        common = int(np.bincount(np.concatenate([tags[tags >= 0] for tags in dataset.tags])).argmax())
        found = [(rows[number]["first"], logit.argmax(-1)) for number, logit in zip(numbers.tolist(), logits, strict=True)]
        # A word beyond the model's length gets the most frequent tag.
        return [np.where(first >= 0, best[np.maximum(first, 0)], common) for first, best in found]
    values: NDArray[np.float64] = logits.astype(np.float64)
    if kind == "multilabel":
        return 1 / (1 + np.exp(-values))
    values = np.exp(values - values.max(1, keepdims=True))
    return values / values.sum(1, keepdims=True)
