"""The crystal adapter."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Baseline, Drops, Encode, Record
from domainbert.adapters.crystals import notation
from domainbert.adapters.crystals.options import CrystalOptions, SymbolOptions
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"
_NO_MARKS = str.maketrans("<>", "  ")  # special tokens are spelled with them


class CrystalAdapter(Adapter):
    """Crystal structures, ordered and disordered, as Wyckoff orbits in one standard setting."""

    name = "crystals"
    summary = "crystal structures from CIF, POSCAR, pymatgen JSON, tables with CIFs and tar archives"
    canonical_version = "crystals-1"
    Options = CrystalOptions
    tokenizer_kinds: ClassVar = {"symbol": SymbolOptions}
    view_names = ("orbit_order", "setting")
    unit_names = ("element", "number", "symmetry", "value", "orbit", "lattice")
    evaluation_unit = "value"
    group_name = "composition"
    max_pieces_per_word = 0.0
    whole_records = True

    options: CrystalOptions

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the records of a path, glob, folder, ``hub:owner/name[:config][/split]`` or ``sample``.

        ``meta`` gives ``file``, ``formula``, ``kind`` (``ordered`` or ``disordered``) and ``altered``, what was normalised; the group is
        the chemical system.
        """
        drops = Drops() if drops is None else drops
        if source == SAMPLE:
            return self._counted(self.sample(), drops)
        from domainbert.adapters.crystals.reading import read_crystals

        return read_crystals(source, self.options, drops)

    def files(self, source: str) -> list[Path]:
        """Of a folder, those whose suffix says structures; of a glob or a path, all."""
        from domainbert.adapters.crystals.reading import crystal_files

        return [] if source == SAMPLE or source.startswith("hub:") else crystal_files(source)

    def entries(self, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The text of structures given as CIF, POSCAR or JSON; what is none of them is taken as canonical text."""
        from domainbert.adapters.crystals.reading import convert_entries

        for text, converted in convert_entries(texts, self.options):
            yield (converted.text, converted.reason) if converted else (self.canonicalize(text), "")

    def group(self, text: str) -> str:
        """The chemical system, or the formula, as the option ``group`` says; empty for text that is no crystal."""
        from domainbert.adapters.crystals.structures import describe

        try:
            crystal = notation.read_text(text)
        except ValueError:
            return ""
        elements, formula = describe(crystal)
        return elements if self.options.group == "elements" else formula

    def baselines(self) -> tuple[Baseline, ...]:
        """What crystals are made of, without where the atoms are; and symmetry, cell and number of sites without the elements."""
        from domainbert.adapters.crystals.baselines import composition, geometry

        return (
            Baseline("shares of elements", composition, "forest"),
            Baseline("shares of elements", composition),
            Baseline("space group and cell", geometry, "forest"),
        )

    def canonicalize(self, text: str) -> str:
        """One blank between tokens, and no angle brackets; ``records`` has already made the text that stands for all cells."""
        return " ".join(text.translate(_NO_MARKS).split())

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """``symbol``: every symbol and piece of a number is a token."""
        from domainbert.adapters.crystals.tokenizers import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'crystals' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        return build_tokenizer(model_max_length=model_max_length)

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """Fixed."""
        from domainbert.adapters.crystals.tokenizers import token_ids

        return len(token_ids())

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """A dictionary look-up."""
        from domainbert.adapters.crystals.tokenizers import find_encoder

        return find_encoder(tokenizer)

    def is_target(self, token: str) -> bool:
        """Elements, pieces of numbers, space groups, multiplicities and Wyckoff letters."""
        from domainbert.adapters.crystals.tokenizers import TARGETS

        return token in TARGETS

    def sample(self) -> Iterator[Record]:
        """AFLOW's prototypes with other elements (data_cards/crystals-sample.md)."""
        from domainbert.adapters.crystals.sample import generate

        return generate()

    def probes(self) -> tuple[str, ...]:
        """Every crystal system, shared sites, the 27th letter, white space, a special token."""
        return (
            "sg225 a= n5 .64 .02 m4 wa Na x0 x0 x0 m4 wb Cl x60 x60 x60 ;",
            "sg139 a= n4 .00 .86 c= n12 .63 .49 m2 wa Cu .80 Zn .20 x0 x0 x0 m4 wc O x0 x60 x0 m4 we La .92 .50 Sr .07 .50 x0 x0 x42 f5 ;",
            "sg15 a= n19 .09 .04 b= n5 .39 .08 c= n13 .38 .50 be= n52 .22 m4 we Si x0 x14 f38 x30 m8 wf Ru x2 f58 x46 f78 x10 f21 ;",
            "sg1 a= n3 .00 .01 b= n4 .10 .00 c= n5 .20 .99 al= n80 .01 be= n85 .50 ga= n89 .99 m1 wa Og .33 .33 .33 x0 x0 x0 ;",
            "sg47 a= n4 .00 .00 b= n5 .00 .00 c= n6 .00 .00 m8 wA H x1 f1 x2 f2 x3 f99 ;",
            "sg194   a= n3 .62 .56\tc= n7 .66 .18\n m2 wa Te .80 x0 x0 x0 m2 wc Ti x40 x80 x30 ;",
        )

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """Spans of whole elements, numbers (with all their tokens), symmetry tokens, any of these (``value``), orbits, or the lattice."""
        if unit == "word":
            unit = "value"
        return notation.spans(text, unit) if unit in self.unit_names else super().units(text, unit)

    def breakdown(self, text: str) -> Mapping[str, NDArray[np.int64]]:
        """Elements, numbers and symmetry."""
        return {name: notation.spans(text, name) for name in ("element", "number", "symmetry")}

    def view(self, name: str, record: Record, rng: np.random.Generator) -> Record:
        """``orbit_order``: orbits in random order; ``setting``: another origin or other axes, and other points of the orbits."""
        if name not in self.view_names:
            return super().view(name, record, rng)
        try:
            crystal = notation.read_text(record.text)
        except ValueError:  # a probe or a text that is none of ours has no other spelling
            return record
        if name == "setting":
            from domainbert.adapters.crystals.settings import another_setting

            return replace(record, text=notation.write_text(another_setting(crystal, rng)))
        orbits = tuple(crystal.orbits[place] for place in rng.permutation(len(crystal.orbits)).tolist())
        return replace(record, text=notation.write_text(replace(crystal, orbits=orbits)))

    def _counted(self, records: Iterable[Record], drops: Drops) -> Iterator[Record]:
        for record in records:
            drops.num_kept += 1
            yield record
