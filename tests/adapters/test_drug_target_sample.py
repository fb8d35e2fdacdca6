"""The built-in pairs: what their data card says of them, and that their rule can be learned in part."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from domainbert.adapters.drug_target import DrugTargetAdapter
from domainbert.resources import data_card_files


@pytest.fixture(scope="module")
def sample():
    return list(DrugTargetAdapter().records("sample"))


def test_data_card_says_what_the_corpus_is(sample):
    from huggingface_hub import DatasetCard

    assert f"{DrugTargetAdapter.name}-sample" in data_card_files(), "publish finds it by that name"
    card = DatasetCard((Path(__file__).parents[2] / "data_cards" / "drug_target-sample.md").read_text())
    text = " ".join(card.text.split())
    parts = Counter(record.group.split(" ")[0] for record in sample)
    labels = np.array([record.label for record in sample])
    for figure in (
        f"# {len(sample):,} pairs",
        f"{len({record.text for record in sample})} distinct",
        f"{len({record.meta['drug_group'] for record in sample})} Bemis-Murcko scaffolds",
        f"| {len({record.second.text for record in sample})} | {len({record.meta['target_group'] for record in sample})} families",
        f"{parts['warm']:,} pairs have neither, {parts['cold']:,} both, {parts['mixed']:,} one of them",
        f"those below 5 are 5 ({(labels == labels.min()).mean():.0%} of them".replace("%", " %"),
    ):
        assert figure in text, figure


def test_affinities_need_both_halves(sample):
    """The drug's mean and the target's leave much of the variance, and more than the noise."""
    drugs, targets = (np.unique([key(record) for record in sample], return_inverse=True)[1] for key in (
        lambda record: record.text, lambda record: record.second.text,
    ))  # fmt: skip
    labels = np.array([record.label for record in sample])
    design = np.concatenate((np.eye(drugs.max() + 1)[drugs], np.eye(targets.max() + 1)[targets]), axis=1)
    left = labels - design @ np.linalg.lstsq(design, labels, rcond=None)[0]
    assert 0.4 < left.var() / labels.var() < 0.8 and left.var() > 2 * 0.29**2
