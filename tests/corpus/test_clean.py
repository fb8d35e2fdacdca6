"""Clean corpora: near-duplicates, length, boilerplate and evaluation texts, counted by reason and never as defects of the source."""

import json

import numpy as np
import pytest

from domainbert.adapters.french import FrenchAdapter
from domainbert.adapters.french.options import FrenchOptions, WordPieceOptions
from domainbert.adapters.french.sample import generate
from domainbert.corpus import boilerplate
from domainbert.corpus.build import build_store
from domainbert.corpus.near import rows_of_a_band, signature, similarity
from domainbert.corpus.shingles import shingles
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

TEXTS = [record.text for record, _ in zip(generate(), range(60), strict=False)]


@pytest.fixture
def build(tmp_path):
    def make(texts, **corpus):
        path = tmp_path / "textes.jsonl"
        path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts))
        adapter = FrenchAdapter(FrenchOptions())

        def tokenizer(records):
            return adapter.tokenizer("wordpiece", WordPieceOptions(1500, emoji=False), records, model_max_length=64)

        corpus = Corpus(sources=(str(path),), validation_fraction=0.0, max_drop_rate=0.0, **corpus)
        return build_store(adapter, corpus, tmp_path / f"store{len(list(tmp_path.iterdir()))}", make_tokenizer=tokenizer, seed=0)

    return make


def kept(store):
    return [int(store.record(number).id.rpartition(":")[2]) - 1 for number in range(len(store))]


def retyped(text, rate, seed):
    """One character in ``1 / rate`` is another one."""
    rng = np.random.default_rng(seed)
    hits = rng.random(len(text)) < rate
    return "".join("#" if hit else character for character, hit in zip(text, hits, strict=True))


def jaccard(one, other):
    left, right = (set(shingles(text.encode(), 16).tolist()) for text in (one, other))
    return len(left & right) / len(left | right)


def test_near_duplicates_go_and_the_first_stays(build):
    copies = [retyped(text, 0.003, seed) for seed, text in enumerate(TEXTS[:20])]
    store = build([*TEXTS, *copies], near_duplicates=0.7)
    expected = [number for number in range(20) if jaccard(TEXTS[number], copies[number]) > 0.85]
    lost = {number - 60 for number in range(60, 80)} - {number - 60 for number in kept(store)}
    assert kept(store)[:60] == list(range(60))
    assert set(expected) <= lost
    assert sum(store.manifest.drops.values()) == len(lost)
    assert store.manifest.drops["near_duplicate"] == len([number for number in lost if copies[number] != TEXTS[number]])
    assert store.manifest.first_drops["near_duplicate"].startswith("textes.jsonl:6")
    exact = build([*TEXTS, *copies]).manifest
    assert "near_duplicate" not in exact.drops
    assert exact.num_entries > store.manifest.num_entries


def test_similarity_is_estimated_as_its_error_says():
    for rate in (0.001, 0.005, 0.02):
        for seed, text in enumerate(TEXTS[:10]):
            other = retyped(text, rate, seed)
            signatures = [signature(iter([each.encode()])) for each in (text, other)]
            assert similarity(*signatures) == pytest.approx(jaccard(text, other), abs=0.2)  # four standard errors of 128 values
    assert signature(iter([b"court"])) is None


def test_a_signature_does_not_depend_on_the_blocks():
    data = "".join(TEXTS[:5]).encode()
    whole = signature(iter([data]))
    assert (signature(data[place : place + 37] for place in range(0, len(data), 37)) == whole).all()


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_bands_find_what_is_at_the_threshold(threshold):
    rows = rows_of_a_band(threshold)
    assert (1 - threshold**rows) ** (128 // rows) <= 0.01
    assert rows > 1


def test_length_and_boilerplate_by_reason(build):
    menu = "Accueil du site\nContact et plan\n" * 20 + "Rien."
    store = build(["Trop court.", *TEXTS[:5], "mot " * 2000, menu], min_characters=20, max_characters=5000, max_boilerplate=0.3)
    assert kept(store) == [1, 2, 3, 4, 5]
    assert store.manifest.drops == {"too_short": 1, "too_long": 1, "boilerplate": 1}


def test_boilerplate_is_what_a_record_says_twice(build):
    """Characters count, not lines; a record at the limit stays; a line that one other record holds is no boilerplate; 1 leaves all in."""
    footer = "Tous droits réservés par l'éditeur."
    many_short = "\n".join(["ok", "ok", "ok", "Une seule longue phrase qui porte presque tous les caractères du texte."])
    long_twice = "\n".join([footer, "ok", "oui", "non", footer])
    half, shared = "abcd\n  abcd  ", [f"{text}\n{footer}" for text in TEXTS[:2]]
    texts = [many_short, long_twice, half, *shared]
    assert kept(build(texts, max_boilerplate=0.4)) == [0, 3, 4]
    assert kept(build(texts, max_boilerplate=0.5)) == [0, 1, 2, 3, 4]
    assert kept(build([*texts, "\n".join([footer] * 50)])) == [0, 1, 2, 3, 4, 5]


def test_boilerplate_is_what_ten_entries_hold(build):
    """Copies of one entry are one holder; nine holders are too few; an entry of one line stays."""
    notice = "Ce site utilise des cookies pour améliorer votre visite ; en poursuivant, vous acceptez leur dépôt."
    pages = [f"{notice}\nPage {number}." for number in range(10)]
    only = build([*TEXTS[:3], *pages, notice, *pages], max_boilerplate=0.5)
    assert kept(only) == [0, 1, 2, 13]
    assert only.manifest.drops == {"duplicate": 10, "boilerplate": 10}
    assert only.manifest.first_drops["boilerplate"] == "textes.jsonl:4"
    assert kept(build([*pages[:9], *pages[:9]], max_boilerplate=0.5)) == list(range(9))
    long = [f"{notice}\n{text}" for text in TEXTS[:12] if len(text) > 3 * len(notice)]
    assert kept(build([*long, *pages], max_boilerplate=0.5)) == list(range(len(long)))
    with pytest.raises(CorpusError, match=r"nothing is left[\s\S]*boilerplate: 10, first at textes.jsonl:1"):
        build(pages, max_boilerplate=0.5)


def test_boilerplate_does_not_depend_on_blocks(build, monkeypatch):
    texts = [f"{'é' * number}\n refrain \n\n{'b' * number}\nrefrain" for number in range(1, 30)]
    whole = kept(build(texts, max_boilerplate=0.2))
    assert 0 < len(whole) < len(texts)
    monkeypatch.setattr(boilerplate, "CHUNK", 5)
    monkeypatch.setattr(boilerplate, "LOT", 3)
    assert kept(build(texts, max_boilerplate=0.2)) == whole


def test_evaluation_texts_are_left_out_whatever_their_typing(build, tmp_path):
    sentence = TEXTS[3].split(". ")[1]
    (tmp_path / "test.txt").write_text(
        f"Autre chose, sans rapport avec le corpus, mais assez long pour compter.\n{sentence.upper()}\nCourt.\n"
    )
    store = build([*TEXTS[:6], "court", "Un court texte"], exclude_files=(str(tmp_path / "test.txt"),))
    assert len(sentence) > 60
    assert 3 not in kept(store)
    assert {0, 1, 2, 4, 5, 7} <= set(kept(store))
    assert store.manifest.first_drops["in_evaluation"] == "textes.jsonl textes.jsonl:4"


def test_evaluation_files_must_be_there(build):
    with pytest.raises(CorpusError, match=r"nirgends.txt: no such file"):
        build(TEXTS[:3], exclude_files=("nirgends.txt",))


def test_nothing_left_names_the_filter(build):
    with pytest.raises(CorpusError, match="too_short: 3, first at"):
        build(TEXTS[:3], min_characters=10**6)
