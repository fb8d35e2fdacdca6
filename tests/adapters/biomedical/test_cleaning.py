"""Canonical biomedical text: nothing of the science is lost, what identifies people is, and doing it twice changes nothing."""

import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domainbert.adapters.biomedical import BiomedicalAdapter

canonicalize = BiomedicalAdapter().canonicalize


@pytest.mark.parametrize(
    "text", ["TNF-α ≥ 2.5 ± 0.1 µg/mL", "m² CD4⁺ Ca²⁺ CO₂ ½ … ﬁ º", "IL-6_R and [a] <b", "p<0.05, x>y", "naïve Sjögren", "5′-UTR ’s –"]
)
def test_science_stays(text):
    """bluebert issue 5: everything beyond ASCII was stripped."""
    assert canonicalize(text) == text == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("Seen by [**Doctor Last Name (un) 12**] on [**2119-5-4**].", "Seen by ___ on ___."),
        ("Mr. ___ and Dr. _____ of <PHI TYPE='HOSPITAL'>GH</PHI>", "Mr. ___ and Dr. ___ of ___"),
        ("[NAME] on [DATE 1], <PATIENT>, XXXX mm, [REDACTED]", "___ on ___, ___, ___ mm, ___"),
        ("Write to jane.doe+x@mail.example.org, please.", "Write to ___, please."),
        ("a@b.com-@c.de", "___"),
        ("D<sub>3</sub> <i>in vivo</i> 10<sup>-3</sup>", "D₃ in vivo 10⁻³"),
        ("&alpha; &amp;lt; &#946; &nosuch; R&D;", "α < β &nosuch; R&D;"),
        (" a\u00a0\u2009b\t c \r\n\n  d\u200b\ufeff\u00ade ", "a b c\nde".replace("de", "de")),
        ("[MASK] [CLS] <mask> </s> <|endoftext|> [unused3]", "[ MASK] [ CLS] < mask> < /s> < |endoftext|> [ unused3]"),
        ("e\u0301", "é"),
        ("a\x00b\x07", "ab"),
    ],
)
def test_one_form(raw, canonical):
    assert canonicalize(raw) == canonical


PIECES = ["a", "é", "e\u0301", "@", ".", "b.com", "[", "]", "MASK", "**", "___", "_", "<", ">", "sub", "/", "sup", "2", "&", "amp;", "lt;", "#38;", "|", "X", " ", "\n", "\t", "\r", "\u200b", "\x00", "<i>", "</i>", "PHI", "NAME", "-"]  # fmt: skip  # noqa: E501


@pytest.mark.invariant
@settings(max_examples=600, deadline=None)
@example("<s<i>ub>2</sub>")
@example("a@b.com@c.de_@x.org")
@example("&amp;amp;amp;lt;mask>")
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=60))
def test_idempotent(text):
    once = canonicalize(text)
    assert canonicalize(once) == once
    assert "[MASK]" not in once
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize("filler", [" ", "_", "[", "<", "&", "@", "a@", "x", "X", "|", "\n ", "[**", "<sub>", "a.", "é"])
def test_long_lines_take_no_longer_than_they_are(filler):
    text = filler * (400_000 // len(filler))
    began = time.process_time()
    canonicalize(text)
    assert time.process_time() - began < 5, "time grows with more than the length; a second is normal at worst"


def spans(text, unit):
    return [text[start:end] for start, end in BiomedicalAdapter().units(text, unit).tolist()]


def test_units():
    text = "IL-2 and TNF-α rose in CD4+ cells (1,25-diol). Was it 5'-UTR? Yes."
    assert spans(text, "term") == [
        "IL-2",
        "and",
        "TNF-α",
        "rose",
        "in",
        "CD4+",
        "cells",
        "(",
        "1,25-diol",
        ")",
        ".",
        "Was",
        "it",
        "5'-UTR",
        "?",
        "Yes",
        ".",
    ]
    assert spans(text, "word")[:4] == ["IL", "-", "2", "and"]
    assert spans("One (a.) Two 2.5 mg. Three", "sentence") == ["One (a.)", "Two 2.5 mg.", "Three"]
