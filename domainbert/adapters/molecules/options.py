"""What users can set for molecules: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.errors import RecipeError
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
        notation: ``smiles``, or ``selfies``, which are those of the SMILES that the other options ask for; they need the extra
            ``selfies`` and the tokenizer ``kind = "selfies"``. Files and tasks may hold either: text of brackets alone that the library
            understands is read as SELFIES, so that ``[O][O]`` is hydrogen peroxide. What SELFIES cannot express (valences above the
            library's default constraints, wildcards, quadruple and dative bonds, chirality other than ``@`` and ``@@``), and what does
            not come back as the same molecule, is dropped and counted. The two are different strings of different length: bits a
            character do not compare between them. Bits a hidden atom come nearer, though an atom of SELFIES holds its bond, too.
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
    notation: str = choice("smiles", "smiles", "selfies")
    form: str = choice("canonical", "canonical", "as_given", "kekulised")
    stereo: bool = True
    fragments: str = choice("keep", "keep", "largest")
    atom_maps: str = choice("remove", "remove", "keep")
    max_atoms: int = number(999, low=1, high=100_000)
    processes: int = number(0, low=0, high=1024)

    def __post_init__(self) -> None:
        if self.notation == "selfies" and self.atom_maps == "keep":
            raise RecipeError("notation = 'selfies' has no place for the class of [CH3:1]: set atom_maps = 'remove'")


@dataclass(frozen=True, slots=True)
class AtomOptions:
    """``kind = "atom"``: an atom, bond, bracket, ring number or part of a bracket atom a token; nothing to set."""


@dataclass(frozen=True, slots=True)
class SelfiesOptions:
    """``kind = "selfies"``: a symbol such as ``[=C]`` or ``[Branch1]`` a token, rare ones taken apart; nothing to set."""
