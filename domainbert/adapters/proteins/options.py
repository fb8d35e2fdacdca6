"""What users can set for proteins: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.recipe.schema import choice, column_name, number


@dataclass(frozen=True, slots=True)
class ProteinsOptions:
    """How proteins are read.

    Whatever is set: only the twenty amino acids are ever predicted; a ``*`` at the end is taken off, one inside drops the entry.

    Args:
        format: of the files; ``auto`` tells it by content.
        column: of a table: where the sequences are; by default ``sequence``, ``text`` or the only column.
        id_column: of a table: where the ids are; by default rows are numbered.
        group_column: of a table: what must not straddle training and validation, such as a family.
        clusters: a file of two columns, cluster and member (what ``mmseqs createtsv`` writes): entries are grouped by cluster.
        encoding: of FASTA headers and CSV; one in which ASCII is ASCII.
        nonstandard: U, O, B and Z: ``keep`` them as visible letters (tokens of ESM-2), read them as ``x``, or ``drop`` the entry.
        gaps: ``-`` and ``.`` of alignments: ``remove`` or ``keep`` them (visible, never predicted), or ``drop`` the entry.
        min_length: shorter entries are dropped, residues.
        max_unknown: entries with a larger share of X are dropped.
    """

    format: str = choice("auto", "auto", "fasta", "uniprot", "uniprot_xml", "lines", "table", "jsonl")
    column: str = column_name()
    id_column: str = column_name()
    group_column: str = column_name()
    clusters: str = ""
    encoding: str = "utf-8"
    nonstandard: str = choice("keep", "keep", "x", "drop")
    gaps: str = choice("remove", "remove", "keep", "drop")
    min_length: int = number(2, low=1)
    max_unknown: float = number(0.5, low=0.0, high=1.0)


@dataclass(frozen=True, slots=True)
class ResidueOptions:
    """``kind = "residue"``: one token a residue, with the ids of ESM-2; nothing to set."""
