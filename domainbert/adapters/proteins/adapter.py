"""The proteins adapter."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from domainbert.adapters.base import Adapter, Alphabet, Baseline, Drops, Encode, Record, string_counts
from domainbert.adapters.proteins import sequence
from domainbert.adapters.proteins.options import ProteinsOptions, ResidueOptions
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"


class ProteinsAdapter(Adapter):
    """Amino-acid sequence, with the tokens of ESM-2.

    Records are whole chains. Training draws windows of at most ``max_length`` tokens, special tokens included, from long ones, from
    another place each epoch.
    """

    name = "proteins"
    summary = "amino-acid sequence from FASTA, UniProt (flat, XML), plain lines, CSV and Parquet; the ids of ESM-2"
    canonical_version = sequence.CANONICAL_VERSION
    Options = ProteinsOptions
    tokenizer_kinds: ClassVar = {"residue": ResidueOptions}
    alphabet = Alphabet(sequence.RESIDUES, "residue")
    group_name = "family"

    options: ProteinsOptions

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._table = sequence.canonical_table(self.options)

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the chains of a path, glob, folder, ``hub:owner/name[:config][/split]`` or ``sample``, spelled canonically.

        ``group`` is the cluster of the option ``clusters``, else the family that the source names, else a hash of the sequence.
        """
        from domainbert.adapters.proteins import reading

        drops = Drops() if drops is None else drops
        if source == SAMPLE:
            return reading.Judge(self.options, drops)(reading.sample_texts(self.sample()), path=SAMPLE, name=SAMPLE)
        return reading.read_proteins(source, self.options, drops)

    def files(self, source: str) -> list[Path]:
        """Of a folder, those whose names say protein sequence; of a glob or a path, all."""
        from domainbert.adapters.proteins import reading

        return [] if source == SAMPLE or source.startswith("hub:") else reading.protein_files(source, self.options)

    def canonicalize(self, text: str) -> str:
        """Upper case without white space, J as X, no ``*`` at the end; gaps and U, O, B, Z as the options say."""
        return text if sequence.is_standard(text) else text.translate(self._table).rstrip(sequence.STOP)

    def group(self, text: str) -> str:
        """A hash of the sequence, as for entries of which no family is known: identical chains stay together."""
        from domainbert.adapters.proteins.reading import sequence_group

        return sequence_group(text)

    def baselines(self) -> tuple[Baseline, ...]:
        """Shares of residues alone, and of strings of up to three."""
        return (Baseline("shares of residues", partial(string_counts, 1)), *super().baselines())

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """One token a residue (``residue``), with the ids of ESM-2; nothing is learned."""
        from domainbert.adapters.proteins.tokenizers import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'proteins' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        return build_tokenizer(model_max_length=model_max_length)

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """Fixed."""
        from domainbert.adapters.proteins.tokenizers import VOCABULARY

        return len(VOCABULARY)

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """A look-up."""
        from domainbert.adapters.proteins.tokenizers import find_encoder

        return find_encoder(tokenizer)

    def is_target(self, token: str) -> bool:
        """Whether an entry is spelled with the twenty amino acids alone, behind a word marker (``Ġ``, ``▁``, ``##``) or not."""
        letters = token.removeprefix("Ġ").removeprefix("▁").removeprefix("##")
        return bool(letters) and not letters.strip(sequence.RESIDUES)

    def sample(self) -> Iterator[Record]:
        """Families evolved from well-known proteins by a documented generator (data_cards/proteins-sample.md)."""
        from domainbert.adapters.proteins.sample import generate

        return generate()

    def probes(self) -> tuple[str, ...]:
        """Short and long, lower case, every letter that is no amino acid, a stop, gaps, blanks."""
        return (
            "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG",
            "M",
            "acdefghiklmnpqrstvwy",
            "MKXBUZOJAW",
            "MSTNPKPQRKTKRNTNRRPQDVKFPGG*",
            "MKV--LAT.GG",
            "M K V L",
            "GSHM" * 60,
        )
