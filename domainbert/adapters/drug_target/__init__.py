"""Drugs and their targets: SMILES and amino-acid sequence in one text."""

from domainbert.adapters.drug_target.adapter import DrugTargetAdapter

__all__ = ["DrugTargetAdapter"]
