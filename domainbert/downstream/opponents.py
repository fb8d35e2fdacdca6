"""Who competes on a task: the model, its base, random weights of the same shape, the domain's trivial methods, the majority."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse
from transformers import AutoModelForMaskedLM

from domainbert.adapters.base import Baseline
from domainbert.downstream.dataset import Dataset, Ints, pick
from domainbert.downstream.pair_kernels import Halves, cosines, distinct, fits, gaussian, product_kernel
from domainbert.downstream.probes import Features, fit
from domainbert.embedding.encoder import Encoder
from domainbert.embedding.loading import quiet_transformers
from domainbert.engine.model import load_config
from domainbert.errors import ModelError

LEARNERS = {"probe": "linear", "knn": "knn", "kernel": "kernel"}
MAX_WORDS = 20_000  # that a probe of a token task learns from

Predictions = Any
"""Of some rows: an array as ``metrics.score`` takes it, or a list of tag numbers a sentence."""

Learn = Callable[[Ints, Ints, Ints, int], Predictions]
"""From train, validation and test rows and a seed to predictions of the test rows."""


@dataclass(frozen=True, slots=True)
class Opponent:
    """One line of the table.

    Args:
        name: for people.
        role: ``model``, ``base``, ``random``, ``trivial`` or ``majority``.
        method: how it learns.
        learn: gives predictions of test rows.
    """

    name: str
    role: str
    method: str
    learn: Learn


def encoder_opponent(encoder: Encoder, dataset: Dataset, *, name: str, role: str, method: str) -> Opponent:
    """A learner on an encoder's frozen vectors, which are computed once for all seeds."""
    learner = LEARNERS[method]
    if dataset.task.kind == "tokens":
        states = encoder.word_states(dataset.words, separator=dataset.task.reading.separator)
        return Opponent(name, role, method, _on_words(dataset, states, learner))
    mirror = dataset.task.mirror
    if learner == "kernel":
        if not fits(dataset):
            raise ModelError(f"task {dataset.task.name!r}: method 'kernel' is for numbers of pairs, of few distinct halves; use 'probe'")
        first, second = (encoder.encode(distinct(texts)[0], mirror=mirror) for texts in (dataset.texts, dataset.seconds))
        return Opponent(name, role, method, product_kernel(dataset, lambda train: (first, second), gaussian))
    vectors = encoder.encode(dataset.texts, mirror=mirror)
    if dataset.seconds:
        other = encoder.encode(dataset.seconds, mirror=mirror)
        # In double precision: where few texts make many pairs, ridge regression has near-dependent rows to solve for.
        vectors = np.concatenate((vectors, other, np.abs(vectors - other), vectors * other), axis=1).astype(np.float64)
    learner = "pairs" if dataset.seconds and learner == "linear" else learner
    return Opponent(name, role, method, _on_features(dataset, lambda rows: vectors, learner))


def trivial_opponents(dataset: Dataset, baselines: Sequence[Baseline]) -> list[Opponent]:
    """The domain's trivial methods and the majority, on the same splits."""
    majority = Opponent("majority", "majority", "-", _on_features(dataset, lambda rows: np.zeros((len(dataset), 1)), "majority"))
    if dataset.task.kind == "tokens":
        return [Opponent("each word's most frequent tag", "trivial", "memory", _memory(dataset)), _most_frequent_tag(dataset)]
    found = []
    for baseline in baselines:
        if baseline.products:
            if fits(dataset):
                found.append(Opponent(baseline.name, "trivial", "kernel", product_kernel(dataset, _halves_of(dataset, baseline), cosines)))
            continue
        learn = _on_features(dataset, _fitted_features(dataset, baseline), baseline.learner)
        learner = {"linear": "ridge" if dataset.task.kind == "regression" else "logistic"}.get(baseline.learner, baseline.learner)
        found.append(Opponent(baseline.name, "trivial", learner, learn))
    if dataset.seconds and dataset.task.kind == "regression":
        found.append(Opponent("mean of each half", "trivial", "memory", _halves(dataset)))
    return [*found, majority]


def random_encoder(encoder: Encoder, folder: str, *, revision: str = "", seed: int = 0) -> Encoder:
    """An encoder of the same shape with the weights that training from scratch begins with, and the same tokenizer."""
    torch.manual_seed(seed)
    with quiet_transformers():
        model = AutoModelForMaskedLM.from_config(deepcopy(load_config(folder, revision=revision)))  # type: ignore[no-untyped-call]
    fresh = Encoder(model, encoder.tokenizer, encoder.adapter, name="random weights", max_length=encoder.max_length)
    model.to(encoder.model.device)
    return fresh


def _on_features(dataset: Dataset, features: Callable[[Ints], Features], learner: str) -> Learn:
    task = dataset.task

    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Predictions:
        table = features(train)
        given = [(table[rows], dataset.labels[rows]) for rows in (train, validation)]
        predict = fit(
            learner, task.kind, *given, num_classes=len(dataset.classes), metric=task.primary, seed=seed,
            positive=dataset.positive() if dataset.classes else 1,
        )  # fmt: skip
        return predict(table[test])

    return learn


def _fitted_features(dataset: Dataset, baseline: Baseline) -> Callable[[Ints], Features]:
    """Features of all rows; what they learn, such as which strings there are, they learn from train alone."""

    def features(train: Ints) -> Features:
        sides = []
        for texts in (dataset.texts, dataset.seconds) if dataset.seconds else (dataset.texts,):
            made = baseline.features()
            made.fit(pick(texts, train))
            sides.append(made.transform(list(texts)))
        if len(sides) == 1:
            return sides[0].tocsr() if sparse.issparse(sides[0]) else np.asarray(sides[0])
        return sparse.hstack([sparse.csr_matrix(side) for side in sides]).tocsr()

    return features


def _halves_of(dataset: Dataset, baseline: Baseline) -> Halves:
    """Features of each distinct half; what they learn, they learn from train's."""

    def features(train: Ints) -> tuple[Features, Features]:
        first, second = (
            baseline.features().fit(pick(texts, train)).transform(distinct(texts)[0]) for texts in (dataset.texts, dataset.seconds)
        )
        return first, second

    return features


def _halves(dataset: Dataset) -> Learn:
    """The mean of train, and what each half's own mean differs from it; nothing for a half that train lacks."""

    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Predictions:
        mean = float(dataset.labels[train].mean())
        predicted = np.full(len(test), mean)
        for texts in (dataset.texts, dataset.seconds):
            names, number = np.unique(pick(texts, train), return_inverse=True)
            own = np.bincount(number, dataset.labels[train]) / np.bincount(number)
            known = dict(zip(names.tolist(), (own - mean).tolist(), strict=True))
            predicted += [known.get(text, 0.0) for text in pick(texts, test)]
        return predicted

    return learn


def _on_words(dataset: Dataset, states: Sequence[Any], learner: str) -> Learn:
    def words(rows: Ints, seed: int | None) -> tuple[Any, Ints]:
        table, labels = np.concatenate(pick(states, rows)), np.concatenate(pick(dataset.tags, rows))
        known = np.flatnonzero(labels >= 0)
        if seed is not None and len(known) > MAX_WORDS:
            known = np.random.default_rng(seed).permutation(known)[:MAX_WORDS]
        return table[known], labels[known]

    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Predictions:
        predict = fit(
            learner, "tokens", words(train, seed), words(validation, seed), num_classes=len(dataset.classes), metric="macro_f1", seed=seed
        )
        return [predict(states[row]).argmax(1) for row in test.tolist()]

    return learn


def _memory(dataset: Dataset) -> Learn:
    """What tagging needs no context for: each word gets the tag that it had most often, others the most frequent one."""

    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Predictions:
        counts: dict[str, Any] = {}
        total = np.zeros(len(dataset.classes), np.int64)
        for row in train.tolist():
            for word, tag in zip(dataset.words[row], dataset.tags[row].tolist(), strict=True):
                if tag >= 0:
                    counts.setdefault(word, np.zeros(len(dataset.classes), np.int64))[tag] += 1
                    total[tag] += 1
        best = {word: int(count.argmax()) for word, count in counts.items()}
        return [np.array([best.get(word, int(total.argmax())) for word in dataset.words[row]]) for row in test.tolist()]

    return learn


def _most_frequent_tag(dataset: Dataset) -> Opponent:
    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Predictions:
        tags = np.concatenate(pick(dataset.tags, train))
        best = int(np.bincount(tags[tags >= 0], minlength=len(dataset.classes)).argmax())
        return [np.full(len(dataset.words[row]), best) for row in test.tolist()]

    return Opponent("majority", "majority", "-", learn)
