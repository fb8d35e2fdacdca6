"""Tasks on pairs: halves that are held out, trivial methods that need both, figures without the ceiling."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import cosine_similarity

from domainbert.adapters.drug_target import DrugTargetAdapter
from domainbert.downstream.audit import audit
from domainbert.downstream.dataset import load_dataset, split_rows, whole_texts
from domainbert.downstream.metrics import concordance, score
from domainbert.downstream.opponents import trivial_opponents
from domainbert.downstream.pair_kernels import STRENGTHS, cosines, distinct, product_kernel
from domainbert.downstream.task import find_task, with_split
from domainbert.errors import CorpusError, RecipeError

ADAPTER = DrugTargetAdapter()


@pytest.fixture(scope="module")
def dataset():
    return load_dataset(find_task("sample", ADAPTER, data=None), ADAPTER)


def by(dataset, how):
    return load_dataset(with_split(dataset.task, how), ADAPTER)


@pytest.mark.invariant
@pytest.mark.parametrize(("how", "halves"), [("cold-drug", (0,)), ("cold-target", (1,)), ("cold-both", (0, 1))])
def test_a_cold_half_is_in_no_train_row(dataset, how, halves):
    dataset = by(dataset, how)
    splits = [split_rows(dataset, seed=seed) for seed in range(2)]
    sides = [dataset.texts, dataset.seconds]
    for split in splits:
        for half in (0, 1):
            test, train = (
                {sides[half][row] for row in rows.tolist()} for rows in (split.test, np.concatenate((split.train, split.validation)))
            )
            assert test.isdisjoint(train) == (half in halves)
    assert np.array_equal(splits[0].test, splits[1].test), "a run can leave them out only if they are the same for every seed"
    assert not np.array_equal(splits[0].validation, splits[1].validation)
    num_rows = sum(len(part) for part in (splits[0].train, splits[0].validation, splits[0].test))
    findings = {finding["check"]: finding for finding in audit(dataset, splits[0], ADAPTER, [])}
    if how == "cold-both":
        for side in (dataset.groups, dataset.second_groups):  # what is chosen on validation rows must serve in test
            validation, train = ({side[row] for row in rows.tolist()} for rows in (splits[0].validation, splits[0].train))
            assert validation.isdisjoint(train)
        assert 0 < findings["mixed_pairs"]["figures"]["mixed"] == len(dataset) - num_rows
    else:
        assert num_rows == len(dataset)
    assert findings["group_overlap"]["figures"]["test_rows_in_train_groups"] == 0
    assert findings["near_duplicates"]["figures"]["test_near_train"] == 0


def test_at_random_every_half_is_known(dataset):
    found = {finding["check"]: finding for finding in audit(by(dataset, "random"), split_rows(by(dataset, "random"), seed=0), ADAPTER, [])}
    assert found["near_duplicates"]["warns"] and found["near_duplicates"]["figures"]["test_near_train"] > 900


def test_trivial_methods(dataset):
    """Affinities of the sample need both halves: products tell more than sums, both more than nothing."""
    dataset = by(dataset, "random")
    split = split_rows(dataset, seed=0)
    errors = {}
    for opponent in trivial_opponents(dataset, ADAPTER.baselines()):
        predicted = opponent.learn(split.train, split.validation, split.test, 0)
        errors[opponent.name] = score("regression", dataset.labels[split.test], predicted)["mse"]
    products, sums = errors["fingerprint x residues"], errors["fingerprint + residues"]
    assert products < 0.75 * sums < 0.75 * errors["majority"]
    assert errors["mean of each half"] < 0.9 * errors["majority"]


def test_what_each_half_adds_is_exact_for_sums(write):
    drugs, targets = ("C", "CC", "CCC", "CCCC"), ("MKVL", "GGGG", "WYWY")
    rows = [f"{drug},{target},{len(drug) + 10 * place}\n" for drug in drugs for place, target in enumerate(targets)]
    keys = {"second": "target", "labels": ["affinity"], "kind": "regression", "reading": {"format": "records"}, "split": {"by": "random"}}
    task = write({"pairs.csv": "drug,target,affinity\n" + "".join(rows)}, files={"all": "pairs.csv"}, **keys)
    dataset = load_dataset(task, ADAPTER)
    everything = np.arange(len(dataset))
    learn = next(each.learn for each in trivial_opponents(dataset, ()) if each.method == "memory")
    assert learn(everything, everything, everything, 0) == pytest.approx(dataset.labels)
    assert whole_texts(dataset, ADAPTER)[1] == "C|GGGG"


def test_figures_without_the_ceiling():
    rng = np.random.default_rng(0)
    truth, predicted = np.maximum(rng.normal(5, 1, 60).round(1), 5.0), rng.normal(5, 1, 60)
    rows = truth != 5.0
    found = score("regression", truth, predicted, censored=(5.0,))
    assert found["mse"] == pytest.approx(np.mean((truth - predicted) ** 2))
    assert found["mse_uncensored"] == pytest.approx(np.mean((truth - predicted)[rows] ** 2))
    assert found["concordance_uncensored"] == pytest.approx(concordance(truth[rows], predicted[rows]))
    assert np.isnan(score("regression", truth, predicted)["mse_uncensored"])


def test_davis_with_its_folds_and_without(shared_data):
    folder = shared_data / "proteins" / "tasks" / "dta" / "davis"
    with pytest.raises(RecipeError, match=r"task 'davis' is read from a folder of yours .*--data DIR"):
        find_task("davis", ADAPTER, data=None)
    dataset = load_dataset(find_task("davis", ADAPTER, data=folder), ADAPTER)
    split = split_rows(dataset, seed=0)
    assert tuple(map(len, (split.train, split.validation, split.test))) == (20_036, 5010, 5010)
    with pytest.raises(CorpusError, match="its records hold out cold-drug, cold-target"):
        split_rows(by(dataset, "cold-ligand"), seed=0)


def test_the_product_kernel_is_kernel_ridge_regression_on_pairs(write):
    """Beside scikit-learn on the kernel written out, for pairs of which a third was not measured."""
    rng = np.random.default_rng(0)
    drugs, targets = ["C" * size for size in range(1, 13)], ["MK" + "ACDEFGHIKL"[place] * 4 for place in range(10)]
    first, second = rng.normal(size=(12, 4)), rng.normal(size=(10, 5))
    rows = [(i, j) for i in range(12) for j in range(10) if rng.random() < 2 / 3]
    lines = [f"{drugs[i]},{targets[j]},{first[i, :3] @ second[j, :3]:.6f}\n" for i, j in rows]
    keys = {"second": "target", "labels": ["affinity"], "kind": "regression", "reading": {"format": "records"}, "split": {"by": "random"}}
    task = write({"pairs.csv": "drug,target,affinity\n" + "".join(lines)}, files={"all": "pairs.csv"}, metric="mse", **keys)
    dataset = load_dataset(task, ADAPTER)
    place = [[texts.index(text) for text in distinct(dataset_texts)[0]] for texts, dataset_texts in (
        (drugs, dataset.texts), ([f"|{text}" for text in targets], dataset.seconds),
    )]  # fmt: skip
    learn = product_kernel(dataset, lambda train: (first[place[0]], second[place[1]]), cosines)
    train, test = np.arange(0, len(rows), 2), np.arange(1, len(rows), 2)
    kernels = [
        cosine_similarity(first)[np.ix_(*[[i for i, _ in rows]] * 2)],
        cosine_similarity(second)[np.ix_(*[[j for _, j in rows]] * 2)],
    ]
    kernel = kernels[0] * kernels[1]
    mean = dataset.labels[train].mean()
    errors = []
    for strength in STRENGTHS:
        model = KernelRidge(alpha=strength, kernel="precomputed").fit(kernel[np.ix_(train, train)], dataset.labels[train] - mean)
        errors.append(mean + model.predict(kernel[np.ix_(test, train)]))
    best = min(errors, key=lambda guess: np.mean((guess - dataset.labels[test]) ** 2))
    assert learn(train, test, test, 0) == pytest.approx(best, abs=2e-3)  # conjugate gradients end at 1e-4
