"""Amino-acid text: one spelling, and whether it is a protein at all."""

from string import ascii_letters, ascii_lowercase, ascii_uppercase

from domainbert.adapters.proteins.options import ProteinsOptions

CANONICAL_VERSION = "proteins-1"

RESIDUES = "LAGVSERTIDPKQNFYMHWC"  # by frequency, as in ESM-2's vocabulary (Lin et al. 2023, Science 379, 1123-1130)
NONSTANDARD = "UOBZ"  # selenocysteine, pyrrolysine, D or N, E or Q (IUPAC-IUB 1984, Eur. J. Biochem. 138, 9-37)
UNKNOWN = "X"  # and J, I or L, for which ESM-2 has no token
GAPS = "-."
STOP = "*"

NUCLEOTIDES = b"ACGTUN"
SHORTEST_JUDGED = 20  # letters; a peptide of few kinds of residues may be short
NUCLEOTIDE_SHARE = 0.9  # of letters: proteins have about a quarter of A, C, G, T and N
BASE_SHARE = 0.05  # that each of the four bases has in a nucleic acid; silk is G, A and S, and cysteine is rare (1.4 % of Swiss-Prot)

_STANDARD = RESIDUES.encode()
_LEGAL = (RESIDUES + NONSTANDARD + UNKNOWN + "J" + GAPS + STOP).encode()
_LEGAL += _LEGAL.lower()


def canonical_table(options: ProteinsOptions) -> dict[int, int | None]:
    """For ``str.translate``: upper case, J as X, and what the options say of U, O, B, Z and gaps; white space goes."""
    table: dict[int, int | None] = {ord(lower): ord(upper) for lower, upper in zip(ascii_lowercase, ascii_uppercase, strict=True)}
    as_x = "J" + (NONSTANDARD if options.nonstandard == "x" else "")
    table |= {ord(case): ord(UNKNOWN) for letter in as_x for case in (letter, letter.lower())}
    gone = " \t\r\n" + (GAPS if options.gaps == "remove" else "")
    return table | dict.fromkeys(map(ord, gone))


def is_standard(text: str) -> bool:
    """Whether every character is one of the twenty residues in upper case: most entries, which are canonical as they are."""
    return not text.encode("ascii", "replace").translate(None, _STANDARD)


def why_not_protein(text: str, options: ProteinsOptions) -> str:
    """The reason for which an entry must be dropped, or ``""``.

    Args:
        text: the entry's letters as its file has them, without white space and without a ``*`` at the end.
        options: policies and limits.
    """
    data = text.encode("ascii", "replace")
    if not data.translate(None, _STANDARD):  # most entries: the short way
        if len(data) < options.min_length:
            return "too_short" if data else "empty_sequence"
        return "looks_like_nucleotides" if looks_like_nucleotides(data) else ""
    return _why_not_unusual(data, options)


def _why_not_unusual(data: bytes, options: ProteinsOptions) -> str:
    """The same for an entry that holds anything but the twenty residues in upper case."""
    illegal = data.translate(None, _LEGAL)
    letters = data.translate(None, GAPS.encode()).upper()
    length = len(letters)
    reasons = (
        ("whitespace", bool(illegal) and not illegal.strip()),
        ("illegal_character", bool(illegal)),
        ("internal_stop", b"*" in letters),
        ("empty_sequence", not length),
        ("too_short", length < options.min_length),
        ("looks_like_nucleotides", looks_like_nucleotides(letters)),
        ("mostly_unknown", letters.count(b"X") + letters.count(b"J") > options.max_unknown * length),
        ("nonstandard_residue", options.nonstandard == "drop" and len(letters.translate(None, NONSTANDARD.encode())) < length),
        ("gaps", options.gaps == "drop" and length < len(data)),
    )
    return next((reason for reason, holds in reasons if holds), "")


def looks_like_nucleotides(letters: bytes) -> bool:
    """Whether upper-case letters are a nucleic acid, told by shares: A, C, G, T and N are amino acids too."""
    length = len(letters)
    if length - letters.count(b"L") - letters.count(b"E") < NUCLEOTIDE_SHARE * length:
        return False  # most proteins: the short way
    if length < SHORTEST_JUDGED or length - len(letters.translate(None, NUCLEOTIDES)) < NUCLEOTIDE_SHARE * length:
        return False
    counts = (letters.count(b"A"), letters.count(b"C"), letters.count(b"G"), letters.count(b"T") + letters.count(b"U"))
    return min(counts) >= BASE_SHARE * length


def odd_letter(text: str) -> str:
    """The first character that no protein has, for a message; empty if there is none."""
    legal = _LEGAL.decode()
    return next((character for character in text if character not in legal), "")


def is_line_of_residues(line: bytes) -> bool:
    """Whether a line may be a sequence without a header."""
    return bool(line.strip()) and not line.strip().translate(None, _LEGAL + ascii_letters.encode())
