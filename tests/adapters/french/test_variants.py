"""The same text in another hand, as evaluation of robustness meets it."""

from difflib import SequenceMatcher

import numpy as np
import pytest

from domainbert.adapters.base import Record
from domainbert.adapters.french import FrenchAdapter
from domainbert.adapters.french.sample import generate
from domainbert.adapters.french.variants import VARIANTS

ADAPTER = FrenchAdapter()
TEXT = "Il dit : « L'œuvre d'Æneas est-elle là ? » Le \"cœur\" ... Œuf et ŒIL — déjà vu !"


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        (
            "typographic",
            "Il dit\u202f: «\u202fL’œuvre d’Æneas est-elle là\u202f?\u202f» Le «\u00a0cœur\u00a0» … Œuf et ŒIL — déjà vu\u202f!",
        ),
        ("plain_keyboard", 'Il dit: "L\'œuvre d\'Æneas est-elle là?" Le "cœur" ... Œuf et ŒIL - déjà vu!'),
        ("no_ligatures", "Il dit : « L'oeuvre d'Aeneas est-elle là ? » Le \"coeur\" ... Oeuf et OEIL — déjà vu !"),
        ("no_accents", "Il dit : « L'œuvre d'Æneas est-elle la ? » Le \"cœur\" ... Œuf et ŒIL — deja vu !"),
    ],
)
def test_variants(name, raw):
    assert VARIANTS[name](TEXT, np.random.default_rng(0)) == raw
    view = ADAPTER.view(name, Record("a", TEXT, "a"), np.random.default_rng(0))
    assert view.text == ADAPTER.canonicalize(raw)


def test_apostrophes_make_no_difference():
    """Folded by the canonicaliser: a model cannot stumble over them."""
    text = "L'été, d'où l'on vient, n'est qu'un souvenir."
    assert ADAPTER.view("typographic", Record("a", text, "a"), np.random.default_rng(0)).text == text


def test_ocr_noise_is_about_as_frequent_as_it_says():
    text = "\n".join(record.text for record, _ in zip(generate(), range(20), strict=False))
    noisy = VARIANTS["ocr"](text, np.random.default_rng(0))
    same = sum(block.size for part in range(0, len(text), 2000) for block in SequenceMatcher(
        None, text[part : part + 2000], noisy[part : part + 2000], autojunk=False).get_matching_blocks())  # fmt: skip
    assert 0.005 < 1 - same / len(text) < 0.06
    assert VARIANTS["ocr"](text, np.random.default_rng(0)) == noisy != VARIANTS["ocr"](text, np.random.default_rng(1))
