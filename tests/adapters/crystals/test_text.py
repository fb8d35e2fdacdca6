"""The text of a crystal: what it says, that it says it back, and that every cell of a crystal gives the same one."""

import warnings

import numpy as np
import pytest
from pymatgen.core.composition import Composition
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.crystals import CrystalAdapter, notation
from domainbert.adapters.crystals.groups import group
from domainbert.adapters.crystals.notation import read_text, write_text
from domainbert.adapters.crystals.options import CrystalOptions
from domainbert.adapters.crystals.reading import read_raw
from domainbert.adapters.crystals.sample import generate
from domainbert.adapters.crystals.settings import expand
from domainbert.adapters.crystals.standard import smallest, standardize
from domainbert.adapters.crystals.structures import convert
from domainbert.adapters.crystals.wyckoff import letters_of


def text_of(structure):
    species = [tuple(sorted((kind.symbol, round(share * 1e6)) for kind, share in site.species.items())) for site in structure]
    return write_text(standardize(structure.lattice.matrix, structure.frac_coords, species))


def skeleton(text):
    """All but places and shares: those of a rounded text may fall on the next step when it is rounded again."""
    return [token for token in text.split() if token[0] not in "xf."]


SPINEL = Structure.from_spacegroup("Fd-3m", Lattice.cubic(8.08), ["Mg", "Al", "O"], [[0, 0, 0], [5 / 8] * 3, [0.3873] * 3])
QUARTZ = Structure.from_spacegroup("P3_121", Lattice.hexagonal(4.91, 5.4), ["Si", "O"], [[0.47, 0, 1 / 3], [0.41, 0.27, 0.45]])
CUPRATE = Structure.from_spacegroup(
    "I4/mmm", Lattice.tetragonal(3.78, 13.21), [{"La": 0.925, "Sr": 0.075}, "Cu", "O", "O"],
    [[0, 0, 0.361], [0, 0, 0], [0, 0.5, 0], [0, 0, 0.182]],
)  # fmt: skip
POLAR = Structure.from_spacegroup(
    "P2_1", Lattice.monoclinic(5.1, 6.2, 7.3, 98), ["Ag", "S", "S"], [[0.11, 0.2, 0.31], [0.4, 0.5, 0.62], [0.7, 0.01, 0.13]]
)
TILTED = Structure(
    Lattice.from_parameters(4, 5.2, 6.7, 82, 95, 103),
    ["Li", "Mn", "O", "O"],
    [[0, 0, 0], [0.2, 0.3, 0.4], [0.55, 0.6, 0.1], [0.8, 0.7, 0.33]],
)
CRYSTALS = {"spinel": SPINEL, "quartz": QUARTZ, "cuprate": CUPRATE, "polar": POLAR, "tilted": TILTED}


def other_cells(structure, seed):
    rng = np.random.default_rng(seed)
    kinds, places, matrix = structure.species_and_occu, structure.frac_coords, structure.lattice.matrix
    order = rng.permutation(len(kinds))
    unimodular = rng.integers(-1, 2, (3, 3))
    while round(np.linalg.det(unimodular)) != 1:
        unimodular = rng.integers(-1, 2, (3, 3))
    turned = matrix @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
    if np.linalg.det(turned) * np.linalg.det(matrix) < 0:
        turned = -turned  # turning only: the mirror image is another crystal
    yield Structure(matrix, [kinds[place] for place in order], places[order])
    yield Structure(matrix, kinds, places + rng.random(3))
    yield Structure(unimodular @ matrix, kinds, places @ np.linalg.inv(unimodular) + rng.random(3))
    yield structure.make_supercell([1, 2, 1], in_place=False)
    yield Structure(turned, kinds, places)
    yield Structure(-matrix, kinds, -places)


@pytest.mark.invariant
@pytest.mark.parametrize("name", CRYSTALS)
def test_every_cell_of_a_crystal_gives_the_same_text(name):
    text = text_of(CRYSTALS[name])
    for seed in range(3):
        assert [text_of(other) for other in other_cells(CRYSTALS[name], seed)] == [text] * 6


def test_a_mirror_image_is_another_crystal():
    left = Structure(QUARTZ.lattice, QUARTZ.species, -QUARTZ.frac_coords)
    assert (read_text(text_of(QUARTZ)).number, read_text(text_of(left)).number) in {(152, 154), (154, 152)}


def test_text_says_what_the_notation_promises():
    text = text_of(CUPRATE)
    assert text.startswith("sg139 a= n3 .78 .00 c= n13 .21 .00 m2 wa Cu x0 x0 x0 m4 wc O x0 x60 x0 ")
    assert "La .92 .50 Sr .07 .50" in text and text.endswith(" ;")
    crystal = read_text(text)
    assert (crystal.number, crystal.num_sites) == (139, 14)
    assert Composition(crystal.composition()).fractional_composition.almost_equals(CUPRATE.composition.fractional_composition, 1e-6)


@pytest.mark.parametrize("name", CRYSTALS)
def test_text_gives_the_structure_back(name):
    """Coordinates to 1/12,000, lengths to 1e-4: the smallest distances agree to what these add up to."""
    structure, standard = CRYSTALS[name], expand(read_text(text_of(CRYSTALS[name])))
    basis = np.linalg.cholesky(standard.metric)
    points = [(points, kind) for points, kind in zip(standard.points, standard.species, strict=True)]
    back = Structure(
        basis, [{symbol: share / 1e6 for symbol, share in kind} for p, kind in points for _ in p], np.concatenate([p for p, _ in points])
    )
    assert back.volume / len(back) == pytest.approx(structure.volume / len(structure), rel=3e-4)  # an angle to 0.01 degrees
    nearest = [np.sort(np.round(cell.get_neighbor_list(4.0)[3], 6)) for cell in (structure, back)]
    counts = [len(distances) / len(cell) for distances, cell in zip(nearest, (structure, back), strict=True)]
    assert counts[0] == pytest.approx(counts[1])
    assert [distances[0] for distances in nearest] == pytest.approx([nearest[0][0]] * 2, abs=3e-3)


def test_tokens_cover_the_sample_and_nothing_else_is_read():
    vocabulary = set(notation.vocabulary())
    for record, _ in zip(generate(60), range(60), strict=False):
        assert set(record.text.split()) <= vocabulary
        assert write_text(read_text(record.text)) == record.text
    for wrong in ("sg231 a= n1 .00 .00 ;", "sg225 c= n1 .00 .00 ;", "sg225 a= n1 .00 .00 m4 wa Na x0 x0", "sg225 a= n1 .00 .00 ; m4"):
        with pytest.raises(ValueError, match=r"token|outside"):
            read_text(wrong)


@pytest.mark.parametrize(("number", "count"), [(62, 8), (216, 8), (225, 2), (230, 1), (194, 2), (19, 48)])
def test_settings_are_as_many_as_the_tables_say(number, count):
    """Index of the group in its Euclidean normaliser without mirror images: International Tables A, table 3.5.2."""
    assert len(group(number).settings.Q_K) == count


@pytest.mark.parametrize(
    ("number", "point", "multiplicity", "letter"),
    [
        (166, (1217, 6608, 5245), 18, "h"),  # its images lie halfway between steps of many roundings
        (166, (0, 0, 0), 3, "a"),
        (166, (0, 0, 6000), 3, "b"),
        (225, (3000, 3000, 3000), 8, "c"),
        (47, (1, 2, 3), 8, "A"),  # a step off the places of other letters
        (47, (0, 2, 3), 4, "u"),
        (216, (9000, 9000, 9000), 4, "d"),
        (2, (6000, 6000, 6000), 1, "h"),
    ],
)
def test_wyckoff_letters(number, point, multiplicity, letter):
    """International Tables A."""
    assert letters_of(group(number), np.array([point]) / 12_000, [multiplicity]) == [letter]


@pytest.mark.parametrize(
    ("length", "spelled"), [(0.9, "n0 .90 .00"), (200.5, "n200 .50 .00"), (257.0, "n200 n57 .00 .00"), (400.0, "n200 n200 .00 .00")]
)
def test_long_cells(length, spelled):
    text = text_of(Structure(Lattice.tetragonal(3, length), ["Po"], [[0, 0, 0]]))
    assert f"c= {spelled} m1" in text and write_text(read_text(text)) == text
    assert read_text(text).cell[2] == round(length * 1e4)


def test_views_are_the_same_crystal():
    adapter, rng = CrystalAdapter(), np.random.default_rng(0)
    changed = 0
    for structure in CRYSTALS.values():
        record = Record("x", text_of(structure), "g")
        for name in ("setting", "orbit_order"):
            view = adapter.view(name, record, rng)
            changed += view.text != record.text
            again = expand(read_text(view.text))
            assert read_text(view.text).composition() == read_text(record.text).composition()
            assert skeleton(write_text(smallest(again))) == skeleton(record.text)
    assert changed >= 6


def test_units_and_parts():
    adapter, text = CrystalAdapter(), text_of(CUPRATE)
    spell = lambda spans: [text[start:end] for start, end in spans.tolist()]  # noqa: E731
    assert spell(adapter.units(text, "element")) == ["Cu", "O", "La", "Sr", "O"]
    assert spell(adapter.units(text, "lattice")) == ["a= n3 .78 .00 c= n13 .21 .00"]
    assert spell(adapter.units(text, "number"))[:3] == ["n3 .78 .00", "n13 .21 .00", "x0"]
    assert len(adapter.units(text, "orbit")) == 4
    parts = adapter.breakdown(text)
    assert sum(len(spans) for spans in parts.values()) == len(adapter.units(text, "value"))


@pytest.mark.slow
def test_real_crystals(shared_data):
    """Every 120th of the 3DSC CIFs: all become text, and it has pymatgen's composition."""
    from pymatgen.io.cif import CifParser

    raws = list(read_raw(str(shared_data / "crystals" / "3dsc_mp_final_cifs.tar.gz"), CrystalOptions(), Drops()))
    assert len(raws) == 10_904
    for raw, converted in zip(raws[::120], convert(raws[::120], max_sites=500, occupancy_tolerance=1.05), strict=True):
        assert converted.text and not converted.reason
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exact = CifParser.from_str(raw.data, occupancy_tolerance=1.05).parse_structures(primitive=False)[0].composition
        back = Composition(read_text(converted.text).composition())
        assert exact.fractional_composition.almost_equals(back.fractional_composition, 1e-6, 1e-6)
