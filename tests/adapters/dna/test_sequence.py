"""One spelling, the other strand, the grid of k-mers, and what is no nucleotide sequence."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.dna.sequence import canonical_bytes, canonicalize, reverse_complement, token_grid, why_not_nucleotides

IUPAC = "ACGTRYSWKMBDHVN"
# Each letter's bases, from NC-IUB 1984, table 1
MEANS = dict(zip(IUPAC, "A C G T AG CT CG AT GT AC CGT AGT ACT ACG ACGT".split(), strict=True))
PROTEIN = "MKVLAAGIVGLPNVGKSTLFNAITKAGAEAANYPFCTIEPNVGVVEVPDERLDKLAELVKPKKVVPTTIEFVDIAGLV"


def test_reverse_complement_pairs_what_the_letters_mean():
    pair = dict(zip("ACGT", "TGCA", strict=True))
    for letter, bases in MEANS.items():
        assert MEANS[reverse_complement(letter)] == "".join(sorted(pair[base] for base in bases))


@given(st.text(IUPAC + IUPAC.lower()))
def test_reverse_complement_twice_gives_the_text_with_its_case(text):
    mirrored = reverse_complement(text)
    assert reverse_complement(mirrored) == text
    assert mirrored.upper() == reverse_complement(text.upper())


@given(st.text(IUPAC + IUPAC.lower() + "Uu"))
def test_spelling_and_strand_commute(text):
    assert canonicalize(reverse_complement(text)) == reverse_complement(canonicalize(text))


@given(st.text(st.characters(max_codepoint=0x17F)))
def test_canonical_text_stays(text):
    canonical = canonicalize(text)
    assert canonicalize(canonical) == canonical
    assert len(canonical) == len(text)
    if text.isascii():
        assert canonical_bytes(text.encode()) == canonical.encode()


def test_canonical_letters():
    assert canonicalize("acgtuUnxXryswkmbdhvRYSWKMBDHVACGTN") == "ACGTTT" + "N" * 23 + "ACGTN"
    assert canonicalize("-*. 1Eé") == "-*. 1Eé"


def reference_grid(text: str, k: int) -> list[tuple[int, int]]:
    """The rule as it is told: take k bases if the next k characters are bases, else one character."""
    place, spans = 0, []
    while place < len(text):
        word = text[place : place + k]
        width = k if len(word) == k and set(word) <= set("ACGT") else 1
        spans.append((place, place + width))
        place += width
    return spans


@pytest.mark.parametrize("share_of_n", [0.0, 0.02, 0.3])
def test_token_grid_follows_the_rule(share_of_n):
    rng = random.Random(1)
    for _ in range(400):
        text = "".join("N" if rng.random() < share_of_n else rng.choice("ACGT") for _ in range(rng.randrange(80)))
        k = rng.randrange(2, 8)
        starts, widths = token_grid(np.array([letter != "N" for letter in text], bool), k)
        assert list(zip(starts.tolist(), (starts + widths).tolist(), strict=True)) == reference_grid(text, k)


def test_units_are_the_grid_of_six_without_n():
    text = "ACGTACGTNNACGTACG"
    assert DnaAdapter().units(text, "kmer").tolist() == [[0, 6], [6, 7], [7, 8], [10, 16], [16, 17]]
    assert DnaAdapter().units("", "kmer").shape == (0, 2)
    assert DnaAdapter().units("NN", "kmer").shape == (0, 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ACGT" * 10, ""),
        ("acgunnnxx", ""),
        ("N" * 50, ""),
        ("ACGTACGTACRYACGTMKACGT", ""),
        (PROTEIN, "looks_like_protein"),
        (PROTEIN.lower(), "looks_like_protein"),
        ("MKVSAYDGHCTNWRRVKSAYMGWHDDSTRKMV", "looks_like_protein"),  # IUPAC letters only
        ("GAGAGSGAGAGSGAGAGSGAGAGYGAGAGVGAGYGAGAGSGAASGAGLQ", "looks_like_protein"),  # fibroin: three quarters G and A
        ("MAAAAAAAAAAAAAAAAAAAAAAGGGGE", "illegal_character"),
        ("ACGTACGTACGTACGTACGTEACGTACGTACGTACGT", "illegal_character"),
        ("ACGT1ACGT", "digits"),
        ("12345", "digits"),
        ("ACGT--ACGT", "gaps_or_stops"),
        ("--A-", "gaps_or_stops"),
        ("ACGT*", "gaps_or_stops"),
        ("ACGTAC CGTACG", "whitespace"),
        ("ACGT>seq2ACGT", "header_inside_sequence"),
        ("ACGTACGTACGTé", "illegal_character"),
        ("ACGTACGTACGT\x01", "illegal_character"),
    ],
)
def test_what_is_no_nucleotide_sequence(text, reason):
    assert why_not_nucleotides(text.encode()) == reason
