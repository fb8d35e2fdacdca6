"""The molecules adapter."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Baseline, Drops, Encode, Record
from domainbert.adapters.molecules import selfies, smiles
from domainbert.adapters.molecules.options import AtomOptions, MoleculesOptions, SelfiesOptions
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"
REMEMBERED = 1 << 15  # spellings, four times as many as a build stages at once
_MARKERS = ("Ġ", "▁", "##")  # of words, in other tokenizers


class MoleculesAdapter(Adapter):
    """Molecules as SMILES, or as SELFIES.

    ``canonicalize`` is the whole policy of the options: RDKit reads the text and writes it again. That takes a tenth of a millisecond,
    for SELFIES about one, so ``records`` does it in several processes and ``canonicalize`` remembers what came of it.

    Raises:
        DomainBertError: SELFIES are wanted, and their library is not installed.
    """

    name = "molecules"
    summary = "SMILES and SELFIES from lists, CSV, Parquet and JSON lines, SD files, by RDKit"
    canonical_version = "molecules-1"
    Options = MoleculesOptions
    tokenizer_kinds: ClassVar = {"atom": AtomOptions, "selfies": SelfiesOptions}
    view_names = ("randomised",)
    unit_names = smiles.UNITS
    evaluation_unit = "atom"
    group_name = "scaffold"
    max_pieces_per_word = 0.0  # a SMILES has no words
    libraries: tuple[str, ...] = ("rdkit",)

    options: MoleculesOptions

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._is_selfies = self.options.notation == "selfies"
        self._language = selfies.LANGUAGE if self._is_selfies else smiles.LANGUAGE
        self._tokens = frozenset(self._language.tokens)
        if self._is_selfies:
            from domainbert.adapters.molecules.translation import LIBRARY, require_library

            require_library()
            self.libraries = (*self.libraries, LIBRARY)
        self._spelled: dict[str, str] = {}
        self._spelled_before: dict[str, str] = {}

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the molecules of a path, glob, folder, ``hub:owner/name[:config][/split]`` or ``sample``, spelled canonically.

        A molecule that RDKit refuses, or that SELFIES cannot express where they are wanted, is dropped under the library's reason.
        ``group`` is the Bemis-Murcko scaffold, as SMILES in both notations.
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
        """RDKit's spelling under the options' policy, in their notation; any other text stays as it is, without the blanks around it."""
        text = text.strip()
        known = self._spelled.get(text) or self._spelled_before.get(text)
        if known is None:
            from domainbert.adapters.molecules.chemistry import spell

            known = spell(text, self.options)
            self._remember(text, known)
        return known

    def entries(self, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The canonical spelling, and for what cannot be used the reason."""
        from domainbert.adapters.molecules.reading import judge_entries

        for verdict in judge_entries(texts, self.options):
            self._remember(verdict.text, verdict.text)
            yield verdict.text, verdict.reason

    def baselines(self) -> tuple[Baseline, ...]:
        """Morgan fingerprints, a dozen descriptors, strings of characters; of SMILES, whatever the notation."""
        from domainbert.adapters.molecules.baselines import descriptors, fingerprints, on_smiles

        name = "Morgan fingerprints, radius 2, 2,048 bits"
        found = (
            Baseline(name, fingerprints),
            Baseline(name, fingerprints, "forest"),
            Baseline("eleven descriptors", descriptors, "forest"),
            *super().baselines(),
        )
        if not self._is_selfies:
            return found
        return tuple(replace(baseline, features=partial(on_smiles, baseline.features)) for baseline in found)

    def group(self, text: str) -> str:
        """The Bemis-Murcko scaffold; of a molecule without rings a hash of its own; empty for text that is no molecule."""
        from domainbert.adapters.molecules.chemistry import judge_smiles

        return judge_smiles([text], replace(self.options, group_column=""))[0].group

    def _remember(self, text: str, spelled: str) -> None:
        if len(self._spelled) >= REMEMBERED:
            self._spelled, self._spelled_before = {}, self._spelled
        self._spelled[text] = spelled

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """Atoms, bonds, ring numbers and the parts of bracket atoms (``atom``), or symbols (``selfies``); nothing is learned."""
        from domainbert.adapters.molecules.tokenizers import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'molecules' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        if problem := self.tokenizer_problem(kind, self.options):
            raise TokenizerError(f"tokenizer.kind {problem}")
        return build_tokenizer(kind, model_max_length=model_max_length)

    @classmethod
    def tokenizer_problem(cls, kind: str, options: Any) -> str:
        """Each notation has its own kind."""
        reads = "selfies" if kind == "selfies" else "smiles"
        if options.notation == reads:
            return ""
        fitting = "selfies" if options.notation == "selfies" else "atom"
        return (
            f'= "{kind}" reads {reads.upper()}, and corpus.options.notation = "{options.notation}" writes {options.notation.upper()}; set '
            f'tokenizer.kind = "{fitting}" or corpus.options.notation = "{reads}"'
        )

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """Fixed."""
        from domainbert.adapters.molecules.tokenizers import vocabulary

        return len(vocabulary(kind))

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """Python's ``re`` on two levels."""
        from domainbert.adapters.molecules.tokenizers import find_encoder

        return find_encoder(tokenizer)

    def is_target(self, token: str) -> bool:
        """Whether an entry is made of tokens of the notation, behind a word marker (``Ġ``, ``▁``, ``##``) or not."""
        for marker in _MARKERS:
            token = token.removeprefix(marker)
        return token in self._tokens or (bool(token) and all(piece in self._tokens for piece in self._language.split(token)))

    def sample(self) -> Iterator[Record]:
        """Real molecules that RDKit ships (data_cards/molecules-sample.md)."""
        from domainbert.adapters.molecules.sample import read

        return read()

    def probes(self) -> tuple[str, ...]:
        """Two-letter elements, brackets with every part, ring numbers above nine, salts, maps, Kekulé and colon spellings.

        Where SELFIES are wanted: of SMILES those that they can express, and SELFIES in another order than the canonical one.
        """
        return _SELFIES_PROBES if self._is_selfies else _PROBES

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """Spans of ``atom``, ``bracket_atom``, ``ring``, ``branch`` and ``symbol``; see ``smiles.units`` and ``selfies.units``."""
        if unit not in self.unit_names:
            return super().units(text, unit)
        return selfies.units(text, unit) if self._is_selfies else smiles.units(text, unit)

    def view(self, name: str, record: Record, rng: np.random.Generator) -> Record:
        """``randomised``: the same molecule written from a random atom on in random order; ``canonicalize`` leads back."""
        if name not in self.view_names:
            return super().view(name, record, rng)
        from domainbert.adapters.molecules.chemistry import respell

        return replace(record, text=respell(record.text, int(rng.integers(1, 2**31 - 1)), self.options))


_PROBES = (
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
_SELFIES_PROBES = (
    *(probe for probe in _PROBES if "@SP" not in probe),
    "C/C=C\\1CCC1",
    "C1CC2(CC1)OCC[C@@]21C=CC=C1",
    "[C][C][O]",
    "[O][=C][C][=C][C][=C][C][=C][Ring1][=Branch1]",
    "[F][C@@H1][Branch1][C][Cl][Br].[131I][C][nop][#N+1]",
)
