"""What users can set for molecules: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.recipe.schema import choice, column_name, number


@dataclass(frozen=True, slots=True)
class MoleculesOptions:
    """How molecules are read, and how they are spelled.

    Args:
        format: of the files; ``auto`` tells it by content and suffix.
        column: of a table: where the SMILES are; by default ``smiles`` or the only column. A whole number for files without a header.
        id_column: of a table, or a data field of SDF: where the names are.
        group_column: the same, for groups that must not straddle training and validation; by default Bemis-Murcko scaffolds.
        encoding: of text files.
        form: ``canonical`` is RDKit's canonical SMILES, ``kekulised`` the same with double bonds for aromatic ones, ``as_given`` what
            the file says, once RDKit has understood it.
        stereo: whether stereochemistry and isotopes stay.
        fragments: ``keep`` salts and mixtures, or only the ``largest`` fragment (atoms but hydrogens, then mass, then spelling).
        atom_maps: ``remove`` or ``keep`` the class of ``[CH3:1]``.
        max_atoms: larger molecules are dropped; atoms but hydrogens.
        processes: that read chemistry beside each other; 0 for as many as there are processors.
    """

    format: str = choice("auto", "auto", "lines", "table", "sdf", "jsonl")
    column: str = column_name()
    id_column: str = column_name()
    group_column: str = column_name()
    encoding: str = "utf-8"
    form: str = choice("canonical", "canonical", "as_given", "kekulised")
    stereo: bool = True
    fragments: str = choice("keep", "keep", "largest")
    atom_maps: str = choice("remove", "remove", "keep")
    max_atoms: int = number(999, low=1, high=100_000)
    processes: int = number(0, low=0, high=1024)


@dataclass(frozen=True, slots=True)
class AtomOptions:
    """``kind = "atom"``: an atom, bond, bracket, ring number or part of a bracket atom a token; nothing to set."""
