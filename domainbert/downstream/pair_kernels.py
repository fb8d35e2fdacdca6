"""Kernel ridge regression on pairs: two pairs are as alike as their first halves times as their second halves.

Pahikkala et al. 2015, Brief. Bioinform. 16, 325-337 (KronRLS), for any set of measured pairs: the products are never written out, since
the kernel of all pairs times a vector is one matrix product for each half.

N rows, M and Q distinct first and second halves, F features.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, cg
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.preprocessing import StandardScaler, normalize

from domainbert.downstream.dataset import Dataset, Ints
from domainbert.downstream.metrics import LOWER_IS_BETTER, score

Floats = NDArray[np.float64]
Halves = Callable[[Ints], tuple[Any, Any]]
"""From train rows to features of the distinct first and second halves, ``(M, F)`` and ``(Q, F)``."""

Kernel = Callable[[Any], Floats]

STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # what is added to the kernel's diagonal
MAX_DISTINCT = 8000  # of a half: its kernel takes half a gigabyte
_TOLERANCE, _MAX_ITERATIONS = 1e-4, 300


def fits(dataset: Dataset) -> bool:
    """Whether a dataset is one that kernels are made for: numbers for pairs, of not too many halves."""
    few = all(len(set(texts)) <= MAX_DISTINCT for texts in (dataset.texts, dataset.seconds))
    return bool(dataset.seconds) and dataset.task.kind == "regression" and few


def distinct(texts: Sequence[str]) -> tuple[list[str], Ints]:
    """Each text once, and which of them each row has."""
    numbers: dict[str, int] = {}
    place = np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int64)
    return list(numbers), place


def product_kernel(dataset: Dataset, halves: Halves, kernel: Kernel) -> Callable[[Ints, Ints, Ints, int], Floats]:
    """A learner on the product of each half's kernel; its strength is chosen on validation rows.

    Args:
        dataset: the task's rows.
        halves: features of the distinct halves.
        kernel: ``cosines`` of features that are never negative, ``gaussian`` of any.
    """
    first_N, second_N = distinct(dataset.texts)[1], distinct(dataset.seconds)[1]
    metric = dataset.task.primary
    sign = -1 if metric in LOWER_IS_BETTER else 1

    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Floats:
        one_MM, other_QQ = (kernel(features) for features in halves(train))
        mean = float(dataset.labels[train].mean())

        def spread(weights: Floats, rows: Ints, wanted: Ints) -> Floats:
            """The kernel between ``wanted`` and ``rows`` times weights of ``rows``."""
            grid = np.zeros((len(one_MM), len(other_QQ)))
            np.add.at(grid, (first_N[rows], second_N[rows]), weights)
            found: Floats = (one_MM @ grid @ other_QQ)[first_N[wanted], second_N[wanted]]
            return found

        candidates = []
        for strength in STRENGTHS:
            size = (len(train), len(train))
            system = LinearOperator(size, matvec=lambda v, strength=strength: spread(v, train, train) + strength * v, dtype=np.float64)
            weights, _ = cg(system, dataset.labels[train] - mean, rtol=_TOLERANCE, maxiter=_MAX_ITERATIONS)
            guess = mean + spread(weights, train, validation)
            value = score("regression", dataset.labels[validation], guess, only=metric, censored=dataset.task.censored)[metric]
            candidates.append((sign * np.nan_to_num(value, nan=-sign * np.inf), strength, weights))
        best = max(candidates, key=lambda candidate: candidate[:2])[2]
        return mean + spread(best, train, test)

    return learn


def cosines(features: Any) -> Floats:
    """Of each text and each, ``(N, N)``."""
    scaled = normalize(features)
    product = scaled @ scaled.T
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, np.float64)


def gaussian(features: Any) -> Floats:
    """As wide as the median squared distance of texts, each feature in standard deviations, ``(N, N)``."""
    squares = euclidean_distances(StandardScaler().fit_transform(features), squared=True)
    apart = squares[squares > 0]
    found: Floats = np.exp(-squares / (np.median(apart) if len(apart) else 1.0))
    return found
