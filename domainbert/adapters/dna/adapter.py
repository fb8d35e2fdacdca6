"""The DNA adapter."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Alphabet, Drops, Encode, Record
from domainbert.adapters.dna import sequence
from domainbert.adapters.dna.options import BpeOptions, CharacterOptions, DnaOptions, KmerOptions
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"


class DnaAdapter(Adapter):
    """Nucleotide sequence: genomes, contigs, genes, reads; RNA is spelled as DNA."""

    name = "dna"
    summary = "nucleotide sequence from FASTA, GenBank, plain lines, CSV and Parquet"
    canonical_version = sequence.CANONICAL_VERSION
    Options = DnaOptions
    tokenizer_kinds: ClassVar = {"character": CharacterOptions, "kmer": KmerOptions, "bpe": BpeOptions}
    view_names = ("reverse_complement",)
    unit_names = ("kmer",)
    alphabet = Alphabet("ACGT", "base", 6)

    options: DnaOptions

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the records of a path, glob, folder, ``hub:owner/name[:config][/split]`` or ``sample``.

        An entry is as many records as it has pieces: it is cut at runs of more than ``max_n_run`` unknown bases and into
        windows. ``meta`` gives ``start`` (0-based, in the entry), ``strand`` and ``file``, and ``target_weights`` (spans of the text
        with their weight, ``"3-10:0.5,..."``) where soft-masked bases weigh less than others.
        """
        from domainbert.adapters.dna import reading

        drops = Drops() if drops is None else drops
        if source == SAMPLE:
            return reading.cut_sample(self.sample(), self.options, drops)
        return reading.read_dna(source, self.options, drops)

    def files(self, source: str) -> list[Path]:
        """Of a folder, those whose names say nucleotide sequence; of a glob or a path, all."""
        from domainbert.adapters.dna import reading

        return [] if source == SAMPLE or source.startswith("hub:") else reading.dna_files(source, self.options)

    def canonicalize(self, text: str) -> str:
        """Upper case, U as T, every other IUPAC letter and X as N; anything else stays as it is."""
        return sequence.canonicalize(text)

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """Single bases (``character``), k-mers by the Nucleotide Transformer's rule (``kmer``), or learned pieces (``bpe``)."""
        from domainbert.adapters.dna.tokenizers import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'dna' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        options = self.tokenizer_kinds[kind]() if options is None else options
        return build_tokenizer(options, records, model_max_length=model_max_length)

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """Fixed for ``character`` and ``kmer``; what is asked for with ``bpe``, which a small corpus may fall short of."""
        from domainbert.adapters.dna.tokenizers import vocabulary

        return int(options.vocabulary_size) if isinstance(options, BpeOptions) else len(vocabulary(options))

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """A NumPy look-up for ``character`` and ``kmer``."""
        from domainbert.adapters.dna.encoders import find_encoder

        return find_encoder(tokenizer)

    def is_target(self, token: str) -> bool:
        """Whether an entry is spelled with A, C, G, T alone, in either case, behind a word marker (``Ġ``, ``▁``, ``##``) or not."""
        letters = token.removeprefix("Ġ").removeprefix("▁").removeprefix("##")
        return bool(letters) and not letters.upper().strip("ACGT")

    def sample(self) -> Iterator[Record]:
        """Genomes made by a documented generator (data_cards/dna-sample.md)."""
        from domainbert.adapters.dna.sample import generate

        return generate()

    def probes(self) -> tuple[str, ...]:
        """Lengths around a k-mer, lower case, N runs, RNA, every IUPAC letter."""
        return (
            "ATGACCGAAATTGCGGCTTAACGTACGTTGCA",
            "A",
            "ACGTA",
            "acgtACGTacgtnnACGTACGT",
            "ACGTGTNACGTACNNNNNNNACGTGTACGTN",
            "AUGGCUUAAUGA",
            "ACGTURYSWKMBDHVNXACGTACGT",
            "GATTACA" * 40,
        )

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """Spans of ``kmer``: six bases each from left to right, starting anew behind an N; bases left over are single, N is in none."""
        if unit not in self.unit_names:
            return super().units(text, unit)
        codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8)
        is_base = np.isin(codes, np.frombuffer(b"ACGT", np.uint8))
        starts, widths = sequence.token_grid(is_base, self.alphabet.block)
        keep = is_base[starts] if len(starts) else is_base
        return np.stack((starts, starts + widths), axis=1)[keep]

    def view(self, name: str, record: Record, rng: np.random.Generator) -> Record:
        """``reverse_complement``: the other strand of the same piece."""
        if name not in self.view_names:
            return super().view(name, record, rng)
        meta = dict(record.meta)
        if "strand" in meta:
            meta["strand"] = "-" if meta["strand"] == "+" else "+"
        if "target_weights" in meta:
            meta["target_weights"] = _mirror_spans(meta["target_weights"], len(record.text))
        return replace(record, text=sequence.reverse_complement(record.text), meta=meta)

    def mirror(self, text: str) -> str:
        """The reverse complement."""
        return sequence.reverse_complement(text)


def _mirror_spans(spans: str, length: int) -> str:
    mirrored = []
    for span in reversed(spans.split(",")):
        place, _, weight = span.partition(":")
        first, _, last = place.partition("-")
        mirrored.append(f"{length - int(last)}-{length - int(first)}:{weight}")
    return ",".join(mirrored)
