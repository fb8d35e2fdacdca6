"""Biomedical text: abstracts, clinical notes, sentences."""

from domainbert.adapters.biomedical.adapter import BiomedicalAdapter

__all__ = ["BiomedicalAdapter"]
