"""The built-in proteins: made-up relatives of well-known ones.

Each of some thirty proteins is the ancestor of a family. It splits into clades, these into groups of close relatives. What a model can
learn, from near to far:

* unigram: the composition of proteins;
* local: which residues follow each other in a family, and which replace each other (BLOSUM62);
* a chain's length: which places of a family hardly ever change and which do;
* long range: pairs of places far apart that change together, as residues in contact do.

Clades are groups; some families are one group as a whole, and some chains have no relatives at all, so that held-out text of three kinds
can be told apart: a new clade of a known family, a new family, an orphan. Nothing but composition can be known of the last two.
``meta["kind"]`` says which, and held-out figures are given for each apart.

The numbers' sources stand beside them and in data_cards/proteins-sample.md. Only uniform doubles of NumPy's PCG64 are drawn, and only
+ - * / is done with them, so that every platform writes the same residues.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Record
from domainbert.adapters.proteins.ancestors import ANCESTORS

Residues = NDArray[np.int64]  # index into LETTERS
Weights = NDArray[np.float64]

SEED = 20261124
NUM_CLADES = 12  # of a family
NUM_BRANCHES = 4  # of a clade
NUM_CHAINS = 4  # of a branch
CLADE_DISTANCE, BRANCH_DISTANCE, CHAIN_DISTANCE = 0.2, 0.08, 0.04  # replacements a place of rate 1
INDEL_RATE = 0.02  # insertions and deletions a replacement
WHOLE_FAMILY_EVERY = 9
ORPHAN_EVERY = 6  # chains; genes without known relatives are common in every genome (Tautz and Domazet-Loso 2011, Nat. Rev. Genet. 12, 692)

# Four rates of a gamma distribution of shape 0.5, equally frequent: Yang 1994, J. Mol. Evol. 39, 306-314; a shape usual in proteins
SITE_RATES = np.array([0.0334, 0.2519, 0.8203, 2.8944])
CONTACTS = (3, 5)  # pairs of places of a family that change together
CONTACT_SEPARATION = 12  # places between them, at least
CONTACT_STRENGTH = 0.9  # how often the second follows the first

LETTERS = "ARNDCQEGHILKMFPSTWYV"
# What stands opposite in a contact: charges attract, large side chains meet small ones (ours, after Miyazawa and Jernigan 1985)
OPPOSITE = dict(zip("ARNDCQEGHILKMFPSTWYV", "LDSRCTKWEVAEFMYNQGPI", strict=True))


def generate() -> Iterator[Record]:
    """Every chain as a record, family by family: always the same ones."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    for number, (name, _, text) in enumerate(ANCESTORS):
        family = _Family(rng, text)
        is_whole = (number + 1) % WHOLE_FAMILY_EVERY == 0
        for clade in range(1, NUM_CLADES + 1):
            group = name if is_whole else f"{name}, clade {clade}"
            for chain, residues in enumerate(family.clade(), start=1):
                yield _record(f"{name} {clade}.{chain}", residues, group, "new family" if is_whole else "new clade")
                if chain % ORPHAN_EVERY == 0:
                    orphan = f"orphan {number + 1}.{clade}.{chain}"
                    yield _record(orphan, _orphan(rng, len(residues)), orphan, "orphan")


def _record(name: str, residues: Residues, group: str, kind: str) -> Record:
    return Record(name, "".join(LETTERS[residue] for residue in residues), group, {"file": "sample", "start": "0", "kind": kind})


@dataclass(frozen=True)
class _Chain:
    """A sequence, and of each residue the place in the ancestor that it comes from; -1 for inserted ones."""

    residues: Residues
    places: Residues


class _Family:
    """An ancestor, and how readily each of its places changes."""

    def __init__(self, rng: np.random.Generator, text: str) -> None:
        self._rng = rng
        self._exchange = _exchange()
        residues = np.array([LETTERS.index(letter) for letter in text])
        self._ancestor = _Chain(residues, np.arange(len(text)))
        self._rates = SITE_RATES[(4 * rng.random(len(text))).astype(np.int64)]
        self._contacts = self._choose_contacts(len(text))
        for first, second in self._contacts:  # what changes together must change
            self._rates[[first, second]] = SITE_RATES[2]

    def clade(self) -> Iterator[Residues]:
        """The chains of one clade."""
        founder = self._descendant(self._ancestor, CLADE_DISTANCE)
        for _ in range(NUM_BRANCHES):
            branch = self._descendant(founder, BRANCH_DISTANCE)
            for _ in range(NUM_CHAINS):
                yield self._descendant(branch, CHAIN_DISTANCE).residues

    def _choose_contacts(self, length: int) -> list[tuple[int, int]]:
        low, high = CONTACTS
        wanted = low + int(self._rng.random() * (high - low + 1))
        contacts: list[tuple[int, int]] = []
        while len(contacts) < wanted:
            first, second = sorted((self._rng.random(2) * length).astype(np.int64).tolist())
            taken = {place for pair in contacts for place in pair}
            if second - first > min(CONTACT_SEPARATION, length // 3) and not taken & {first, second}:
                contacts.append((first, second))
        return contacts

    def _descendant(self, chain: _Chain, distance: float) -> _Chain:
        """The chain after some evolution: replacements, contacts kept, then insertions and deletions."""
        rates = np.where(chain.places >= 0, self._rates[chain.places], 1.0)
        draws = self._rng.random((len(rates), 2))
        drawn = (draws[:, 1:] >= self._exchange[chain.residues]).sum(axis=1)
        residues = np.where(draws[:, 0] < np.minimum(distance * rates, 0.95), drawn, chain.residues)
        self._keep_contacts(residues, chain.places)
        return self._indels(_Chain(residues, chain.places), distance * rates)

    def _keep_contacts(self, residues: Residues, places: Residues) -> None:
        at = {place: number for number, place in enumerate(places.tolist())}
        for (first, second), odds in zip(self._contacts, self._rng.random(len(self._contacts)), strict=True):
            if first in at and second in at and odds < CONTACT_STRENGTH:
                residues[at[second]] = LETTERS.index(OPPOSITE[LETTERS[residues[at[first]]]])

    def _indels(self, chain: _Chain, changes: Weights) -> _Chain:
        """Single residues are lost, or doubled and then free to change."""
        odds = self._rng.random(len(changes))
        lost, doubled = odds < INDEL_RATE * changes / 2, odds > 1 - INDEL_RATE * changes / 2
        times = 1 - lost.astype(np.int64) + doubled
        places = np.repeat(chain.places, times)
        inserted = np.concatenate(([False], places[1:] == places[:-1]))
        return _Chain(np.repeat(chain.residues, times), np.where(inserted, -1, places))


def _orphan(rng: np.random.Generator, length: int) -> Residues:
    """A chain of average composition."""
    sums = np.cumsum(BACKGROUND)
    orphan: Residues = (rng.random(length)[:, None] >= sums[:-1] / sums[-1]).sum(axis=1)
    return orphan


def _exchange() -> Weights:
    """Of each residue the cumulative chances of what replaces it, itself among them: BLOSUM62's target frequencies.

    Henikoff and Henikoff 1992, PNAS 89, 10915-10919: a score is twice the logarithm to base 2 of observed over expected.
    """
    from Bio.Align import substitution_matrices

    matrix = substitution_matrices.load("BLOSUM62")  # type: ignore[no-untyped-call]
    scores = np.array([[int(matrix[one, other]) for other in LETTERS] for one in LETTERS])
    odds = 2.0 ** (scores // 2) * np.where(scores % 2, 1.4142135623730951, 1.0)
    sums = np.cumsum(odds * BACKGROUND, axis=1)
    chances: Weights = sums[:, :-1] / sums[:, -1:]
    return chances


# Swiss-Prot's average in per mille (PROSITE document PDOC50324), in the order of LETTERS
BACKGROUND = np.array(
    [75.5, 51.5, 45.2, 53, 16.9, 40.2, 63.2, 68.4, 22.4, 57.3, 93.3, 59.3, 23.5, 40.7, 49.2, 72.2, 57.4, 12.5, 31.9, 65.2]
)
