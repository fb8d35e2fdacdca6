"""The built-in proteins: always the same, and with the structure that their data card claims."""

import hashlib
from collections import Counter, defaultdict
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import pytest

from domainbert.adapters.proteins.ancestors import ANCESTORS
from domainbert.adapters.proteins.sample import OPPOSITE, generate

SHA256 = "2666faa4cb7dc717"


@pytest.fixture(scope="module")
def records():
    return list(generate())


def identity(one, other):
    return np.mean([first == second for first, second in zip(one, other, strict=True)])


def test_residues_are_the_same_on_every_machine(records):
    assert hashlib.sha256("\n".join(record.text for record in records).encode()).hexdigest().startswith(SHA256)
    assert list(islice(generate(), 5)) == records[:5]


def test_families_clades_and_groups(records):
    kinds = Counter(record.meta["kind"] for record in records)
    assert len(ANCESTORS) == 31 and kinds == {"new clade": 28 * 192, "new family": 3 * 192, "orphan": 31 * 24}
    assert len({record.text for record in records}) > 5_500
    assert set("".join(record.text for record in records)) == set("ARNDCQEGHILKMFPSTWYV")
    whole = {record.group for record in records if record.meta["kind"] == "new family"}
    assert len(whole) == 3 and len({record.group for record in records}) == 3 + 28 * 12 + 31 * 24
    assert whole <= {name for name, _, _ in ANCESTORS}


def test_relatives_are_closer_than_cousins(records):
    """Of equal length, so that nothing was inserted or lost (or as much of both)."""
    by_family = defaultdict(list)
    for record in records:
        by_family[record.id.rsplit(" ", 1)[0]].append(record)
    near, far = [], []
    for name, _, ancestor in ANCESTORS:
        same = [record for record in by_family[name] if len(record.text) == len(ancestor)][::3]
        for one, other in combinations(same, 2):
            is_clade = one.id.split(".")[0] == other.id.split(".")[0]
            (near if is_clade else far).append(identity(one.text, other.text))
    assert 0.8 < np.mean(near) < 0.95
    assert 0.5 < np.mean(far) < np.mean(near) - 0.1


def test_distant_places_change_together(records):
    """In each family some pairs of places are opposites in most chains, more often than the two letters' frequencies explain."""
    found = 0
    for name, _, ancestor in ANCESTORS[:10]:
        texts = [record.text for record in records if record.id.startswith(f"{name} ") and len(record.text) == len(ancestor)]
        if len(texts) < 20:
            continue
        columns = ["".join(column) for column in zip(*texts, strict=True)]
        varied = [place for place, column in enumerate(columns) if Counter(column).most_common(1)[0][1] < 0.8 * len(texts)]
        for one, other in combinations(varied, 2):
            together = np.mean([OPPOSITE[first] == second for first, second in zip(columns[one], columns[other], strict=True)])
            by_chance = sum(
                count * Counter(columns[other])[OPPOSITE[letter]] for letter, count in Counter(columns[one]).items()
            ) / len(texts) ** 2
            found += together > 0.7 and together > by_chance + 0.3
    assert found >= 5


def test_data_card_says_what_the_corpus_is(records):
    from huggingface_hub import DatasetCard

    card = DatasetCard((Path(__file__).parents[2] / "data_cards" / "proteins-sample.md").read_text())
    text = " ".join(card.text.split())
    assert "synthetic" in text and card.data.license == "cc-by-4.0"
    assert f"{len(records):,} chains, {sum(len(record.text) for record in records):,} residues" in text
    for kind in ("new clade", "new family", "orphan"):
        chains = [record.text for record in records if record.meta["kind"] == kind]
        assert f"| {len(chains):,} | {sum(map(len, chains)):,} |" in text
