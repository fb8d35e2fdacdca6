"""The built-in crystals: always the same, and as their data card says."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from domainbert.adapters.crystals.notation import read_text
from domainbert.adapters.crystals.sample import SHARED, _atoms, generate


@pytest.fixture(scope="module")
def records():
    return list(generate())


def test_data_card_says_what_the_corpus_is(records):
    from huggingface_hub import DatasetCard

    card = DatasetCard((Path(__file__).parents[3] / "data_cards" / "crystals-sample.md").read_text())
    text = " ".join(card.text.split())
    assert card.data.license == "apache-2.0" and "invented" in text
    assert f"{len(records):,} crystals of {len({record.group for record in records}):,} chemical systems" in text
    assert f"{len({record.meta['prototype'] for record in records})} prototypes are used" in text
    lengths = [len(record.text.split()) for record in records]
    assert f"{np.mean(lengths):.0f} tokens a crystal on average, {max(lengths)} at most" in text


def test_records_are_distinct_and_some_sites_are_shared(records):
    assert len({record.text for record in records}) > 0.99 * len(records)
    kinds = Counter(record.meta["kind"] for record in records)
    assert kinds["disordered"] / len(records) == pytest.approx(SHARED, abs=0.02)
    assert len({read_text(record.text).number for record in records}) > 80


def test_cells_grow_with_their_atoms(records):
    """What a model may learn: within a prototype the volume follows the summed cubes of the radii."""
    atoms = _atoms()
    prototype = Counter(record.meta["prototype"] for record in records).most_common(1)[0][0]
    volumes, sums = [], []
    for record in records:
        crystal = read_text(record.text)
        if record.meta["prototype"] == prototype:
            volumes.append(np.prod(np.array(crystal.cell[:3]) / 1e4))
            shares = [(orbit.multiplicity, kind, share / 1e6) for orbit in crystal.orbits for kind, share in orbit.species]
            by_kind = [sum(share * atoms[kind].radius for _, kind, share in shares)]
            sums.append(by_kind[0])
    assert np.corrcoef(np.log(volumes), np.log(sums))[0, 1] > 0.8
