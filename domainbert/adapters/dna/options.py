"""What users can set for DNA: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.recipe.schema import choice, column_name, number


@dataclass(frozen=True, slots=True)
class DnaOptions:
    """How DNA is read.

    Args:
        format: of the files; ``auto`` tells it by content.
        column: of a table or data set: where the sequences are; by default ``sequence``, ``seq``, ``text`` or the only column.
        id_column: of a table or data set: where the ids are; by default rows are numbered.
        encoding: of FASTA headers and CSV; one in which ASCII is ASCII.
        window: longest piece of an entry, bases.
        max_n_run: longer runs of unknown bases are cut out.
        min_piece: shorter pieces left by cutting are trimmed, bases.
        soft_mask_weight: how readily a lower-case base of FASTA becomes a target, 0 (never) to 1 (as any other).
    """

    format: str = choice("auto", "auto", "fasta", "genbank", "lines", "table")
    column: str = column_name()
    id_column: str = column_name()
    encoding: str = "utf-8"
    window: int = number(65536, low=64)
    max_n_run: int = number(10, low=0, high=10_000)
    min_piece: int = number(20, low=1, high=64)
    soft_mask_weight: float = number(1.0, low=0.0, high=1.0)


@dataclass(frozen=True, slots=True)
class CharacterOptions:
    """``kind = "character"``: one token a base; nothing to set."""


@dataclass(frozen=True, slots=True)
class KmerOptions:
    """``kind = "kmer"``: ``k`` bases a token, not overlapping."""

    k: int = number(6, low=2, high=7)


@dataclass(frozen=True, slots=True)
class BpeOptions:
    """``kind = "bpe"``: pieces learned on the corpus; ``vocabulary_size`` counts the special tokens."""

    vocabulary_size: int = number(4096, low=16, high=65536)
