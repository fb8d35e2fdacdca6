"""The best rule of one line: a string that a text holds, begins or ends with, or its length."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import matthews_corrcoef

from domainbert.downstream.dataset import Dataset, Split, pick

MAX_TEXTS = 20_000  # of train that rules are sought in
MAX_CHARACTERS = 2_000  # of a text
MAX_STRINGS = 5_000
LONGEST = 4
BEGIN, END = "\x02", "\x03"  # stand for the ends of a text


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule and how often it is right in test.

    Args:
        text: for people.
        accuracy: in test.
        majority: accuracy of always saying the most frequent class of train.
        mcc: in test.
    """

    text: str
    accuracy: float
    majority: float
    mcc: float


def best_rule(dataset: Dataset, split: Split) -> Rule:
    """The rule that is right most often in train, judged in test."""
    rows = split.train if len(split.train) <= MAX_TEXTS else np.random.default_rng(0).permutation(split.train)[:MAX_TEXTS]
    strings = CountVectorizer(
        analyzer="char", ngram_range=(1, LONGEST), lowercase=False, binary=True, max_features=MAX_STRINGS, dtype=np.int32
    )
    train, test = (_marked(dataset, which) for which in (rows, split.test))
    holds = strings.fit_transform(train)
    lengths = np.array([len(text) for text in train])
    limits = np.unique(np.quantile(lengths, np.linspace(0.02, 0.98, 49)).astype(np.int64))
    table = sparse.hstack([holds, sparse.csr_matrix(lengths[:, None] > limits[None, :], dtype=np.int32)]).tocsc()
    labels, num_classes = dataset.labels[rows], len(dataset.classes)
    one_hot = sparse.csr_matrix((np.ones(len(rows), np.int64), (labels, np.arange(len(rows)))), shape=(num_classes, len(rows)))
    present = np.asarray((one_hot @ table).todense())  # rows of each class for which each rule holds
    absent = np.bincount(labels, minlength=num_classes)[:, None] - present
    best = int((present.max(0) + absent.max(0)).argmax())
    yes, no = int(present[:, best].argmax()), int(absent[:, best].argmax())
    if best < holds.shape[1]:
        string = strings.get_feature_names_out()[best]
        applies, named = np.array([string in text for text in test]), _named(string)
    else:
        limit = int(limits[best - holds.shape[1]])
        applies, named = np.array([len(text) > limit for text in test]), f"longer than {limit - 2} characters"
    return _judged(dataset, split, applies, named, yes, no)


def _judged(dataset: Dataset, split: Split, applies: NDArray[np.bool_], named: str, yes: int, no: int) -> Rule:
    said, truth = np.where(applies, yes, no), dataset.labels[split.test]
    majority = int(np.bincount(dataset.labels[split.train]).argmax())
    text = f"{named} is {dataset.classes[yes]}, else {dataset.classes[no]}"
    return Rule(text, float((said == truth).mean()), float((truth == majority).mean()), float(matthews_corrcoef(truth, said)))


def _marked(dataset: Dataset, rows: NDArray[np.int64]) -> list[str]:
    return [f"{BEGIN}{text[:MAX_CHARACTERS]}{END}" for text in pick(dataset.texts, rows)]


def _named(string: str) -> str:
    inner = string.strip(BEGIN + END)
    if string.startswith(BEGIN):
        return f"begins with {inner!r}" if not string.endswith(END) else f"is {inner!r}"
    return f"ends with {inner!r}" if string.endswith(END) else f"holds {inner!r}"
