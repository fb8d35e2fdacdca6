"""The built-in DNA corpus: made-up bacteria, written from published facts about real ones.

Three species of low, middle and high GC content, each a set of contigs. A contig is a row of operons on either strand:
promoter, leader, one to five genes, terminator, spacer. What a model can learn, from near to far:

* unigram: base composition, which differs between species;
* local: codon usage, start and stop codons, Shine-Dalgarno and promoter boxes, the order-4 background of spacers;
* a gene's length: reading frame, strand, buried and exposed stretches of the protein;
* long range: hairpins whose arms are reverse complements, arrays of a repeat that only one contig has, protein families,
  the order of genes in an operon, and mobile elements that recur in other contigs with 2 to 20 % of their bases changed.

The numbers' sources stand beside them and in data_cards/dna-sample.md. Only uniform doubles of NumPy's PCG64 are drawn, and
only + - * / is done with them, so that every platform writes the same bases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Record

Bases = NDArray[np.uint8]  # 0..3 for A C G T, so that 3 - base is the complement
Weights = NDArray[np.float64]

SEED = 20261123
NUM_CONTIGS = 15  # of each species
CONTIG_BASES = (40_000, 70_000)
NUM_FAMILIES = 90
NUM_OPERONS = 60  # different ones; families and their order within an operon are the same in all species
NUM_ELEMENTS = 4  # mobile elements of each species
CHAIN_ORDER = 4  # of the background in spacers
FAMILY_RESIDUES = (105, 480)  # so that genes have 300 to 1,500 bases
TURN_SHARE = 0.3  # of operons on the other strand than the one before
ELEMENT_SHARE = 0.12  # of operons followed by a mobile element
ARRAY_SHARE = 0.5  # of contigs with a CRISPR array

# Swiss-Prot's average in per mille (PROSITE document PDOC50324)
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
COMPOSITION = np.array(
    [75.5, 16.9, 53, 63.2, 40.7, 68.4, 22.4, 57.2, 59.3, 93.3, 23.5, 45.2, 49.2, 40.2, 51.5, 72.2, 57.4, 65.2, 12.5, 31.9]
)
HYDROPHOBIC = np.isin(list(AMINO_ACIDS), list("ACFILMV"))  # positive hydropathy: Kyte and Doolittle 1982, J. Mol. Biol. 157, 105-132
SEGMENTS = ("10011001001100", "10101", "0000")  # buried residues (1) of an amphipathic helix, a strand, a loop
GENETIC_CODE = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"  # codons in A C G T order, NCBI table 11
# how much likelier each base is behind each other one than composition says, in E. coli (A C G T):
# Karlin, Mrazek and Campbell 1997, J. Bacteriol. 179, 3899-3913
SIGNATURE = np.array([(1.21, 0.88, 0.82, 1.10), (1.12, 0.91, 1.16, 0.82), (0.92, 1.28, 0.91, 0.88), (0.75, 0.92, 1.12, 1.21)])

# how often each base (A C G T) stands at each place of 112 promoters: Hawley and McClure 1983, Nucleic Acids Res. 11, 2237-2255
BOX_35 = np.array([(2, 7, 11, 92), (6, 6, 6, 94), (2, 11, 88, 11), (72, 18, 3, 19), (26, 60, 11, 15), (50, 8, 17, 37)])
BOX_10 = np.array([(2, 10, 11, 89), (106, 2, 1, 3), (29, 16, 18, 49), (66, 14, 17, 15), (57, 22, 14, 19), (1, 3, 0, 108)])
FIRST_BASE = np.array([(45, 4, 37, 2)])  # of the transcript, same compilation
BOX_SPACING = np.array([5, 23, 54, 23, 5])  # of 15 to 19 bases; "all but 12 of 112 within 17 +- 1" (same paper), the exact shares are ours
START_CODONS, START_SHARES = ("ATG", "GTG", "TTG"), np.array([83, 14, 3])  # E. coli K-12: Blattner et al. 1997, Science 277, 1453-1462
STOP_CODONS = ("TAA", "TAG", "TGA")
SHINE_DALGARNO = "AGGAGG"  # Shine and Dalgarno 1974, PNAS 71, 1342-1346


def generate() -> Iterator[Record]:
    """Every contig as a record, species by species: the same 45 contigs and 2.5 million bases each time."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    families = [_family(rng) for _ in range(NUM_FAMILIES)]
    operons = [[_between(rng, 0, NUM_FAMILIES - 1) for _ in range(_between(rng, 1, 5))] for _ in range(NUM_OPERONS)]
    for species in SPECIES:
        genome = _Genome(rng, species, families, operons)
        for number in range(1, NUM_CONTIGS + 1):
            name = f"{species.name}_contig{number}"
            yield Record(name, _text(genome.contig(_between(rng, *CONTIG_BASES))), name, {"start": "0", "strand": "+", "file": "sample"})


@dataclass(frozen=True)
class _Species:
    """What differs between species.

    ``pressure`` (0..1) is the weight of G and C against A and T. A codon weighs the product of its bases' weights, relative to
    its synonyms, and an amino acid follows the GC content of its codons (the model of Knight, Freeland and Landweber 2001,
    Genome Biol. 2, research0010). With GC content TGA takes the place of TAA among stop codons (Povolotskaya et al. 2012,
    Biol. Direct 7, 30). The values are ours.
    """

    name: str
    pressure: float
    stop_shares: tuple[int, int, int]


SPECIES = (
    _Species("species1", 0.09, (72, 12, 16)),
    _Species("species2", 0.55, (62, 8, 30)),
    _Species("species3", 0.92, (14, 14, 72)),
)


@dataclass(frozen=True)
class _Family:
    """A protein family: its ancestor, which places are buried (0 or 1), and how readily each place changes (0..1)."""

    residues: NDArray[np.int64]  # index into AMINO_ACIDS
    buried: NDArray[np.int64]
    rates: Weights


class _Genome:
    """Writes the contigs of one species."""

    def __init__(self, rng: np.random.Generator, species: _Species, families: Sequence[_Family], operons: Sequence[Sequence[int]]) -> None:
        self.rng = rng
        self.species = species
        self.operons = operons
        base_weights = np.array([1 - species.pressure, species.pressure, species.pressure, 1 - species.pressure])
        first, second, third = _CODONS.T
        codon_weights = base_weights[_CODONS].prod(axis=1) * SIGNATURE[first, second] * SIGNATURE[second, third]
        codon_weights *= 0.2 + 1.6 * rng.random(64)  # preferences that GC content does not explain
        following = [codon_weights * SIGNATURE[third, base] for base in range(4)]
        self.synonyms = [np.stack([_cumulative(weights * (_CODED == letter)) for letter in AMINO_ACIDS]) for weights in following]
        self.residues = np.stack([_cumulative(weights) for weights in _residue_weights(species.pressure)])
        spacer_weights = 0.6 * base_weights + 0.2  # spacers are nearer to even composition than third codon positions
        chain = [spacer_weights * SIGNATURE[state % 4] * (0.4 + 1.2 * rng.random(4)) for state in range(4**CHAIN_ORDER)]
        self.background = [_cumulative(weights).tolist() for weights in chain]
        self.state = 0  # the last bases of the chain, as a number
        self.families = [self._descendant(family, 0.4) for family in families]
        self.elements = [self._element(self.families[number]) for number in range(NUM_ELEMENTS)]

    def contig(self, length: int) -> Bases:
        """Operons and what lies between them, until there are ``length`` bases."""
        parts = [self._spacer(60, 250)]
        if self.rng.random() < ARRAY_SHARE:
            parts += [self._array(), self._spacer(30, 220)]
        size, reverse = 0, False
        while size < length:
            reverse ^= self.rng.random() < TURN_SHARE
            operon = self._operon(self.operons[_between(self.rng, 0, NUM_OPERONS - 1)])
            parts += [_reverse_complement(operon) if reverse else operon, self._spacer(30, 220)]
            if self.rng.random() < ELEMENT_SHARE:
                parts += [self._element_copy(), self._spacer(20, 120)]
            size = sum(part.size for part in parts)
        return np.concatenate(parts)

    def _operon(self, numbers: Sequence[int]) -> Bases:
        parts = [self._promoter(), self._spacer(5, 40)]
        for number in numbers:
            gene = self._gene(self._descendant(self.families[number], 0.1 + 0.5 * self.rng.random()))
            parts += [self._spacer(2, 25), self._ribosome_site(), self._spacer(5, 9), gene]
        return np.concatenate([*parts, self._spacer(5, 25), self._terminator()])

    def _promoter(self) -> Bases:
        """The -35 box, 15 to 19 bases, the -10 box, 6 or 7 bases, the first base of the transcript."""
        between = self._background(15 + int(_choose(self.rng, BOX_SPACING, 1)[0]))
        return np.concatenate([self._motif(BOX_35), between, self._motif(BOX_10), self._spacer(6, 7), self._motif(FIRST_BASE)])

    def _ribosome_site(self) -> Bases:
        """The Shine-Dalgarno sequence, each of its bases kept in three of four cases."""
        return self._motif(np.eye(4)[_bases(SHINE_DALGARNO)] * 8 + 1)

    def _gene(self, protein: _Family) -> Bases:
        """Start codon, for each residue a synonym that suits the base behind it, stop codon."""
        odds = self.rng.random(protein.residues.size)[:, None]
        choices = np.stack([(odds >= cumulative[protein.residues]).sum(axis=1) for cumulative in self.synonyms], axis=1).tolist()
        start = START_CODONS[_choose(self.rng, START_SHARES, 1)[0]]
        stop = STOP_CODONS[_choose(self.rng, np.array(self.species.stop_shares), 1)[0]]
        codons, following = [], 3  # stop codons begin with T
        for by_base in reversed(choices):
            codons.append(by_base[following])
            following = codons[-1] // 16
        return np.concatenate([_bases(start), _CODONS[codons[::-1]].reshape(-1), _bases(stop)])

    def _terminator(self) -> Bases:
        """A hairpin rich in G and C and a run of T (d'Aubenton Carafa, Brody and Thermes 1990, J. Mol. Biol. 216, 835-858).

        Stems have 5 to 10 pairs, loops 3 to 8 bases.
        """
        stem = self._motif(np.tile([14, 36, 36, 14], (_between(self.rng, 5, 10), 1)))
        tail = self._motif(np.tile([6, 4, 4, 86], (_between(self.rng, 4, 9), 1)))
        return np.concatenate([stem, self._spacer(3, 8), _reverse_complement(stem), tail])

    def _array(self) -> Bases:
        """A CRISPR array: a repeat of 23 to 47 bases between spacers of similar length (Grissa et al. 2007, BMC Bioinformatics 8, 172)."""
        repeat = self._spacer(23, 47)
        return np.concatenate([part for _ in range(_between(self.rng, 8, 25)) for part in (repeat, self._spacer(26, 45))])

    def _element(self, family: _Family) -> Bases:
        """A gene between inverted repeats of 10 to 40 bases (Mahillon and Chandler 1998, Microbiol. Mol. Biol. Rev. 62, 725-774)."""
        end = self._spacer(10, 40)
        gene = self._gene(self._descendant(family, 0.5))
        return np.concatenate([end, self._spacer(20, 60), gene, self._spacer(20, 60), _reverse_complement(end)])

    def _element_copy(self) -> Bases:
        """One of the species' mobile elements, either way round, with 2 to 20 % of its bases changed."""
        element = self.elements[_between(self.rng, 0, NUM_ELEMENTS - 1)]
        changed = self.rng.random(element.size) < 0.02 + 0.18 * self.rng.random()
        shift = 1 + (3 * self.rng.random(element.size)).astype(np.uint8)
        copy = np.where(changed, (element + shift) % 4, element).astype(np.uint8)
        return _reverse_complement(copy) if _between(self.rng, 0, 1) else copy

    def _descendant(self, family: _Family, distance: float) -> _Family:
        """The family after some evolution: at distance 1 a place of rate 1 has been drawn anew from the species' own composition."""
        size = family.residues.size
        odds = self.rng.random(size)
        drawn = (odds[:, None] >= self.residues[family.buried]).sum(axis=1)
        residues = np.where(self.rng.random(size) < distance * family.rates, drawn, family.residues)
        indel = 0.02 * distance * family.rates  # as often lost as doubled
        odds = self.rng.random(size)
        times = 1 - (odds < indel).astype(np.int64) + (odds > 1 - indel)
        return _Family(np.repeat(residues, times), np.repeat(family.buried, times), np.repeat(family.rates, times))

    def _spacer(self, low: int, high: int) -> Bases:
        return self._background(_between(self.rng, low, high))

    def _background(self, length: int) -> Bases:
        """The next bases of the species' Markov chain."""
        bases = np.empty(length, np.uint8)
        for place, odds in enumerate(self.rng.random(length).tolist()):
            first, second, third, _ = self.background[self.state]
            base = (odds >= first) + (odds >= second) + (odds >= third)
            self.state = (self.state * 4 + base) % len(self.background)
            bases[place] = base
        return bases

    def _motif(self, weights: NDArray[np.generic]) -> Bases:
        """One base for each row of ``(length, 4)`` weights."""
        odds = self.rng.random(len(weights))
        return np.array([_cumulative(row).searchsorted(u, "right") for row, u in zip(weights, odds, strict=True)], np.uint8)


def _family(rng: np.random.Generator) -> _Family:
    """An ancestor of helices, strands and loops; a third of its places hardly change."""
    length = _between(rng, *FAMILY_RESIDUES)
    pattern = ""
    while len(pattern) < length:
        pattern += SEGMENTS[_between(rng, 0, 2)]
    buried = np.array([int(side) for side in pattern[:length]])
    cumulative = np.stack([_cumulative(weights) for weights in _residue_weights(0.5)])
    residues = (rng.random(length)[:, None] >= cumulative[buried]).sum(axis=1)
    return _Family(residues, buried, np.array([0.1, 0.6, 1.0])[_choose(rng, np.ones(3), length)])


def _residue_weights(pressure: float) -> Weights:
    """Weights of the amino acids at exposed and at buried places, ``(2, 20)``."""
    strong = np.isin(_CODONS, (1, 2)).mean(axis=1)
    content = np.array([strong[letter == _CODED].mean() for letter in AMINO_ACIDS])  # GC content of its codons
    weights = COMPOSITION * (1 + 3.6 * (pressure - 0.5) * (content - 0.5))
    return np.stack([weights * np.where(HYDROPHOBIC, 0.4, 1.0), weights * np.where(HYDROPHOBIC, 1.0, 0.15)])


def _between(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number, both ends included."""
    return low + int(rng.random() * (high - low + 1))


def _choose(rng: np.random.Generator, weights: NDArray[np.generic], size: int) -> NDArray[np.int64]:
    return _cumulative(weights).searchsorted(rng.random(size), "right")


def _cumulative(weights: NDArray[np.generic]) -> Weights:
    """Cumulative shares, for ``odds >= cumulative`` with odds in [0, 1); the last is 1 in spite of rounding."""
    sums = np.cumsum(weights, dtype=np.float64)
    return np.where(sums == sums[-1], 1.0, sums / sums[-1])


def _bases(text: str) -> Bases:
    return np.array(["ACGT".index(letter) for letter in text], np.uint8)


def _text(bases: Bases) -> str:
    return np.frombuffer(b"ACGT", np.uint8)[bases].tobytes().decode()


def _reverse_complement(bases: Bases) -> Bases:
    return (3 - bases)[::-1]


_CODONS: Bases = np.stack([np.arange(64) // 16, np.arange(64) // 4 % 4, np.arange(64) % 4], axis=1).astype(np.uint8)
_CODED = np.array(list(GENETIC_CODE))
