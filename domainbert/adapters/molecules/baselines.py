"""What molecules are told apart by without an encoder: which surroundings of atoms they have, and a dozen sums over their atoms."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from domainbert.adapters.molecules.chemistry import smiles_of

RADIUS, BITS = 2, 2048  # of ECFP4: Rogers and Hahn 2010, J. Chem. Inf. Model. 50, 742-754
_DESCRIPTORS: tuple[Callable[[Chem.Mol], float], ...] = (
    Descriptors.MolWt,  # type: ignore[attr-defined]
    Crippen.MolLogP,  # type: ignore[attr-defined]
    rdMolDescriptors.CalcTPSA,
    rdMolDescriptors.CalcNumHBD,
    rdMolDescriptors.CalcNumHBA,
    rdMolDescriptors.CalcNumRotatableBonds,
    rdMolDescriptors.CalcNumRings,
    rdMolDescriptors.CalcNumAromaticRings,
    rdMolDescriptors.CalcFractionCSP3,
    Chem.GetFormalCharge,
    lambda mol: float(mol.GetNumHeavyAtoms()),
)


def fingerprints() -> Any:
    """A transformer of canonical SMILES to Morgan fingerprints, ``(N, 2048)`` of 0 and 1."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(_fingerprints)


def descriptors() -> Any:
    """A transformer of canonical SMILES to weight, logP, polar surface, donors, acceptors, bonds that turn, rings and the like."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(_descriptors)


def on_smiles(features: Callable[[], Any]) -> Any:
    """A transformer of canonical SELFIES, by way of their SMILES."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(smiles_of), features())


def _fingerprints(texts: Sequence[str]) -> Any:
    generator = GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    return np.stack([generator.GetFingerprintAsNumPy(mol) for mol in _molecules(texts)]).astype(np.float32)


def _descriptors(texts: Sequence[str]) -> Any:
    return np.array([[describe(mol) for describe in _DESCRIPTORS] for mol in _molecules(texts)], np.float64)


def _molecules(texts: Sequence[str]) -> Iterator[Chem.Mol]:
    """The molecules; of a text that is none, one without atoms."""
    with rdBase.BlockLogs():
        for text in texts:
            yield Chem.MolFromSmiles(text) or Chem.Mol()
