"""What RDKit says of a molecule: its spelling under the chosen policy and notation, its scaffold, or why it cannot be used."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from rdkit import Chem, rdBase
from rdkit.Chem import rdmolops
from rdkit.Chem.Descriptors import ExactMolWt  # type: ignore[attr-defined]

from domainbert.adapters.molecules.options import MoleculesOptions
from domainbert.adapters.molecules.translation import UntranslatableError, complaint, decode, encode

MAX_ROUNDS = 4  # a canonical spelling that is still changed when read and written as often is none
_MAPS = re.compile(r"(\[[^\]:]*):\d+\]")

# The parser's own sentences, shortened to a word each
_SYNTAX = {
    "unclosed ring": "unclosed_ring",
    "duplicated ring closure": "ring_closes_on_itself",
    "extra open parentheses": "unbalanced_parentheses",
    "extra close parentheses": "unbalanced_parentheses",
    "syntax error": "syntax_error",
}
_PROBLEMS = {
    "AtomValenceException": "valence",
    "KekulizeException": "cannot_kekulise",
    "AtomKekulizeException": "aromatic_atom_outside_ring",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one molecule.

    Args:
        text: its SMILES or SELFIES; empty if it is dropped.
        group: its scaffold; of a molecule without rings a hash of its own.
        reason: the word under which a drop is counted.
        detail: the drop in the words of RDKit, or of the library of SELFIES.
    """

    text: str = ""
    group: str = ""
    reason: str = ""
    detail: str = ""


def judge_smiles(texts: Sequence[str], options: MoleculesOptions) -> list[Verdict]:
    """The verdict on each SMILES; with ``notation = "selfies"``, on each of either notation."""
    with rdBase.BlockLogs():
        return [_judge(text, *_read(text, options), options) for text in texts]


def judge_blocks(blocks: Sequence[str], options: MoleculesOptions) -> list[Verdict]:
    """The verdict on each molecule of an SD file. ``as_given`` keeps the order of its atoms."""
    with rdBase.BlockLogs():
        return [_judge("", "", Chem.MolFromMolBlock(block), options, block=block) for block in blocks]


def spell(text: str, options: MoleculesOptions) -> str:
    """A molecule under the chosen policy; text that RDKit does not understand, or SELFIES cannot express, stays as it is.

    Reading and writing goes on until nothing changes, so that the result is its own spelling.
    """
    with rdBase.BlockLogs():
        smiles, mol = _read(text, options)
        if mol is None or not mol.GetNumAtoms():
            return text
        try:
            return _written(text, smiles, _spelled(smiles, mol, options), options)
        except UntranslatableError:
            return text


def smiles_of(texts: Sequence[str]) -> list[str]:
    """Canonical SELFIES as canonical SMILES; text that is no molecule stays as it is."""
    with rdBase.BlockLogs():
        mols = [Chem.MolFromSmiles(decode(text) or text) for text in texts]
        return [text if mol is None else str(Chem.MolToSmiles(mol)) for text, mol in zip(texts, mols, strict=True)]


def respell(text: str, seed: int, options: MoleculesOptions) -> str:
    """The same molecule, written from a random atom on in random order (Bjerrum 2017, arXiv 1703.07076)."""
    with rdBase.BlockLogs():
        mol = _read(text, options)[1]
        if mol is None:
            return text
        smiles = str(Chem.MolToRandomSmilesVect(mol, 1, randomSeed=seed, kekuleSmiles=options.form == "kekulised")[0])
        try:
            return smiles if options.notation == "smiles" else _selfies(smiles, options)
        except UntranslatableError:
            return text


def _read(text: str, options: MoleculesOptions) -> tuple[str, Chem.Mol | None]:
    """A text of the notation, or of SMILES, as SMILES and as RDKit understands it."""
    smiles = (decode(text) if options.notation == "selfies" else None) or text
    return smiles, Chem.MolFromSmiles(smiles)


def _judge(text: str, smiles: str, mol: Chem.Mol | None, options: MoleculesOptions, *, block: str | None = None) -> Verdict:
    if mol is None:
        words = complaint(text) if options.notation == "selfies" and smiles == text else ""
        return Verdict(reason="selfies_symbol", detail=words) if words else _refused(smiles, block)
    if not mol.GetNumAtoms():
        return Verdict(reason="no_atoms", detail="RDKit reads a molecule of no atoms")
    if mol.GetNumHeavyAtoms() > options.max_atoms:
        return Verdict(reason="too_many_atoms", detail=f"{mol.GetNumHeavyAtoms()} atoms, the option max_atoms is {options.max_atoms}")
    smiles = smiles if block is None else Chem.MolToSmiles(mol, canonical=False)
    spelled = _spelled(smiles, mol, options)
    try:
        written = _written(text, smiles, spelled, options)
    except UntranslatableError as error:
        return Verdict(reason=error.reason, detail=error.detail)
    named = written if options.form == "as_given" else spelled  # the same for both notations, where a molecule has one SMILES
    return Verdict(written, "" if options.group_column else _scaffold(mol, named, options))


def _written(text: str, smiles: str, spelled: str, options: MoleculesOptions) -> str:
    """The spelled SMILES in the notation that is wanted; SELFIES that are wanted as given stay what they are.

    Raises:
        UntranslatableError: SELFIES cannot express it.
    """
    if options.notation == "smiles":
        return spelled
    stays = options.form == "as_given" and spelled == smiles and text not in (smiles, "")
    return text if stays else _selfies(spelled, options)


def _selfies(smiles: str, options: MoleculesOptions) -> str:
    """The SELFIES of a SMILES, if they lead back to the same molecule."""
    text = encode(smiles)
    back = decode(text)
    mol = None if back is None else Chem.MolFromSmiles(back)
    if mol is None or (Chem.MolToSmiles(mol) != smiles and not _alike(mol, Chem.MolFromSmiles(smiles), options)):
        raise UntranslatableError("selfies_round_trip", f"{smiles} comes back as {back or 'nothing'}")
    return text


def _alike(one: Chem.Mol, other: Chem.Mol | None, options: MoleculesOptions) -> bool:
    return other is not None and _settled("", one, options) == _settled("", other, options)


def _spelled(text: str, mol: Chem.Mol, options: MoleculesOptions) -> str:
    if options.form == "as_given" and (options.fragments == "keep" or "." not in text) and options.stereo:
        return _MAPS.sub(r"\1]", text) if options.atom_maps == "remove" else text
    mol = _edited(mol, options)
    if options.form == "as_given":
        return str(Chem.MolToSmiles(mol, canonical=False, isomericSmiles=options.stereo))
    canonical = _settled(text, mol, options)
    return _kekulised(canonical, options) if options.form == "kekulised" else canonical


def _settled(text: str, mol: Chem.Mol, options: MoleculesOptions) -> str:
    """The canonical SMILES, read and written until it stays what it is."""
    canonical = Chem.MolToSmiles(mol, isomericSmiles=options.stereo)
    for _ in range(MAX_ROUNDS):
        if canonical == text:
            break
        again = Chem.MolFromSmiles(canonical)
        text, canonical = canonical, canonical if again is None else Chem.MolToSmiles(again, isomericSmiles=options.stereo)
    return str(canonical)


def _edited(mol: Chem.Mol, options: MoleculesOptions) -> Chem.Mol:
    """The molecule without what the policy leaves out."""
    if options.fragments == "largest":
        mol = max(Chem.GetMolFrags(mol, asMols=True), key=lambda part: (part.GetNumHeavyAtoms(), ExactMolWt(part), Chem.MolToSmiles(part)))
    if options.atom_maps == "remove" and any(atom.GetAtomMapNum() for atom in mol.GetAtoms()):
        mol = Chem.Mol(mol)
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(0)
    return mol


def _kekulised(canonical: str, options: MoleculesOptions) -> str:
    """In the atom order of the canonical spelling, where alone the places of the double bonds follow from the molecule."""
    mol = Chem.MolFromSmiles(canonical)
    if mol is None:
        return canonical
    Chem.Kekulize(mol, clearAromaticFlags=True)
    return str(Chem.MolToSmiles(mol, canonical=False, kekuleSmiles=True, isomericSmiles=options.stereo))


def _scaffold(mol: Chem.Mol, spelled: str, options: MoleculesOptions) -> str:
    """Bemis and Murcko 1996, J. Med. Chem. 39, 2887-2893, without stereochemistry."""
    scaffold = str(Chem.MolToSmiles(rdmolops.MurckoDecompose(_edited(mol, options)), isomericSmiles=False))
    return scaffold or f"acyclic-{blake2b(spelled.encode(), digest_size=8).hexdigest()}"


def _refused(text: str, block: str | None) -> Verdict:
    """Why RDKit refuses a molecule."""
    with rdBase.CaptureErrorLog() as capture:
        mol = Chem.MolFromSmiles(text, sanitize=False) if block is None else Chem.MolFromMolBlock(block, sanitize=False)
    if mol is None:
        words = capture.messages.strip().split("\n")[0].split("] ", 1)[-1]
        reason = next((word for sentence, word in _SYNTAX.items() if sentence in words), "cannot_be_parsed")
        return Verdict(reason=reason, detail=words)
    problems = Chem.DetectChemistryProblems(mol)
    if not problems:
        return Verdict(reason="cannot_be_sanitised", detail="RDKit reads it only without its checks")
    kind, words = problems[0].GetType(), problems[0].Message().strip()
    return Verdict(reason=_PROBLEMS.get(kind, "cannot_be_sanitised"), detail=words)
