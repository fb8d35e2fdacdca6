"""Is the text of a crystal the same whatever cell describes it, and does it keep the composition?

python benchmarks/crystal_invariance.py invariance CIFS.tar.gz... [--structures 1000]
python benchmarks/crystal_invariance.py composition CIFS.tar.gz...
"""

import argparse
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np
from pymatgen.core.composition import Composition
from pymatgen.core.structure import Structure
from pymatgen.io.cif import CifParser

from domainbert.adapters.base import Drops
from domainbert.adapters.crystals.faults import Unusable
from domainbert.adapters.crystals.notation import read_text, write_text
from domainbert.adapters.crystals.options import CrystalOptions
from domainbert.adapters.crystals.reading import read_raw
from domainbert.adapters.crystals.standard import standardize
from domainbert.adapters.crystals.structures import Raw, _species, convert
from domainbert.corpus.parallel import ordered_map

TOLERANCE = 1.05


def structure_of(raw: Raw) -> Structure:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CifParser.from_str(raw.data, occupancy_tolerance=TOLERANCE).parse_structures(primitive=False)[0]


def text_of(structure: Structure) -> str:
    species = [_species(site.species, set()) for site in structure]
    return write_text(standardize(structure.lattice.matrix, structure.frac_coords, species))


def changed(structure: Structure, rng: np.random.Generator) -> dict[str, Structure]:
    """The same crystal, described otherwise."""
    kinds, places, matrix = structure.species_and_occu, structure.frac_coords, structure.lattice.matrix
    order = rng.permutation(len(structure))
    unimodular = rng.integers(-1, 2, (3, 3))
    while round(np.linalg.det(unimodular)) != 1:
        unimodular = rng.integers(-1, 2, (3, 3))
    cell = Structure(unimodular @ matrix, kinds, places @ np.linalg.inv(unimodular))
    both = Structure(cell.lattice, [kinds[number] for number in order], (cell.frac_coords + rng.random(3))[order])
    return {
        "atom order": Structure(matrix, [kinds[number] for number in order], places[order]),
        "origin shift": Structure(matrix, kinds, places + rng.random(3)),
        "unimodular cell": cell,
        "2x1x1 supercell": structure.make_supercell([2, 1, 1], in_place=False),
        "order, cell and origin": both,
    }


def differences(raws: list[Raw]) -> list[dict[str, str]]:
    """For each structure ``same``, ``text`` (another text) or ``skeleton`` (other group, letters or lattice), by change."""
    found = []
    for raw in raws:
        structure = structure_of(raw)
        rng = np.random.default_rng(sum(map(ord, raw.id)))
        try:
            text = text_of(structure)
            others = {name: text_of(other) for name, other in changed(structure, rng).items()}
        except Unusable as unusable:
            found.append({"unusable": unusable.reason})
            continue
        found.append(
            {
                name: "same" if other == text else "text" if skeleton(other) == skeleton(text) else "skeleton"
                for name, other in others.items()
            }
        )
    return found


def skeleton(text: str) -> list[str]:
    return [token for token in text.split() if token[0] not in "xf"]


def compositions(raws: list[Raw]) -> list[tuple[str, float, int]]:
    """Reason, error of the largest share, and tokens of each structure."""
    found = []
    for raw, converted in zip(raws, convert(raws, max_sites=500, occupancy_tolerance=TOLERANCE), strict=True):
        if converted.reason:
            found.append((converted.reason, 0.0, 0))
            continue
        exact = structure_of(raw).composition.element_composition.fractional_composition
        back = Composition(read_text(converted.text).composition()).fractional_composition
        error = max(abs(exact[element] - back[element]) for element in {*exact, *back})
        found.append((" ".join(converted.altered), float(error), len(converted.text.split())))
    return found


def raws_of(sources: list[str]) -> Iterator[Raw]:
    for source in sources:
        drops = Drops()
        yield from read_raw(source, CrystalOptions(), drops)
        print(f"{source}: not read {dict(drops.counts)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("invariance", "composition"))
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--structures", type=int, default=0, help="every so many of them, so that about this number is left; 0 for all")
    parser.add_argument("--processes", type=int, default=0)
    args = parser.parse_args()
    raws: Iterator[Raw] = raws_of(args.sources)
    if args.structures:
        total = sum(1 for _ in raws_of(args.sources))
        raws = islice(raws, 0, None, max(1, total // args.structures))
    run = partial(ordered_map, processes=args.processes, chunk=16, alone=16)
    if args.what == "invariance":
        counts: dict[str, Counter[str]] = {}
        for _, found in run(differences, raws):
            for name, outcome in found.items():
                counts.setdefault(name, Counter())[outcome] += 1
        for name, outcomes in counts.items():
            share = outcomes["same"] / outcomes.total()
            print(f"{name:24} {outcomes['same']:6} of {outcomes.total():6} identical {share:8.2%}  {dict(outcomes)}")
        return
    errors, reasons, tokens = [], Counter(), []
    for _, (reason, error, length) in run(compositions, raws):
        reasons[reason or "as it is"] += 1
        if length:
            errors.append(error)
            tokens.append(length)
    print(f"{len(errors)} texts; largest error of an element's share {max(errors):.1e}; {dict(reasons)}")
    print("tokens, percentiles 5 50 90 99 100:", np.percentile(tokens, [5, 50, 90, 99, 100]).tolist())


if __name__ == "__main__":
    import crystal_invariance  # under its own name: other processes have to find its functions

    crystal_invariance.main()
