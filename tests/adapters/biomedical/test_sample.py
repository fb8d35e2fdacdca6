"""The built-in abstracts: always the same, and with the structure that their data card claims."""

import hashlib
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from domainbert.adapters.biomedical import BiomedicalAdapter, templates
from domainbert.adapters.biomedical.sample import generate, parsed

SHA256 = "f43387df362b3b90"


@pytest.fixture(scope="module")
def records():
    return list(generate())


def test_abstracts_are_the_same_on_every_machine(records):
    assert hashlib.sha256("\0".join(record.text for record in records).encode()).hexdigest().startswith(SHA256)


def test_abstracts_are_distinct_and_canonical(records):
    assert len({record.text for record in records}) == len(records) == 4000
    adapter = BiomedicalAdapter()
    assert all(adapter.canonicalize(record.text) == record.text for record in records)
    text = "\n".join(record.text for record in records)
    assert not re.search(r"[{}|@]|<[A-Za-z]| [.,;]|  ", text), "a slot or a choice was left open"
    assert {"α", "²", "₁", "µ", "±", "–"} <= set(text)


def test_templates_have_many_variants():
    sentences = [
        *templates.BACKGROUND,
        *templates.TITLES,
        *(sentence for study in templates.STUDIES for section in study.values() for sentence in section),
    ]
    counts = []
    for sentence in sentences:
        count = 1
        for part in parsed(sentence):
            count *= len(part) if isinstance(part, tuple) else 1
        counts.append(count)
    assert len(sentences) > 110
    assert sum(counts) > 3_000


def test_groups_have_names_of_their_own(records):
    """Drugs, told by their stems: most belong to one group alone."""
    groups = defaultdict(set)
    for record in records:
        for drug in re.findall(r"\b[a-z]+(?:mab|pril|sartan|olol|statin|gliptin|cillin|conazole|parib|ciclib)\b", record.text.lower()):
            groups[drug].add(record.group)
    assert len({record.group for record in records}) == 20
    assert sum(len(owners) == 1 for owners in groups.values()) > 0.8 * len(groups) > 150


def test_abbreviations_come_behind_their_names(records):
    """The first mention defines them, and most later ones use them."""
    uses = 0
    for record in records[:400]:
        body = record.text.split("\n", 1)[1]
        for short in set(re.findall(r" \(([A-Z]{2,6})\)", body)):
            first = re.search(rf"\b{short}\b", body)
            assert body[first.start() - 1 : first.end() + 1] == f"({short})"
            uses += len(re.findall(rf"\b{short}\b", body)) - 1
    assert uses > 800


def test_numbers_agree(records):
    text = "\n".join(record.text for record in records)
    assert not re.search(r"\b[Oo]ne (?:patient|family|death) were|\b(?:[Tt]wo|[Tt]hree|\d{2,}) patients? was\b", text)
    pairs = re.findall(r"\b(\d+) \((\d+)%\) of (\d+) patients", text)
    assert len(pairs) > 50
    assert all(abs(100 * int(part) / int(whole) - int(share)) <= 0.5 for part, share, whole in pairs)


def test_words_have_frequencies_after_zipf(records):
    words = Counter(re.findall(r"[a-z]{4,}", " ".join(record.text for record in records)))
    ranked = [count for _, count in words.most_common()]
    assert len(ranked) > 2_000
    assert ranked[9] > 5 * ranked[99] / 2 > 5 * ranked[999]


def test_data_card_says_what_the_corpus_is(records):
    from huggingface_hub import DatasetCard

    card = DatasetCard((Path(__file__).parents[3] / "data_cards" / "biomedical-sample.md").read_text())
    text = " ".join(card.text.split())
    assert card.data.license == "apache-2.0"
    assert "synthetic" in text
    assert f"{sum(len(record.text) for record in records):,} characters" in text
