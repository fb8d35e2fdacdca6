"""From files to records: formats, archives, and every bad structure by its name."""

import gzip
import io
import json
import re
import tarfile

import pytest
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from domainbert.adapters.base import Drops
from domainbert.adapters.crystals import CrystalAdapter
from domainbert.adapters.crystals.options import CrystalOptions
from domainbert.errors import CorpusError

CIF = """data_{name}
_cell_length_a {a}
_cell_length_b 4.0
_cell_length_c 4.0
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{sites}
"""
CSCL = "Cs1 Cs 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"
TEXT = "sg221 a= n4 .00 .00 m1 wa Cl x0 x0 x0 m1 wb Cs x60 x60 x60 ;"


def cif(sites=CSCL, *, a="4.0", name="x"):
    return CIF.format(name=name, a=a, sites=sites)


def read(source, **options):
    drops = Drops()
    return list(CrystalAdapter(CrystalOptions(processes=1, **options)).records(str(source), drops=drops)), drops


def write(folder, name, text):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def tar(members, *, links=()):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in members:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return buffer.getvalue()


def structure():
    return Structure(Lattice.cubic(4), ["Cs", "Cl"], [[0, 0, 0], [0.5] * 3])


def test_every_format_gives_the_same_text(tmp_path):
    write(tmp_path, "a.cif", cif())
    write(tmp_path, "b.vasp", structure().to(fmt="poscar"))
    write(tmp_path, "c.json", json.dumps(structure().as_dict()))
    write(tmp_path, "d.jsonl", json.dumps(structure().as_dict()) + "\n" + json.dumps(structure().as_dict()) + "\n")
    write(tmp_path, "e.csv", 'id,cif\n1,"' + cif() + '"\n')
    write(tmp_path, "f.tar.gz", gzip.compress(tar([("x/y.cif", cif()), ("x/README", "notes")])))
    write(tmp_path, "g.cif.gz", gzip.compress(cif().encode()))
    records, drops = read(tmp_path)
    assert [record.text for record in records] == [TEXT] * 8
    assert [record.group for record in records] == ["Cl-Cs"] * 8
    assert (drops.num_kept, dict(drops.counts)) == (8, {})
    assert [record.id for record in records][:2] == ["a.cif", "b.vasp"]
    assert records[0].meta == {"file": "a.cif", "formula": "CsCl", "kind": "ordered"}


BAD = {
    "not_a_number": cif(a="nan"),
    "impossible_cell": cif(a="0.0"),
    "unknown_element": cif("Vac1 Vac 0 0 0 1\n" + CSCL),
    "occupancy_above_one": cif("Cs1 Cs 0 0 0 1.2\nCl1 Cl 0.5 0.5 0.5 1"),
    "negative_occupancy": cif("Cs1 Cs 0 0 0 -1\nCl1 Cl 0.5 0.5 0.5 1"),
    "overlapping_atoms": cif("Cs1 Cs 0 0 0 1\nCl1 Cl 0.02 0 0 1"),
    "no_atom_sites": "data_x\n_cell_length_a 4\n",
    "no_data_block": "loop_\n_cell_length_a 4\n",
    "unreadable_cif": cif("Cs1 Cs 0 0 0 1\nCl1 Cl 0.5 0.5"),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_structures_are_named(tmp_path, reason):
    write(tmp_path, "a.cif", cif())
    write(tmp_path, "bad.cif", BAD[reason])
    records, drops = read(tmp_path)
    assert [record.text for record in records] == [TEXT]
    assert dict(drops.counts) == {reason: 1} and drops.first[reason].endswith("bad.cif")


@pytest.mark.parametrize("place", ["nan 0.5 0.5 1", "0.5 ? 0.5 1", "0.5 0.5 0.5 nan"])
def test_numbers_that_are_none_are_named(tmp_path, place):
    records, drops = read(write(tmp_path, "a.cif", cif(f"Cs1 Cs 0 0 0 1\nCl1 Cl {place}")))
    assert not records and dict(drops.counts) == {"not_a_number": 1}


def test_more_sites_than_wanted(tmp_path):
    records, drops = read(write(tmp_path, "a.cif", cif()), max_sites=1)
    assert not records and dict(drops.counts) == {"too_many_sites": 1}


def test_normalisation_is_counted(tmp_path):
    write(tmp_path, "a.cif", cif("D1 D 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"))
    write(tmp_path, "b.cif", cif("Cs1 Cs 0 0 0 0.62\nRb1 Rb 0 0 0 0.42\nCl1 Cl 0.5 0.5 0.5 1"))
    charged = structure()
    charged.add_oxidation_state_by_element({"Cs": 1, "Cl": -1})
    write(tmp_path, "c.json", json.dumps(charged.as_dict()))
    records, drops = read(tmp_path)
    assert dict(drops.altered) == {"deuterium": 1, "occupancy_rescaled": 1, "oxidation_states": 1}
    assert "H x60" in records[0].text and records[0].group == "Cl-H"
    assert "Cs .59 .61 .54 Rb .40 .38 .46" in records[1].text and records[1].meta["kind"] == "disordered"
    assert records[2].text == TEXT


def test_each_data_block_is_an_entry(tmp_path):
    text = "data_global\n_journal_name x\n" + cif(name="one") + cif(a="4.0", name="two").replace("Cl", "Br")
    note = ";\ndata_not_a_block\n;\n"
    records, drops = read(write(tmp_path, "a.cif", text + "_note\n" + note))
    assert [record.id for record in records] == ["a.cif:one", "a.cif:two"]
    assert drops.trimmed["data_block_without_atoms"] > 10 and not drops.counts


def test_paths_and_links_of_archives_are_refused_by_name(tmp_path):
    data = tar([("../evil.cif", cif()), ("/abs.cif", cif()), ("fine.cif", cif())], links=[("link.cif", "/etc/passwd")])
    records, drops = read(write(tmp_path, "x.tar", data))
    assert [record.id for record in records] == ["fine.cif"]
    assert dict(drops.counts) == {"path_out_of_archive": 2, "link": 1}
    assert drops.first["path_out_of_archive"].endswith("../evil.cif")


@pytest.mark.parametrize("keep", [700, 1024, 2300])
def test_truncated_archives_are_errors(tmp_path, keep):
    data = tar([(f"{number}.cif", cif()) for number in range(3)])
    with pytest.raises(CorpusError, match=r"x\.tar"):
        read(write(tmp_path, "x.tar", data[:keep]))
    with pytest.raises(CorpusError, match="gzip ends early"):
        read(write(tmp_path, "x.tar.gz", gzip.compress(data)[:-20]))


def test_archive_bomb_is_refused(tmp_path):
    info = tarfile.TarInfo("big.cif")
    info.size = 1 << 27
    data = gzip.compress(info.tobuf() + bytes(1 << 27) + bytes(1024), 9)
    with pytest.raises(CorpusError, match=re.escape("over 200:1")):
        read(write(tmp_path, "x.tar.gz", data))


def test_foreign_files_are_named(tmp_path):
    with pytest.raises(CorpusError, match="CIF, POSCAR, pymatgen JSON"):
        read(write(tmp_path, "x.dat", "hello\n"))


def test_other_processes_give_the_same_records(tmp_path):
    lattices = [3.5 + number / 1000 for number in range(300)]
    lines = [json.dumps(Structure(Lattice.cubic(a), ["Cs", "Cl"], [[0, 0, 0], [0.5] * 3]).as_dict()) for a in lattices]
    path = write(tmp_path, "x.jsonl", "\n".join(lines))
    records, _ = read(path)
    again = list(CrystalAdapter(CrystalOptions(processes=2)).records(str(path)))
    assert again == records and len({record.text for record in records}) == 300
