"""What users can set for drug-target pairs: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.recipe.schema import choice, number


@dataclass(frozen=True, slots=True)
class DrugTargetOptions:
    """How pairs are read, and what must not straddle splits.

    Args:
        holds: ``pairs``, or unpaired ``drugs`` (whatever the adapter molecules reads) or ``targets`` (whatever proteins reads).
        drug_column: of a table of pairs: where the SMILES are.
        target_column: where the sequences are.
        affinity_column: where the affinities are; an empty cell is a pair without a label. Empty for a table without any.
        encoding: of text files.
        affinity: ``nanomolar`` takes values as concentrations and learns 9 - log10, ``as_given`` takes them as they are, ``auto`` tells it
            from a matrix's values: none above 20 can be a negative logarithm of a concentration. A table is taken as it is.
        ligands: of DeepDTA's two files of drugs: ``can`` without stereochemistry, ``iso`` with.
        max_residues: longer targets are cut there and counted; 0 for no limit.
        group: ``drug`` for scaffolds, ``target`` for families, ``fold`` for DeepDTA's, ``both`` for names that begin with ``cold`` where
            drug and target are both to be held out, ``mixed`` where one is, and ``warm`` where none is.
        cold: share of scaffolds, and of families, that are to be held out; which ones follows from their names alone.
        similarity: targets that share this much of their strings of six residues are a family, of the shorter one's.
        processes: that read chemistry beside each other; 0 for as many as there are processors.
    """

    holds: str = choice("pairs", "pairs", "drugs", "targets")
    drug_column: str = "drug"
    target_column: str = "target"
    affinity_column: str = "affinity"
    encoding: str = "utf-8"
    affinity: str = choice("auto", "auto", "as_given", "nanomolar")
    ligands: str = choice("can", "can", "iso")
    max_residues: int = number(0, low=0)
    group: str = choice("both", "both", "drug", "target", "fold")
    cold: float = number(0.2, low=0.0, high=1.0)
    similarity: float = number(0.5, above=0.0, high=1.0)
    processes: int = number(0, low=0, high=1024)


@dataclass(frozen=True, slots=True)
class AtomResidueOptions:
    """``kind = "atom-residue"``: the tokens of SMILES, then one token a residue; nothing to set."""
