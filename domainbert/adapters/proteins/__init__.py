"""Proteins: the domain of amino-acid sequence."""

from domainbert.adapters.proteins.adapter import ProteinsAdapter

__all__ = ["ProteinsAdapter"]
