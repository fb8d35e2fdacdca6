"""The built-in URL corpus: always the same, with structure near and far, and whole families held out."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

from domainbert.adapters.urls import UrlsAdapter

ADAPTER = UrlsAdapter()
SHA256 = "86f0d65e385b9187"


@pytest.fixture(scope="module")
def records():
    return list(ADAPTER.sample())


def test_urls_are_the_same_on_every_machine(records):
    assert hashlib.sha256("\n".join(record.text for record in records).encode()).hexdigest().startswith(SHA256)
    assert len({record.text for record in records}) == len({record.id for record in records}) == len(records)


def test_kinds_and_groups(records):
    kinds = Counter(record.meta["kind"] for record in records)
    assert set(kinds) == {"page", "popular", "phishing", "generated"} and min(kinds.values()) > 2000
    families = {record.group for record in records if record.meta["kind"] == "generated"}
    assert len(families) == 4 and all(family.startswith("family:") for family in families)
    from domainbert.adapters.urls.canonical import host_of
    from domainbert.adapters.urls.host import registered_domain

    sites = [record for record in records if record.meta["kind"] != "generated"]
    assert all(record.group == registered_domain(host_of(ADAPTER.canonicalize(record.text))[1]) for record in sites)


def test_pages_speak_the_language_of_their_suffix(records):
    german = [record for record in records if re.search("/(kontakt|ueber-uns|produkte|warenkorb)", record.text)]
    assert len(german) > 100
    assert {record.group.rpartition(".")[2] for record in german} == {"de", "ch", "at", "pl"}


def test_parts_far_apart_agree(records):
    shops = [record for record in records if "?return=https%3A%2F%2F" in record.text]
    assert len(shops) > 50 and all(f"%2F%2F{record.group}%2F" in record.text for record in shops)
    twice = [record for record in records if "&session=" in record.text]
    assert len(twice) > 300 and all(re.search(r"&id=(\w{32})\1&session=\1$", record.text) for record in twice)


def test_data_card_says_what_the_corpus_is(records):
    from huggingface_hub import DatasetCard

    card = DatasetCard((Path(__file__).parents[2] / "data_cards" / "urls-sample.md").read_text())
    assert card.data.license == "apache-2.0"
    text = " ".join(card.text.split())
    assert "synthetic" in text and f"{len(records):,} URLs" in text
    for kind, count in Counter(record.meta["kind"] for record in records).items():
        assert f"| {kind} | {count:,} |" in text
