"""Crystals: structures as text."""

from domainbert.adapters.crystals.adapter import CrystalAdapter

__all__ = ["CrystalAdapter"]
