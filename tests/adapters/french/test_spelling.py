"""Canonical French: what is folded, what stays, the way back, and where words begin."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.adapters.french import FrenchAdapter

ADAPTER = FrenchAdapter()
FRENCH = st.text(st.sampled_from("aeécœçLlDd'’ʼ′`´‘ \u00a0\u202f\u2009\n\r\t1«»-.\u0301\u0327\u0308\u1100\u1161\u11a8x#"))


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("l’arbre lʼarbre l＇arbre", "l'arbre l'arbre l'arbre"),
        ("l`arbre, l´arbre, l′arbre, l‘arbre", "l'arbre, l'arbre, l'arbre, l'arbre"),
        ("le mot `code`, 5′ et ‘ici’", "le mot `code`, 5′ et ‘ici'"),
        ("Quoi\u202f? «\u00a0Non\u00a0»\u2009!", "Quoi ? « Non » !"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("E\u0301te\u0301 franc\u0327ais", "Été français"),
        ("ÉTÉ, œuf, ŒUF, Ægypte, ﬁn, m², …", "ÉTÉ, œuf, ŒUF, Ægypte, ﬁn, m², …"),
    ],
)
def test_canonical_text(raw, canonical):
    assert ADAPTER.canonicalize(raw) == canonical


@given(FRENCH)
def test_idempotent_and_composed(text):
    once = ADAPTER.canonicalize(text)
    assert ADAPTER.canonicalize(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not set(once) & set("\r\u00a0\u202f\u2007\u2009’ʼ＇")


@given(FRENCH)
def test_alignment_leads_back_to_the_raw_text(raw):
    aligned = ADAPTER.align(raw)
    assert aligned.text == ADAPTER.canonicalize(raw)
    assert len(aligned.spans) == len(aligned.text)
    place = 0
    for character, (start, end) in zip(aligned.text, aligned.spans.tolist(), strict=True):
        assert start <= place <= end  # no raw character lies between two
        assert character == "'" or character in ADAPTER.canonicalize(raw[start:end])
        place = end
    assert place == len(raw)


def test_spans_of_the_raw_text():
    raw = "Aujourd’hui, l’e\u0301te\u0301 \u00ab\u00a0finit\u00a0\u00bb.\r\nBien."
    aligned = ADAPTER.align(raw)
    words = aligned.raw(ADAPTER.units(aligned.text, "word"))
    assert [raw[start:end] for start, end in words.tolist()] == [
        "Aujourd’hui", ",", "l’", "e\u0301te\u0301", "«", "finit", "»", ".", "Bien", ".",
    ]  # fmt: skip


def shown(text, unit):
    return [text[start:end] for start, end in ADAPTER.units(text, unit).tolist()]


@pytest.mark.parametrize(
    ("text", "words", "elided"),
    [
        ("l'arbre", ["l'", "arbre"], ["l'arbre"]),
        ("Qu'il n'y ait", ["Qu'", "il", "n'", "y", "ait"], ["Qu'il", "n'y", "ait"]),
        ("jusqu'à l'« oasis", ["jusqu'", "à", "l'", "«", "oasis"], ["jusqu'à", "l'«", "oasis"]),
        ("aujourd'hui, quelqu'un", ["aujourd'hui", ",", "quelqu'un"], ["aujourd'hui", ",", "quelqu'un"]),
        ("d'aujourd'hui", ["d'", "aujourd'hui"], ["d'aujourd'hui"]),
        ("presqu'île presqu'aussi", ["presqu'île", "presqu'", "aussi"], ["presqu'île", "presqu'aussi"]),
        ("s'entr'aider, grand'mère, prud'homme", ["s'", "entr'aider", ",", "grand'mère", ",", "prud'homme"], None),
        ("t'as vu O'Connor", ["t'", "as", "vu", "O'Connor"], ["t'as", "vu", "O'Connor"]),
        ("le mot 'fil' qu'", ["le", "mot", "'", "fil", "'", "qu'"], ["le", "mot", "'", "fil", "'", "qu'"]),
        ("n'était-ce 1987\n\t2", ["n'", "était", "-", "ce", "1987", "2"], ["n'était", "-", "ce", "1987", "2"]),
        ("Здравствуй, l'Ωμέγα", ["Здравствуй", ",", "l'", "Ωμέγα"], ["Здравствуй", ",", "l'Ωμέγα"]),
    ],
)
def test_units(text, words, elided):
    assert shown(text, "word") == words
    if elided:
        assert shown(text, "elided") == elided


@given(FRENCH)
def test_units_cover_all_but_white_space(raw):
    text = ADAPTER.canonicalize(raw)
    for unit in ADAPTER.unit_names:
        spans = ADAPTER.units(text, unit)
        covered = np.zeros(len(text), bool)
        for start, end in spans.tolist():
            assert not covered[start:end].any()
            covered[start:end] = True
        assert all(covered[place] or text[place].isspace() for place in range(len(text)))
