"""Files of molecules: what is read, how it is spelled, what is dropped and why."""

import gzip
import logging

import numpy as np
import pytest

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.molecules import MoleculesAdapter
from domainbert.adapters.molecules.options import MoleculesOptions
from domainbert.errors import CorpusError

BAD = {
    "C1CC": "unclosed_ring",
    "C(C": "unbalanced_parentheses",
    "CN(C)(C)(C)C": "valence",
    "c1cccc1": "cannot_kekulise",
    "C[te]": "aromatic_atom_outside_ring",
    "XYZ": "syntax_error",
    "C11": "ring_closes_on_itself",
}


def read(source, drops=None, **options):
    return list(MoleculesAdapter(MoleculesOptions(**options)).records(str(source), drops=drops))


def texts(records):
    return [record.text for record in records]


def test_lists_give_canonical_text_and_names(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("OCC ethanol\nC1=CC=CC=C1\tbenzene ring\n\nCCO\nCO |$a;b$|\n")
    drops = Drops()
    records = read(path, drops)
    assert [(record.id, record.text) for record in records] == [
        ("ethanol", "CCO"),
        ("benzene ring", "c1ccccc1"),
        ("a.smi:4", "CCO"),
        ("a.smi:5", "CO"),
    ]
    assert drops.counts == {"blank": 1} and drops.num_kept == 4 and drops.trimmed == {"cxsmiles_extension": 7}


@pytest.mark.parametrize(("text", "reason"), BAD.items())
def test_drops_name_rdkits_reason_and_the_line(tmp_path, capfd, caplog, text, reason):
    path = tmp_path / "a.smi"
    path.write_text(f"CCO\n{text}\nCC\n")
    drops = Drops()
    with caplog.at_level(logging.INFO):
        assert texts(read(path, drops)) == ["CCO", "CC"]
    assert drops.counts == {reason: 1}
    assert drops.first[reason].startswith(f"{path}:2 (")
    assert drops.first[reason] in caplog.text
    assert capfd.readouterr().err.count("\n") == 0  # RDKit itself is quiet


def test_molecules_of_no_atoms_and_of_too_many(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"smiles\nC\n*\n{'C' * 1000}\n{'C' * 999}\n")
    drops = Drops()
    assert len(read(path, drops)) == 3  # * is one atom
    assert drops.counts == {"too_many_atoms": 1} and "1000 atoms" in drops.first["too_many_atoms"]
    from domainbert.adapters.molecules.chemistry import judge_smiles

    assert judge_smiles([""], MoleculesOptions())[0].reason == "no_atoms"


def test_colon_aromatic_spelling_is_benzene(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("C1:C:C:C:C:C:1\n")
    assert texts(read(path)) == ["c1ccccc1"]
    assert texts(read(path, form="as_given")) == ["C1:C:C:C:C:C:1"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "CC(=O)c1ccccc1.[Na+].[O-][C@H](F)Cl"),
        ({"stereo": False}, "CC(=O)c1ccccc1.[Na+].[O-]C(F)Cl"),
        ({"fragments": "largest"}, "CC(=O)c1ccccc1"),
        ({"form": "kekulised", "fragments": "largest"}, "CC(=O)C1=CC=CC=C1"),
        ({"form": "as_given", "atom_maps": "keep"}, "c1ccccc1C([CH3:7])=O.[Na+].F[C@@H]([O-])Cl"),
        ({"form": "as_given"}, "c1ccccc1C([CH3])=O.[Na+].F[C@@H]([O-])Cl"),
        ({"form": "as_given", "fragments": "largest"}, "c1ccccc1C(C)=O"),
    ],
)
def test_policies(tmp_path, options, expected):
    path = tmp_path / "a.smi"
    path.write_text("c1ccccc1C([CH3:7])=O.[Na+].F[C@@H]([O-])Cl\n")
    found = texts(read(path, **options))
    assert found[0].replace("[C@@H]", "[C@H]") == expected.replace("[C@@H]", "[C@H]")
    adapter = MoleculesAdapter(MoleculesOptions(**options))
    assert adapter.canonicalize(found[0]) == found[0] == adapter.canonicalize("c1ccccc1C([CH3:7])=O.[Na+].F[C@@H]([O-])Cl")


def test_canonical_text_is_its_own_spelling_on_real_molecules(shared_data):
    """Raw BBBP, salts and chirality among it, under each form: a fresh adapter must not change what another one wrote."""
    source = shared_data / "molecules" / "tasks" / "molnet_BBBP.csv.gz"
    for form in ("canonical", "kekulised"):
        again = MoleculesAdapter(MoleculesOptions(form=form))
        assert all(again.canonicalize(text) == text for text in texts(read(source, form=form, processes=1))[::8])


def test_bbbp_loses_the_eleven_that_are_known(shared_data):
    """READMEs and threads agree on 11 of 2,050 rows that RDKit refuses."""
    drops = Drops()
    records = read(shared_data / "molecules" / "tasks" / "molnet_BBBP.csv.gz", drops)
    assert (len(records), drops.counts.total()) == (2039, 11)
    assert all("Explicit valence" in drops.first[reason] or "kekul" in drops.first[reason] for reason in drops.counts)


def test_scaffolds_are_groups_and_acyclic_molecules_their_own(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("Cc1ccccc1\nOc1ccccc1CC\nC1CC1\nCCO\nCCN\nOCC\n")
    groups = [record.group for record in read(path)]
    assert groups[:3] == ["c1ccccc1", "c1ccccc1", "C1CC1"]
    assert groups[3] == groups[5] != groups[4] and groups[3].startswith("acyclic-")
    adapter = MoleculesAdapter()
    assert [adapter.group(text) for text in ("Cc1ccccc1", "CCO", "no molecule")] == [groups[0], groups[3], ""]


def test_tables_name_their_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,smiles,series\nx,CCO,s1\ny,CCN,s2\n")
    records = read(path, id_column="name", group_column="series")
    assert [(record.id, record.text, record.group) for record in records] == [("x", "CCO", "s1"), ("y", "CCN", "s2")]
    with pytest.raises(CorpusError, match="no column 'mol'; there are: 'name', 'smiles', 'series'"):
        read(path, column="mol")


def molfile(text, name):
    from rdkit import Chem

    mol = Chem.MolFromSmiles(text)
    mol.SetProp("_Name", name)
    return Chem.MolToMolBlock(mol)


def test_sd_files(tmp_path):
    path = tmp_path / "a.sdf.gz"
    entries = [
        f"{molfile(text, name)}>  <series>\n{series}\n\n$$$$\n" for text, name, series in [("OCC", "one", "a"), ("c1ccccc1", "", "b")]
    ]
    broken = entries[0].replace(" O ", " Q1")
    path.write_bytes(gzip.compress("".join([entries[0], broken, entries[1]]).encode()))
    drops = Drops()
    records = read(path, drops, group_column="series")
    third = sum(entry.count("\n") for entry in (entries[0], broken)) + 1
    assert [(record.id, record.text, record.group) for record in records] == [("one", "CCO", "a"), (f"a.sdf.gz:{third}", "c1ccccc1", "b")]
    assert drops.counts.total() == 1 and f":{entries[0].count(chr(10)) + 1} (" in next(iter(drops.first.values()))


def test_truncated_sd_file(tmp_path):
    path = tmp_path / "a.sdf"
    path.write_text(molfile("OCC", "one") + "$$$$\n" + molfile("CCCCC", "two")[:80])
    with pytest.raises(CorpusError, match="ends within an entry"):
        read(path)


def test_processes_change_nothing(tmp_path, monkeypatch):
    from domainbert.corpus import parallel

    path = tmp_path / "a.smi"
    path.write_text("".join(f"{'C' * (number % 40 + 1)}O m{number}\n" if number % 7 else f"C1CC m{number}\n" for number in range(3000)))
    monkeypatch.setattr(parallel, "ALONE", 100)
    alone, beside = Drops(), Drops()
    assert read(path, alone, processes=1) == read(path, beside, processes=2)
    assert alone == beside and alone.counts == {"unclosed_ring": 429}


def test_many_drops_do_not_flood_the_log(tmp_path, caplog):
    path = tmp_path / "a.smi"
    path.write_text("C1CC\n" * 50 + "CC\n")
    drops = Drops()
    with caplog.at_level(logging.INFO):
        read(path, drops)
    assert drops.counts == {"unclosed_ring": 50} and len(caplog.records) == 21


def test_randomised_view_is_the_same_molecule():
    adapter = MoleculesAdapter()
    record = Record("a", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "g")
    text = adapter.canonicalize(record.text)
    views = {adapter.view("randomised", record, np.random.default_rng(seed)).text for seed in range(20)}
    assert len(views) > 10 and {MoleculesAdapter().canonicalize(view) for view in views} == {text}


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("atom", ["C", "c", "c", "c", "c", "c", "c", "[nH]", "c", "c", "[N+]", "O", "[O-]"]),
        ("bracket_atom", ["[nH]", "[N+]", "[O-]"]),
        ("ring", ["c1ccc2c(c1"]),
        ("branch", ["(c1)", "(=O)"]),
    ],
)
def test_units(unit, expected):
    text = "Cc1ccc2c(c1)[nH]cc2[N+](=O)[O-]"
    assert [text[start:end] for start, end in MoleculesAdapter().units(text, unit)] == expected
