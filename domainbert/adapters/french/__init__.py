"""French text: books, web pages, newspapers, treebanks."""

from domainbert.adapters.french.adapter import FrenchAdapter

__all__ = ["FrenchAdapter"]
