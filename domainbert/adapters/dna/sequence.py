"""Nucleotide text: one spelling, the other strand, and whether it is nucleotides at all."""

from string import ascii_letters

import numpy as np
from numpy.typing import NDArray

CANONICAL_VERSION = "dna-1"

_BASES = "ACGT"
_AMBIGUOUS = "RYSWKMBDHV"  # NC-IUB 1984 (Cornish-Bowden, NAR 13:3021); with N and U the other IUPAC letters
_UNKNOWN = "NX"  # X: what masking programs write for a base they hid
_COMPLEMENT = str.maketrans("ACGTURYSWKMBDHVNacgturyswkmbdhvn", "TGCAAYRSWMKVHDBNtgcaayrswmkvhdbn")
_RAW = "acgtUu" + "n" + "Xx" + _AMBIGUOUS + _AMBIGUOUS.lower()
_SPELLED = "ACGTTT" + "N" * (len(_RAW) - 6)
_CANONICAL = str.maketrans(_RAW, _SPELLED)
_CANONICAL_BYTES = bytes.maketrans(_RAW.encode(), _SPELLED.encode())
_PLAIN_LETTERS = (_BASES + "U" + _UNKNOWN + _BASES.lower() + "u" + _UNKNOWN.lower()).encode()
_AMBIGUOUS_LETTERS = (_AMBIGUOUS + _AMBIGUOUS.lower()).encode()
_LETTERS = ascii_letters.encode()
_PROTEIN_LETTERS = b"EFILPQZJOefilpqzjo"  # amino acids that no nucleotide code spells


def canonicalize(text: str) -> str:
    """Upper case, U as T, every other IUPAC letter and X as N; anything else stays as it is."""
    return text.translate(_CANONICAL)


def canonical_bytes(text: bytes) -> bytes:
    """``canonicalize`` for ASCII bytes."""
    return text.translate(_CANONICAL_BYTES)


def reverse_complement(text: str) -> str:
    """The other strand, of raw text too: case stays, all fifteen IUPAC letters are complemented, U pairs with A.

    Applied twice it gives the same text, except that U comes back as T.
    """
    return text.translate(_COMPLEMENT)[::-1]


def why_not_nucleotides(text: bytes) -> str:
    """The reason for which an entry's text (or a long part of it) must be dropped; ``""`` for none.

    A protein is told by shares, because ten amino acids are IUPAC nucleotide letters too: less than half of the letters
    are A, C, G, T, U, N or X (about a quarter are in proteins), or less than nine tenths where letters occur that only
    proteins have.
    """
    others = text.translate(None, _PLAIN_LETTERS)
    if not others:
        return ""
    illegal = others.translate(None, _AMBIGUOUS_LETTERS)
    reasons = {
        "whitespace": _holds(illegal, b" \t"),
        "header_inside_sequence": _holds(illegal, b">"),
        "looks_like_protein": _looks_like_protein(len(text), others),
        "digits": _holds(illegal, b"0123456789"),
        "gaps_or_stops": _holds(illegal, b"-.*~") and not illegal.translate(None, b"-.*~"),
        "illegal_character": bool(illegal),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def odd_character(text: bytes) -> tuple[int, str]:
    """Place and spelling of the first character that is no nucleotide letter."""
    illegal = text.translate(None, _PLAIN_LETTERS + _AMBIGUOUS_LETTERS)[:1]
    return (text.index(illegal), illegal.decode("latin-1")) if illegal else (0, "")


def _holds(text: bytes, characters: bytes) -> bool:
    return len(text.translate(None, characters)) < len(text)


def _looks_like_protein(length: int, others: bytes) -> bool:
    num_plain = length - len(others)
    num_letters = length - len(others.translate(None, _LETTERS))  # what is left of the others is not letters
    share = num_plain / num_letters if num_letters else 1.0
    return share < 0.5 or (share < 0.9 and _holds(others, _PROTEIN_LETTERS))  # noqa: PLR2004  # the docstring's


def token_grid(is_base: NDArray[np.bool_], k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the Nucleotide Transformer's rule begins its tokens, and how wide they are.

    From left to right: k bases are one token; what is left before anything else than a base, and that itself, are
    tokens of one character (docs/nucleotide_transformer.md of its repository).

    Returns:
        starts and widths, one entry a token.
    """
    breaks = np.flatnonzero(~is_base)
    run_starts = np.concatenate(([0], breaks + 1))
    run_lengths = np.concatenate((breaks, [len(is_base)])) - run_starts
    num_whole = run_lengths // k
    num_tokens = num_whole + run_lengths % k + 1  # and the break behind the run
    num_tokens[-1] -= 1
    token_in_run = np.arange(num_tokens.sum()) - np.repeat(np.cumsum(num_tokens) - num_tokens, num_tokens)
    whole = np.repeat(num_whole, num_tokens)
    starts = np.repeat(run_starts, num_tokens) + np.minimum(token_in_run, whole) * (k - 1) + token_in_run
    return starts, np.where(token_in_run < whole, k, 1)
