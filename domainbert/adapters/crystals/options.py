"""What users can set for crystals: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.recipe.schema import choice, column_name, number


@dataclass(frozen=True, slots=True)
class CrystalOptions:
    """How crystals are read.

    Args:
        format: of the files; ``auto`` tells it by content and name.
        column: of a table or data set: where the CIF texts are.
        id_column: of a table or data set: where the ids are; by default rows are numbered.
        encoding: of CSV.
        group: what must not straddle training and validation: all crystals of the same elements, or only of the same formula (doping
            series then stand on both sides).
        max_sites: crystals with more sites in the cell that the file gives are dropped.
        occupancy_tolerance: shares of a site that sum to more than 1 and at most this are scaled down.
        processes: that convert structures; 0 for as many as there are processors.
    """

    format: str = choice("auto", "auto", "cif", "poscar", "json", "jsonl", "table", "tar")
    column: str = column_name("cif")
    id_column: str = column_name()
    encoding: str = "utf-8"
    group: str = choice("elements", "elements", "formula")
    max_sites: int = number(500, low=1, high=5000)
    occupancy_tolerance: float = number(1.05, low=1.0, high=1.5)
    processes: int = number(0, low=0, high=1024)


@dataclass(frozen=True, slots=True)
class SymbolOptions:
    """``kind = "symbol"``: every symbol and piece of a number is a token; nothing to set."""
