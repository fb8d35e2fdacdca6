"""The molecules adapter."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Baseline, Drops, Encode, Record
from domainbert.adapters.molecules import smiles
from domainbert.adapters.molecules.options import AtomOptions, MoleculesOptions
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"
REMEMBERED = 1 << 15  # spellings, four times as many as a build stages at once
_MARKERS = ("Ġ", "▁", "##")  # of words, in other tokenizers


class MoleculesAdapter(Adapter):
    """Molecules as SMILES.

    ``canonicalize`` is the whole policy of the options: RDKit reads the text and writes it again. That takes a tenth of a millisecond,
    so ``records`` does it in several processes and ``canonicalize`` remembers what came of it.
    """

    name = "molecules"
    summary = "SMILES from lists, CSV, Parquet, JSON lines and SD files, by RDKit"
    canonical_version = "molecules-1"
    Options = MoleculesOptions
    tokenizer_kinds: ClassVar = {"atom": AtomOptions}
    view_names = ("randomised",)
    unit_names = smiles.UNITS
    evaluation_unit = "atom"
    group_name = "scaffold"
    max_pieces_per_word = 0.0  # a SMILES has no words
    libraries = ("rdkit",)

    options: MoleculesOptions

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._spelled: dict[str, str] = {}
        self._spelled_before: dict[str, str] = {}

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the molecules of a path, glob, folder, ``hub:owner/name[:config][/split]`` or ``sample``, spelled canonically.

        A molecule that RDKit refuses is dropped under the reason that RDKit gives. ``group`` is the Bemis-Murcko scaffold.
        """
        from domainbert.adapters.molecules import reading

        drops = Drops() if drops is None else drops
        if source == SAMPLE:
            found = reading.judged(reading.sample_texts(self.sample()), self.options, drops)
        else:
            found = reading.read_molecules(source, self.options, drops)
        for record in found:
            self._remember(record.text, record.text)
            yield record

    def files(self, source: str) -> list[Path]:
        """Of a folder, those whose names say molecules; of a glob or a path, all."""
        from domainbert.adapters.molecules import reading

        return [] if source == SAMPLE or source.startswith("hub:") else reading.molecule_files(source, self.options)

    def canonicalize(self, text: str) -> str:
        """RDKit's spelling under the options' policy; text that is no molecule stays as it is, without the blanks around it."""
        text = text.strip()
        known = self._spelled.get(text) or self._spelled_before.get(text)
        if known is None:
            from domainbert.adapters.molecules.chemistry import spell

            known = spell(text, self.options)
            self._remember(text, known)
        return known

    def entries(self, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
        """RDKit's spelling, and for what it refuses its reason."""
        from domainbert.adapters.molecules.reading import judge_entries

        for verdict in judge_entries(texts, self.options):
            self._remember(verdict.text, verdict.text)
            yield verdict.text, verdict.reason

    def baselines(self) -> tuple[Baseline, ...]:
        """Morgan fingerprints, a dozen descriptors, strings of characters."""
        from domainbert.adapters.molecules.baselines import descriptors, fingerprints

        name = "Morgan fingerprints, radius 2, 2,048 bits"
        return (
            Baseline(name, fingerprints),
            Baseline(name, fingerprints, "forest"),
            Baseline("eleven descriptors", descriptors, "forest"),
            *super().baselines(),
        )

    def group(self, text: str) -> str:
        """The Bemis-Murcko scaffold; of a molecule without rings a hash of its own; empty for text that is no molecule."""
        from domainbert.adapters.molecules.chemistry import judge_smiles

        return judge_smiles([text], replace(self.options, group_column=""))[0].group

    def _remember(self, text: str, spelled: str) -> None:
        if len(self._spelled) >= REMEMBERED:
            self._spelled, self._spelled_before = {}, self._spelled
        self._spelled[text] = spelled

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """Atoms, bonds, ring numbers and the parts of bracket atoms (``atom``); nothing is learned."""
        from domainbert.adapters.molecules.tokenizers import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'molecules' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        return build_tokenizer(model_max_length=model_max_length)

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """Fixed."""
        from domainbert.adapters.molecules.tokenizers import vocabulary

        return len(vocabulary())

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """Python's ``re`` on two levels."""
        from domainbert.adapters.molecules.tokenizers import find_encoder

        return find_encoder(tokenizer)

    def is_target(self, token: str) -> bool:
        """Whether an entry is made of tokens of SMILES, behind a word marker (``Ġ``, ``▁``, ``##``) or not."""
        for marker in _MARKERS:
            token = token.removeprefix(marker)
        return token in _LANGUAGE or (bool(token) and all(piece in _LANGUAGE for piece in smiles.split(token)))

    def sample(self) -> Iterator[Record]:
        """Real molecules that RDKit ships (data_cards/molecules-sample.md)."""
        from domainbert.adapters.molecules.sample import read

        return read()

    def probes(self) -> tuple[str, ...]:
        """Two-letter elements, brackets with every part, ring numbers above nine, salts, maps, Kekulé and colon spellings."""
        return (
            "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
            "OCC",
            "C1=CC=CC=C1Br",
            "c1ccc2c(c1)[nH]c1ccccc12",
            "N[C@@H](CS)C(=O)[O-].[Na+]",
            "F/C=C/Cl",
            "[13CH4].[2H]O[2H]",
            "[Fe+2].[Fe+3].[O-]S(=O)(=O)[O-]",
            "CSc1ccccc1[Sc]",
            "[CH3:1][OH:2]",
            "C1:C:C:C:C:C:1C#N",
            "[NH4+].[Co-4].[te]1cccc1",
            "C[Pt@SP1](F)(Cl)Br",
            "C%10CCCC%10",
        )

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """Spans of ``atom``, ``bracket_atom``, ``ring`` and ``branch``; see ``smiles.units``."""
        return smiles.units(text, unit) if unit in self.unit_names else super().units(text, unit)

    def view(self, name: str, record: Record, rng: np.random.Generator) -> Record:
        """``randomised``: the same molecule written from a random atom on in random order; ``canonicalize`` leads back."""
        if name not in self.view_names:
            return super().view(name, record, rng)
        from domainbert.adapters.molecules.chemistry import respell

        seed = int(rng.integers(1, 2**31 - 1))
        return replace(record, text=respell(record.text, seed, kekulise=self.options.form == "kekulised"))


_LANGUAGE = frozenset(smiles.TOKENS)
