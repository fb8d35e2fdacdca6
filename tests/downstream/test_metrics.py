"""Scores against definitions, written out."""

import itertools

import numpy as np
import pytest
from scipy.stats import rankdata

from domainbert.downstream.metrics import concordance, entities, interval, intervals, is_span_task, modified_r2, score

rng = np.random.default_rng(0)


def test_two_classes():
    truth = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    value = np.array([0.1, 0.2, 0.3, 0.4, 0.7, 0.35, 0.8, 0.9])
    found = score("classification", truth, np.stack([1 - value, value], 1))
    # at 0.5: 4 true negatives, 1 false positive, 1 false negative, 2 true positives
    assert found["mcc"] == pytest.approx((4 * 2 - 1 * 1) / (5 * 5 * 3 * 3) ** 0.5)
    assert found["accuracy"] == 6 / 8
    assert found["macro_f1"] == pytest.approx((8 / 10 + 4 / 6) / 2)
    assert found["auroc"] == pytest.approx(13 / 15)
    assert found["auprc"] == pytest.approx((1 + 1 + 3 / 5) / 3)
    assert found["tpr_at_fpr_1e-3"] == pytest.approx(2 / 3)
    other = score("classification", truth, np.stack([1 - value, value], 1), positive=0)
    assert other["tpr_at_fpr_1e-3"] == pytest.approx(3 / 5)
    assert other["mcc"] == found["mcc"]


def test_detection_rate_lets_one_negative_in_a_thousand_through():
    truth = np.array([0] * 2000 + [1] * 10)
    value = np.concatenate((np.linspace(0, 0.9, 1997), [0.991, 0.992, 0.993], np.linspace(0.9905, 0.9995, 10)))
    wanted = (value[2000:] > 0.991).mean()  # two of 2,000 negatives may lie above
    assert score("classification", truth, np.stack([1 - value, value], 1), only="tpr_at_fpr_1e-3") == {"tpr_at_fpr_1e-3": wanted}


def test_one_class_in_a_resample_is_undefined_not_wrong():
    found = score("classification", np.array([1, 1]), np.array([[0.2, 0.8], [0.6, 0.4]]))
    assert np.isnan([found["mcc"], found["auroc"], found["auprc"], found["tpr_at_fpr_1e-3"]]).all()
    assert found["accuracy"] == 0.5


def test_labels_that_were_not_tested_do_not_count():
    truth = np.array([[1, np.nan], [0, 1], [np.nan, 0], [0, 0]])
    value = np.array([[0.9, 0.0], [0.2, 0.3], [1.0, 0.4], [0.4, 0.1]])
    found = score("multilabel", truth, value)
    assert found["auroc"] == pytest.approx((1.0 + 0.5) / 2)


def test_regression():
    truth, predicted = rng.normal(size=40).round(1), rng.normal(size=40).round(1)
    found = score("regression", truth, predicted)
    assert found["rmse"] == pytest.approx((np.mean((truth - predicted) ** 2)) ** 0.5)
    assert found["spearman"] == pytest.approx(np.corrcoef(rankdata(truth), rankdata(predicted))[0, 1])
    assert np.isnan(score("regression", truth, np.ones(40))["spearman"])


def test_modified_squared_correlation():
    truth, predicted = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])
    # By hand: r^2 = 3^2 / (2 * 14/3); k = 17/21, squared residuals 5/21, so r_0^2 = 1 - 5/42; their difference is 1/12.
    found = score("regression", truth, predicted)
    assert found["rm2"] == pytest.approx(27 / 28 * (1 - (1 / 12) ** 0.5))
    assert found["rm2_deepdta"] == pytest.approx(27 / 28 * (1 - ((27 / 28) ** 2 - (37 / 42) ** 2) ** 0.5))
    # The other way around: r^2 = 1; k = 5/7, squared residuals 48/7, r_0^2 = -17/7.
    assert modified_r2(truth, truth[::-1]) == pytest.approx(1 - (24 / 7) ** 0.5)
    assert modified_r2(truth, truth[::-1], squared=True) == pytest.approx(1 - 240**0.5 / 7)
    assert modified_r2(truth, 3 * truth) == pytest.approx(1.0), "a factor is not held against a model"
    assert modified_r2(truth, truth + 1) < 1.0, "a shift is"


@pytest.mark.parametrize("name", ["rm2", "rm2_deepdta"])
def test_modified_squared_correlation_is_undefined_without_spread(name):
    values = np.array([5.0, 6.0, 7.0])
    for truth, predicted in ((values, np.full(3, 6.0)), (np.full(3, 6.0), values), (values, np.zeros(3)), (values[:1], values[:1])):
        assert np.isnan(score("regression", truth, predicted, only=name)[name])


def test_concordance_is_the_share_of_ordered_pairs(monkeypatch):
    monkeypatch.setattr("domainbert.downstream.metrics._PAIRS_AT_ONCE", 100)
    truth, predicted = rng.integers(0, 6, 50).astype(float), rng.integers(0, 6, 50).astype(float)
    won = total = 0.0
    for a, b in itertools.permutations(range(50), 2):
        if truth[a] > truth[b]:
            total += 1
            won += 1.0 if predicted[a] > predicted[b] else 0.5 if predicted[a] == predicted[b] else 0.0
    assert concordance(truth, predicted) == pytest.approx(won / total)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("B-A I-A O B-A", {(0, 2, "A"), (3, 4, "A")}),
        ("B-A B-A I-A", {(0, 1, "A"), (1, 3, "A")}),
        ("I-A I-A O I-B", {(0, 2, "A"), (3, 4, "B")}),
        ("B-A I-B I-B", {(0, 1, "A"), (1, 3, "B")}),
        ("O O", set()),
    ],
)
def test_entities_are_strict_spans(tags, spans):
    assert entities(tags.split()) == spans


def test_entity_f1_counts_whole_entities():
    names = ("O", "B-A", "I-A", "B-B")
    truth = [np.array([1, 2, 0, 3]), np.array([0, 1, -1])]
    seen = [np.array([1, 0, 0, 3]), np.array([0, 1, 2])]
    # A at 0-2 is cut short; B and the second A (whose last word has no label, and I-A continues it) are judged as tagged.
    assert score("tokens", truth, seen, tags=names)["entity_f1"] == pytest.approx(2 * 1 / 6)
    assert score("tokens", truth, seen, tags=names)["accuracy"] == 5 / 6
    assert is_span_task(names)
    assert not is_span_task(("NOUN", "VERB"))
    assert np.isnan(score("tokens", truth, seen, tags=("NOUN", "VERB", "X", "Y"))["entity_f1"])


def test_only_o_is_worth_nothing():
    """BioBERT 69, 3 and 142: a model that tags everything O is right for most words, half an entity is right for most of its words."""
    names = ("O", "B-A", "I-A")
    truth = [np.array([0] * 17 + [1, 2, 2])]
    nothing = score("tokens", truth, [np.zeros(20, np.int64)], tags=names)
    assert nothing["accuracy"] == 0.85
    assert nothing["entity_f1"] == 0
    half = score("tokens", truth, [np.array([0] * 17 + [1, 2, 0])], tags=names)
    assert half["accuracy"] == 0.95
    assert half["macro_f1"] > 0.8
    assert half["entity_f1"] == 0


def test_intervals_cover_the_mean_and_draw_whole_groups():
    values = rng.normal(size=400)
    free = intervals(lambda rows: values[rows].mean(), [""] * 400, 400, resamples=400)
    assert interval(free).low < values.mean() < interval(free).high
    assert free.std() == pytest.approx(values.std() / 20, rel=0.15)  # 400 resamples: 4 % of a standard error
    repeated = np.repeat(values[:40], 10)
    groups = [str(row // 10) for row in range(400)]
    grouped = intervals(lambda rows: repeated[rows].mean(), groups, 400, resamples=400)
    assert grouped.std() == pytest.approx(repeated.std() / 40**0.5, rel=0.15)
    assert np.isnan(interval(np.array([np.nan])).low)
