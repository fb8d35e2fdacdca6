"""The built-in French corpus: always the same, grammatical where it can be checked, and with names that belong to one group."""

import hashlib
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from domainbert.adapters.french import FrenchAdapter
from domainbert.adapters.french.grammar import conjugate, participle, plural, spelled
from domainbert.adapters.french.sample import generate

SHA256 = "57235679e7f5ccc0"


@pytest.fixture(scope="module")
def records():
    return list(generate())


@pytest.fixture(scope="module")
def canonical(records):
    return [FrenchAdapter().canonicalize(record.text) for record in records]


def test_the_same_on_every_machine(records):
    assert hashlib.sha256("\0".join(record.text for record in records).encode()).hexdigest().startswith(SHA256)
    assert next(generate()) == records[0]


def test_thousands_of_distinct_texts(records):
    assert len(records) == len({record.text for record in records}) == len({record.id for record in records}) > 2000
    assert len({record.group for record in records}) == 200
    assert 2_000_000 < sum(len(record.text) for record in records) < 3_000_000
    assert set(Counter(record.meta["kind"] for record in records)) == {"tale", "news", "letter", "chronicle"}
    words = {word for record in records for word in re.findall(r"[^\W\d_]+", record.text)}
    assert len(words) > 6_000


def test_names_belong_to_one_group(records, canonical):
    owners = defaultdict(set)
    for record, text in zip(records, canonical, strict=True):
        for name in re.findall(r"(?:M\.|Mme) (\w+)", text):
            owners[name].add(record.group)
    assert len(owners) > 500
    assert all(len(groups) == 1 for groups in owners.values())


def test_elision_and_contraction(canonical):
    text = "\n".join(canonical)
    assert not re.search(r"\b(?:[dD]e|[àÀ]) les? (?![A-ZÀ])", text)
    assert not re.search(r"\b(?:[lL][ea]|[dD]e|[jJ]e|[nN]e|[qQ]ue) [aeiouâéèêîœ]", text)
    assert not re.search(r"\b[lLdD]'(?:hibou|héron|hache|harpe|haine|honte|haricot|hameau)", text)
    assert len(re.findall(r"\b[lL]'", text)) > 5000
    assert "*" not in text
    assert "{" not in text


def test_determiners_agree(canonical):
    text = " ".join(canonical)
    for right, wrong in (("la maison", "le maison"), ("ce village", "cette village"), ("cet arbre|cet ami|cet hiver", "ce ami|ce hiver")):
        assert len(re.findall(rf"\b(?:{right})\b", text)) > 5
        assert not re.findall(rf"\b(?:{wrong})\b", text)


@pytest.mark.parametrize(
    ("verb", "tense", "person", "form"),
    [
        ("commencer", 1, 1, "commençait"), ("manger", 2, 1, "mangea"), ("répéter", 0, 2, "répètent"), ("acheter", 3, 1, "achètera"),
        ("finir", 0, 2, "finissent"), ("venir", 2, 2, "vinrent"), ("prendre", 0, 2, "prennent"), ("vendre", 0, 1, "vend"),
        ("connaître", 2, 1, "connut"), ("craindre", 1, 2, "craignaient"), ("aller", 3, 0, "irai"), ("renvoyer", 3, 1, "renverra"),
        ("jeter", 0, 1, "jette"), ("nettoyer", 0, 1, "nettoie"), ("recevoir", 2, 1, "reçut"), ("découvrir", 5, 2, "ont découvert"),
    ],
)  # fmt: skip
def test_verb_forms(verb, tense, person, form):
    assert conjugate(verb, tense, person) == form


def test_other_forms():
    assert conjugate("partir", 5, 2, motion=True, agreement="es", inner="pas") == "sont pas parties"
    assert (participle("peindre"), participle("reconnaître")) == ("peint", "reconnu")
    assert (plural("travail"), plural("bateau"), plural("prix")) == ("travaux", "bateaux", "prix")
    assert spelled("à le *hibou de le ami de les rues que il") == "au hibou de l'ami des rues qu'il"


def test_data_card_says_what_the_corpus_is(records):
    from huggingface_hub import DatasetCard

    card = DatasetCard((Path(__file__).parents[2] / "data_cards" / "french-sample.md").read_text())
    assert card.data.license == "apache-2.0"
    text = " ".join(card.text.split())
    assert "synthetic" in text
    assert f"{len(records):,} texts, {sum(len(record.text) for record in records):,} characters" in text
