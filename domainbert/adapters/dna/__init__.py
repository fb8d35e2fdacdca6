"""DNA: the domain of nucleotide sequence."""

from domainbert.adapters.dna.adapter import DnaAdapter

__all__ = ["DnaAdapter"]
