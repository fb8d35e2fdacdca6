"""Learners on fixed features: linear models whose strength is chosen on validation rows, nearest neighbours, forests, and the majority."""

# N rows, F features

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from domainbert.downstream.metrics import LOWER_IS_BETTER, score

Features = Any  # a dense array or a sparse matrix of scikit-learn, (N, F)
Predict = Callable[[Features], NDArray[np.float64]]

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)  # C of logistic regression; of the ridge 1/alpha
PAIR_STRENGTHS = (1e-6, 1e-4, 0.01, 1.0)  # few halves make many rows, which then weigh more than they know
SPARSE_STRENGTHS = (0.1, 1.0, 10.0, 100.0)
NEIGHBOURS = (1, 5, 20)
TREES = 300
FEATURES_OF_A_TREE = 1 / 3  # of a regression's splits: Breiman 2001; of classes scikit-learn takes the root
MAX_ITERATIONS = 300


def fit(
    learner: str,
    kind: str,
    train: tuple[Features, NDArray[Any]],
    validation: tuple[Features, NDArray[Any]],
    *,
    num_classes: int,
    metric: str,
    seed: int,
    positive: int = 1,
) -> Predict:
    """A predictor of probabilities ``(N, C)``, of values ``(N,)``, or ``(N, L)``.

    Args:
        learner: ``linear``, ``pairs`` (linear, of the features of pairs), ``knn``, ``forest`` or ``majority``.
        kind: of the task; ``tokens`` is classification of words here.
        train: features and labels.
        validation: likewise; what is to be chosen is chosen by them.
        num_classes: columns of the probabilities.
        metric: that decides.
        seed: of what is drawn.
        positive: class of the detection rate.
    """
    if kind == "multilabel":
        return _each_label(learner, train, validation, seed=seed)
    kind = "classification" if kind == "tokens" else kind
    candidates = [_fitted(model, kind, train, num_classes) for model in _models(learner, kind, train[0], seed)]
    if len(candidates) == 1:
        return candidates[0]
    sign = -1 if metric in LOWER_IS_BETTER else 1
    values = [sign * score(kind, validation[1], each(validation[0]), positive=positive, only=metric)[metric] for each in candidates]
    return candidates[int(np.nanargmax(np.nan_to_num(values, nan=-np.inf)))]


def _models(learner: str, kind: str, features: Features, seed: int) -> list[Any]:
    regression, sparse = kind == "regression", not isinstance(features, np.ndarray)
    if learner == "majority":
        return [DummyRegressor(strategy="mean") if regression else DummyClassifier(strategy="prior")]
    if learner == "forest":
        if regression:
            return [RandomForestRegressor(TREES, max_features=FEATURES_OF_A_TREE, random_state=seed, n_jobs=-1)]
        return [RandomForestClassifier(TREES, random_state=seed, n_jobs=-1)]
    if learner == "knn":
        neighbours = KNeighborsRegressor if regression else KNeighborsClassifier
        fitting = [k for k in NEIGHBOURS if k <= features.shape[0]]
        return [neighbours(k, metric="cosine", algorithm="brute", weights="distance") for k in fitting]
    models = []
    for strength in SPARSE_STRENGTHS if sparse else PAIR_STRENGTHS if learner == "pairs" else STRENGTHS:
        scaler = MaxAbsScaler() if sparse and regression else StandardScaler() if not sparse else None
        logistic = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS, tol=1e-3)
        model = Ridge(alpha=1 / strength, random_state=seed) if regression else logistic
        models.append(make_pipeline(scaler, model) if scaler else model)
    return models


def _fitted(model: Any, kind: str, train: tuple[Features, NDArray[Any]], num_classes: int) -> Predict:
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the weakest regularisation may not settle; validation judges it as it is
        model.fit(*train)
    if kind == "regression":
        return lambda features: np.asarray(model.predict(features), np.float64)
    columns = model.classes_

    def probabilities(features: Features) -> NDArray[np.float64]:
        all_classes = np.zeros((features.shape[0], num_classes))
        all_classes[:, columns] = model.predict_proba(features)
        return all_classes

    return probabilities


def _each_label(learner: str, train: tuple[Features, NDArray[Any]], validation: tuple[Features, NDArray[Any]], *, seed: int) -> Predict:
    """One classifier a label, on the rows that were tested for it."""
    predictors: list[Predict] = []
    for column in range(train[1].shape[1]):
        known, judged = (np.flatnonzero(~np.isnan(labels[:, column])) for labels in (train[1], validation[1]))
        labels = train[1][known, column].astype(np.int64)
        if len(np.unique(labels)) < 2:  # noqa: PLR2004  # nothing to learn: its only outcome, always
            constant = float(labels[0]) if len(labels) else 0.0
            predictors.append(lambda features, value=constant: np.tile([1 - value, value], (features.shape[0], 1)))  # type: ignore[misc]
            continue
        rows = (train[0][known], labels), (validation[0][judged], validation[1][judged, column].astype(np.int64))
        predictors.append(fit(learner, "classification", *rows, num_classes=2, metric="auroc", seed=seed))
    return lambda features: np.stack([predict(features)[:, 1] for predict in predictors], 1)
