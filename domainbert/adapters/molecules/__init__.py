"""Molecules: the domain of SMILES."""

from domainbert.adapters.molecules.adapter import MoleculesAdapter

__all__ = ["MoleculesAdapter"]
