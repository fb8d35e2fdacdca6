"""Data cards: those that ship, and those made from a token store."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard

from domainbert.publishing.data_card import DataCard, size_category
from domainbert.resources import data_card_files

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("path", data_card_files().values(), ids=data_card_files())
def test_shipped_cards_are_complete(path: Path) -> None:
    card = DataCard.read(path)
    assert list(card.missing()) == []
    assert DatasetCard.load(path).data.size_categories
    assert "rovenance" in card.text, "a shipped card says where its corpus comes from"


def test_a_card_is_made_from_a_store_and_completed_by_a_person(domainbert: Program, tmp_path: Path) -> None:
    source = tmp_path / "ge|no<me.fa"
    source.write_text(">a\nACGTTTGACCCA\n>b\nACGTAAAGT\n>c\n!!!\n>d\nACGTTTGACCCA\n")
    domainbert("corpus", "build", "--adapter", "dna", source, "max_drop_rate=0.6", "--output", tmp_path / "store")
    out = tmp_path / "cards" / "mine.md"
    done = domainbert("corpus", "card", tmp_path / "store", "--output", out, "--title", "Mine: all", "--license", "cc0-1.0")
    assert done.stdout.strip() == str(out)
    text = out.read_text()
    assert f"| {source.stat().st_size} | `{hashlib.sha256(source.read_bytes()).hexdigest()}` |" in text
    assert "| ge\\|no&lt;me.fa |" in text
    assert "| kept | 2 |" in text and "| dropped: illegal_character | 1 |" in text and "| dropped: duplicate | 1 |" in text
    data = DatasetCard(text).data
    assert (data.pretty_name, data.license, data.size_categories) == ("Mine: all", "cc0-1.0", ["n<1K"])
    card = DataCard.read(out)
    assert [line.rpartition(":")[0] for line in card.missing()] and card.title == "Mine: all"
    out.write_text(text.replace("TODO", "Said"))
    assert list(DataCard.read(out).missing()) == []
    assert "already there" in domainbert("corpus", "card", tmp_path / "store", "--output", out, status=2).stderr
    assert "manifest.json is missing" in domainbert("corpus", "card", tmp_path, status=2).stderr


@pytest.mark.parametrize(("text", "words"), [("# no metadata\n", "---"), ("---\na: [\n---\n", "cannot be read"), (None, "cannot be read")])
def test_what_is_no_card_is_named(domainbert: Program, finished: Path, tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "card.md"
    if text is not None:
        path.write_text(text)
    arguments = ("publish", finished, "--repo", "me/dna", "--dry-run", tmp_path / "out", "--data-card", f"main={path}")
    done = domainbert(*arguments, status=2)
    assert words in done.stderr and str(path) in done.stderr


def test_sizes_are_the_hubs_words() -> None:
    sizes = [size_category(number) for number in (0, 999, 1000, 10**6, 10**9)]
    assert sizes == ["n<1K", "n<1K", "1K<n<10K", "1M<n<10M", "n>1B"]
