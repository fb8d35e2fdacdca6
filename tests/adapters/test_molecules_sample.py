"""The built-in molecules: what their data card says of them."""

from pathlib import Path

import pytest

from domainbert.adapters.base import Drops
from domainbert.adapters.molecules import MoleculesAdapter


@pytest.fixture(scope="module")
def sample():
    drops = Drops()
    return list(MoleculesAdapter().records("sample", drops=drops)), drops


def test_sample_is_real_molecules_with_their_scaffolds(sample):
    records, drops = sample
    assert (len(records), drops.counts) == (14_991, {"valence": 8})
    assert sum(record.group.startswith("acyclic-") for record in records) > 500


def test_data_card_says_what_the_corpus_is(sample):
    from huggingface_hub import DatasetCard

    records, _ = sample
    card = DatasetCard((Path(__file__).parents[2] / "data_cards" / "molecules-sample.md").read_text())
    text = " ".join(card.text.split())
    assert card.data.license == "bsd-3-clause"
    for figure in (
        f"{len(records):,} molecules, {sum(len(record.text) for record in records):,} characters",
        f"{len({record.text for record in records}):,} of the molecules are distinct",
        f"{len({record.group for record in records}):,} in all",
    ):
        assert figure in text
