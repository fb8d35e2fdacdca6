"""The drug-target adapter."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Baseline, Drops, Encode, Record
from domainbert.adapters.drug_target.options import AtomResidueOptions, DrugTargetOptions
from domainbert.adapters.molecules import MoleculesAdapter
from domainbert.adapters.molecules.options import MoleculesOptions
from domainbert.adapters.proteins import ProteinsAdapter
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"
BAR = "|"  # tokenizers.BAR, which is not imported before a tokenizer is wanted


class DrugTargetAdapter(Adapter):
    """A drug and its target in one text: ``SMILES|RESIDUES``. An unpaired drug is its SMILES, an unpaired target ``|RESIDUES``.

    Residues are tokens of their own, whatever letters they share with atoms. The label of a pair is its affinity; the pair is cut
    nowhere, for half a target has no affinity: ``max_residues`` says how long targets may be.
    """

    name = "drug_target"
    summary = "drugs with their targets and affinities from CSV, TSV, Parquet and DeepDTA's folders; drugs and targets alone"
    canonical_version = "drug_target-1"
    Options = DrugTargetOptions
    tokenizer_kinds: ClassVar = {"atom-residue": AtomResidueOptions}
    view_names = ("randomised",)
    unit_names = ("symbol", "atom", "residue", "bracket_atom", "ring", "branch")
    evaluation_unit = "symbol"
    max_pieces_per_word = 0.0
    whole_records = True
    separator = BAR
    libraries = ("rdkit",)

    options: DrugTargetOptions

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        own = self.options
        self._drugs = MoleculesAdapter(MoleculesOptions(encoding=own.encoding, processes=own.processes))
        self._targets = ProteinsAdapter()
        self._half: Adapter | None = {"drugs": self._drugs, "targets": self._targets}.get(own.holds)

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the pairs, or what the option ``holds`` says, of a path, glob, folder or ``sample``, spelled canonically.

        ``group`` follows the option ``group``; the groups of both halves, the fold and which halves are to be held out stand in ``meta``.
        """
        from domainbert.adapters.drug_target import reading, sample

        drops = Drops() if drops is None else drops
        if self._half is not None:
            records = self._half.records(source, drops=drops)
            return reading.alone(sample.with_families(records) if source == SAMPLE else records, self.options, drops)
        raws = sample.pairs() if source == SAMPLE else reading.read_pairs(source, self.options, drops)
        return reading.judged(raws, self.options, drops)

    def files(self, source: str) -> list[Path]:
        """Those of a folder in DeepDTA's form; of any other folder the tables; of unpaired halves those of their own adapter."""
        from domainbert.adapters.drug_target import reading

        if self._half is not None:
            return self._half.files(source)
        return [] if source == SAMPLE else reading.pair_files(source, self.options)

    def canonicalize(self, text: str) -> str:
        """Drug and target as the adapters molecules and proteins spell them."""
        drug, bar, target = text.partition(BAR)
        spelled = self._drugs.canonicalize(drug) if drug.strip() else ""
        return spelled + bar + self._targets.canonicalize(target)

    def join(self, first: str, second: str) -> str:
        """A drug and a target with the bar between them; ``second`` may have it already."""
        return first + BAR + second.removeprefix(BAR)

    def group(self, text: str) -> str:
        """The scaffold of the drug; of a target alone, itself."""
        drug, _, target = text.partition(BAR)
        return self._drugs.group(drug) if drug else target

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """The tokens of SMILES, then one token a residue (``atom-residue``); nothing is learned."""
        from domainbert.adapters.drug_target.tokenizers import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'drug_target' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        return build_tokenizer(model_max_length=model_max_length)

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """Fixed."""
        from domainbert.adapters.drug_target.tokenizers import vocabulary

        return len(vocabulary())

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """That of molecules before the bar, a look-up behind it."""
        from domainbert.adapters.drug_target.tokenizers import find_encoder

        return find_encoder(tokenizer)

    def is_target(self, token: str) -> bool:
        """Whether an entry is made of tokens of SMILES, or is one of the twenty amino acids behind ``##``."""
        return self._targets.is_target(token) if token.startswith("##") else self._drugs.is_target(token)

    def sample(self) -> Iterator[Record]:
        """Real drugs and made-up targets with made-up affinities (data_cards/drug_target-sample.md)."""
        from domainbert.adapters.drug_target import reading, sample

        return reading.judged(sample.pairs(), DrugTargetOptions(), Drops())

    def probes(self) -> tuple[str, ...]:
        """Pairs, halves, the same letters on both sides, every odd letter of a protein."""
        return (
            "CC(=O)Oc1ccccc1C(=O)O|MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG",
            "CCC|CCC",
            "CCC",
            "|CCC",
            "OCC|mkvl",
            "N[C@@H](CS)C(=O)[O-].[Na+]|MKXBUZOJAW",
            "[13CH4].[2H]O[2H]|M K V L*",
            "C[Pt@SP1](F)(Cl)Br|SCNOFPIH",
            "C%10CCCC%10",
        )

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """Spans of ``atom``, ``bracket_atom``, ``ring`` and ``branch`` in the drug, of ``residue`` in the target.

        A ``symbol`` is an atom or a residue.
        """
        if unit not in self.unit_names:
            return super().units(text, unit)
        drug = text.partition(BAR)[0]
        places = np.arange(len(drug) + 1, len(text)) if unit in ("symbol", "residue") else np.empty(0, np.int64)
        residues = np.stack((places, places + 1), axis=1)
        if unit == "residue":
            return residues
        return np.concatenate((self._drugs.units(drug, "atom" if unit == "symbol" else unit), residues))

    def breakdown(self, text: str) -> Mapping[str, NDArray[np.int64]]:
        """Drug and target."""
        bar = len(text.partition(BAR)[0])
        spans = {"drug": (0, bar), "target": (bar + 1, len(text))}
        return {name: np.array([span] if span[0] < span[1] else [], np.int64).reshape(-1, 2) for name, span in spans.items()}

    def view(self, name: str, record: Record, rng: np.random.Generator) -> Record:
        """``randomised``: the drug written in another order, as molecules have it; a target alone stays."""
        if name not in self.view_names:
            return super().view(name, record, rng)
        drug, bar, target = record.text.partition(BAR)
        spelled = self._drugs.view(name, replace(record, text=drug), rng).text if drug else drug
        return replace(record, text=spelled + bar + target)

    def baselines(self) -> tuple[Baseline, ...]:
        """Fingerprints of the drugs and strings of residues of the targets: side by side, and multiplied, as a product kernel has them."""
        from domainbert.adapters.drug_target.features import PairFeatures

        triples = partial(PairFeatures, shortest=3, longest=3)
        return (Baseline("fingerprint + residues", PairFeatures), Baseline("fingerprint x residues", triples, products=True))
