"""The two halves of a pair: what each is spelled like, what group it is of, or why it cannot be used."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b

from domainbert.adapters.drug_target.options import DrugTargetOptions
from domainbert.adapters.molecules.chemistry import Verdict, judge_smiles
from domainbert.adapters.molecules.options import MoleculesOptions
from domainbert.adapters.proteins.options import ProteinsOptions
from domainbert.adapters.proteins.sequence import canonical_table, why_not_protein

STRING = 6  # residues of the strings that families are told by


class Sides:
    """Verdicts on drugs and targets, each distinct one judged once.

    Args:
        options: of the pairs.
    """

    def __init__(self, options: DrugTargetOptions) -> None:
        self._options, self._proteins = options, ProteinsOptions()
        self._table = canonical_table(self._proteins)
        self._drugs: dict[str, Verdict] = {}
        self._targets: dict[str, Verdict] = {}
        self._families = Families(options.similarity)

    def drug(self, text: str) -> Verdict:
        """The verdict on a SMILES; its group is the Bemis-Murcko scaffold."""
        if text not in self._drugs:
            self._drugs[text] = judge_smiles([text], MoleculesOptions())[0]
        return self._drugs[text]

    def target(self, text: str) -> Verdict:
        """The verdict on a sequence, before it is cut; its group is the family."""
        if text not in self._targets:
            self._targets[text] = self._judge_target(text)
        return self._targets[text]

    def cut(self, text: str) -> str:
        """A target that is no longer than ``max_residues``."""
        return text[: self._options.max_residues] if self._options.max_residues else text

    def _judge_target(self, text: str) -> Verdict:
        raw = "".join(text.split()).removesuffix("*")
        reason = why_not_protein(raw, self._proteins)
        if reason:
            return Verdict(reason=reason, detail=raw[:40])
        spelled = raw.translate(self._table)
        return Verdict(spelled, self._families.of(spelled))


class Families:
    """Sequences that share many strings of residues are one family, that of the first of them.

    Args:
        similarity: share of the shorter sequence's strings.
    """

    def __init__(self, similarity: float) -> None:
        self._similarity = similarity
        self._names: list[str] = []
        self._sizes: list[int] = []
        self._holders: dict[str, list[int]] = {}  # of each string, the families whose first sequence holds it

    def of(self, text: str) -> str:
        """The family of a sequence."""
        strings = {text[place : place + STRING] for place in range(max(1, len(text) - STRING + 1))}
        shared = Counter(number for string in strings for number in self._holders.get(string, ()))
        shares = ((count / min(len(strings), self._sizes[number]), -number) for number, count in shared.items())
        share, number = max(shares, default=(0.0, 0))
        if share >= self._similarity:
            return self._names[-number]
        for string in strings:
            self._holders.setdefault(string, []).append(len(self._names))
        self._names.append(blake2b(text.encode(), digest_size=8).hexdigest())
        self._sizes.append(len(strings))
        return self._names[-1]


def is_cold(group: str, share: float) -> bool:
    """Whether a scaffold or a family is to be held out: it follows from its name alone, in every corpus alike."""
    return int.from_bytes(blake2b(group.encode(), digest_size=8).digest()) < share * 2.0**64


def temperature(cold: Iterable[bool]) -> str:
    """``cold`` where all halves of a text are to be held out, ``warm`` where none is, else ``mixed``."""
    return {frozenset({True}): "cold", frozenset({False}): "warm"}.get(frozenset(cold), "mixed")


def unjudged(options: DrugTargetOptions) -> MoleculesOptions:
    """How unpaired drugs are read."""
    return replace(MoleculesOptions(), encoding=options.encoding, processes=options.processes)
