"""Each domain's own company of a score: what it is split by, what cannot be used, and what a trivial method knows."""

import gzip
import json
from collections import defaultdict
from itertools import islice

import numpy as np
import pytest
from rdkit import Chem

from domainbert.adapters.registry import load_adapter
from domainbert.downstream.dataset import load_dataset, split_rows
from domainbert.downstream.run import Request, evaluate
from domainbert.downstream.tables import render
from domainbert.downstream.task import find_task, way_of_splitting, with_split
from domainbert.errors import CorpusError, RecipeError


@pytest.fixture(scope="session")
def molecules():
    """Real molecules that RDKit ships."""
    adapter = load_adapter("molecules")
    return [adapter.canonicalize(record.text) for record in islice(adapter.sample(), 0, 1800, 6)]


def lines(results, name):
    return {(line["name"], line["method"]): line for line in results["tasks"][name]["scores"]}


def straddling(data, split):
    parts = defaultdict(set)
    for part in ("train", "validation", "test"):
        for row in getattr(split, part).tolist():
            parts[data.groups[row]].add(part)
    return [group for group, names in parts.items() if len(names) > 1]


def test_molecules_have_fingerprints_beside_them(domain_model, molecules, write, tmp_path):
    """Whether there is a halogen: a fingerprint holds it, the majority does not."""
    halogen = Chem.MolFromSmarts("[F,Cl,Br,I]")
    rows = [(text, int(Chem.MolFromSmiles(text).HasSubstructMatch(halogen))) for text in molecules]
    assert 50 < sum(label for _, label in rows) < 250
    (tmp_path / "m.csv").write_text("smiles,label\nC1CC,0\nCN(C)(C)(C)C,1\n" + "".join(f"{text},{label}\n" for text, label in rows))
    (tmp_path / "halogens.toml").write_text('files = { all = "m.csv" }\nmetric = "auroc"\nsplit = { by = "group" }\n')
    request = Request(str(domain_model("molecules", "atom")), tasks=(str(tmp_path / "halogens.toml"),), num_seeds=1)
    results = evaluate(request)
    found = lines(results, "halogens")
    names = {name for name, _ in found}
    assert {"this model", "random weights", "eleven descriptors", "majority", "TF-IDF of 3 to 5 characters"} <= names
    fingerprints = {method: line for (name, method), line in found.items() if name.startswith("Morgan")}
    assert fingerprints.keys() == {"logistic", "forest"}
    assert fingerprints["logistic"]["scores"]["auroc"]["mean"] > 0.85
    text = render(results)
    assert "split by scaffold" in text
    assert "unclosed_ring 1, first at m.csv:2" in text
    assert "valence 1, first at m.csv:3" in text


def test_scaffolds_do_not_straddle(molecules, write, tmp_path):
    adapter = load_adapter("molecules")
    content = "smiles,label\n" + "".join(f"{text},{number % 2}\n" for number, text in enumerate(molecules))
    task = write({"m.csv": content}, files={"all": "m.csv"}, split={"by": "random"})
    data = load_dataset(task, adapter)
    assert straddling(data, split_rows(data, seed=0))
    data = load_dataset(with_split(task, way_of_splitting("scaffold", adapter)), adapter)
    for seed in range(3):
        split = split_rows(data, seed=seed)
        assert not straddling(data, split)
        assert len(split.test)
    with pytest.raises(RecipeError, match=r"--split luck: is none of files, .*, scaffold"):
        way_of_splitting("luck", adapter)


CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
a {one} 0 0 0
b {other} 0.5 0.5 0.5
"""
METALS = ("Li", "Na", "K", "Rb", "Cs", "Cu", "Ag", "Tl", "Mg", "Ca")
OTHERS = ("F", "Cl", "Br", "I", "O", "S")


def crystals():
    """Two atoms in a cube: formula, edge, and whether there is a halogen."""
    rng = np.random.default_rng(0)
    return [(metal, other, round(3 + rng.random(), 3), int(other in OTHERS[:4])) for metal in METALS for other in OTHERS]


def test_crystals_in_tables_have_their_composition_beside_them(domain_model, tmp_path):
    cells = [(CIF.format(name="x", a=a, one=one, other=other), label) for one, other, a, label in crystals()]
    bad = CIF.format(name="x", a=3, one="Xx", other="Cl")
    content = "cif,label\n" + "".join(f'"{cell}",{label}\n' for cell, label in [(bad, 0), *cells])
    (tmp_path / "c.csv").write_text(content)
    (tmp_path / "halogen.toml").write_text('files = { all = "c.csv" }\ntext = "cif"\nmetric = "auroc"\nsplit = { by = "group" }\n')
    request = Request(str(domain_model("crystals", "symbol")), tasks=(str(tmp_path / "halogen.toml"),), num_seeds=2)
    results = evaluate(request)
    found = lines(results, "halogen")
    assert found["shares of elements", "forest"]["scores"]["auroc"]["mean"] > 0.9
    assert found["space group and cell", "forest"]["scores"]["auroc"]["mean"] < 0.8
    assert "split by composition" in render(results)
    assert "unknown_element 1" in render(results)


def test_objects_may_be_structures(write):
    adapter = load_adapter("crystals")
    cells = [
        {
            "atomic_numbers": [11, 17],
            "frac_coords": [[0, 0, 0], [0.5, 0.5, 0.5]],
            "lattice": [[a, 0, 0], [0, a, 0], [0, 0, a]],
            "y": a > 3.5,
        }
        for a in (3.4, 3.45, 3.6, 3.7)
    ]
    task = write({"x.jsonl": "\n".join(map(json.dumps, cells))}, files={"all": "x.jsonl"}, labels=["y"], reading={"format": "objects"},
                 split={"by": "random", "fractions": [0.5, 0.25, 0.25]})  # fmt: skip
    data = load_dataset(task, adapter)
    assert data.texts[0] == "sg221 a= n3 .40 .00 m1 wa Cl x0 x0 x0 m1 wb Na x60 x60 x60 ;"
    assert data.groups == ("Cl-Na",) * 4
    assert data.classes == ("False", "True")
    assert adapter.group("no crystal") == ""


def test_identical_proteins_stay_together(write):
    adapter = load_adapter("proteins")
    rng = np.random.default_rng(0)
    chains = ["".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 30)) for _ in range(40)]
    content = "sequence,label\n" + "".join(f"{chain},{number % 2}\n{chain.lower()},1\n" for number, chain in enumerate(chains))
    task = write({"p.csv": content}, files={"all": "p.csv"}, split={"by": "random"})
    data = load_dataset(task, adapter)
    assert straddling(data, split_rows(data, seed=0))
    data = load_dataset(with_split(task, way_of_splitting("family", adapter)), adapter)
    assert not straddling(data, split_rows(data, seed=0))
    names = [(each.name, each.learner) for each in adapter.baselines()]
    assert names == [("shares of residues", "linear"), ("counts of 1 to 3 residues", "linear")]


def test_a_column_of_families_keeps_families_together(write):
    adapter = load_adapter("proteins")
    rows = "".join(f"{'MKV' + 'ACDEFGHIKL'[number % 10] * (number + 3)},{number % 2},f{number // 5}\n" for number in range(60))
    task = write({"p.csv": "sequence,label,family\n" + rows}, files={"all": "p.csv"}, group="family", split={"by": "group"})
    data = load_dataset(task, adapter)
    assert len(set(data.groups)) == 12
    assert not straddling(data, split_rows(data, seed=0))


def test_books_of_one_author_stay_together(write):
    adapter = load_adapter("french")
    books = {
        f"{kind}{number:03}01_Author{number // 2}.txt": f"Il y avait une fois un roi, et ce roi avait {number} filles. " * 40
        for number in range(40) for kind in "NP"
    }  # fmt: skip
    files = {"label:novel": "N*.txt", "label:play": "P*.txt"}
    task = write(books, files=files, reading={"format": "records"}, split={"by": "random"})
    data = load_dataset(task, adapter)
    assert len(data) == 80
    assert set(data.groups) == {f"Author{number}" for number in range(20)}
    assert straddling(data, split_rows(data, seed=0))
    data = load_dataset(with_split(task, way_of_splitting("author", adapter)), adapter)
    split = split_rows(data, seed=0)
    assert not straddling(data, split)
    assert len(split.test) in range(4, 13)


@pytest.mark.parametrize("name", ["biomedical", "french"])
def test_prose_has_words_beside_it(name):
    first, second = load_adapter(name).baselines()
    assert (first.name, second.name) == ("TF-IDF of words and pairs of words", "TF-IDF of 3 to 5 characters")
    words = first.features().fit(["l'été de la forêt", "une forêt"]).get_feature_names_out().tolist()
    assert {"été", "de la", "une forêt"} <= set(words)


QUESTIONS = {
    f"{number}": {"QUESTION": f"Does drug {number} help?", "CONTEXTS": ["It was given.", "It was not."], "YEAR": str(2000 + number),
                  "answer": ["yes", "no"][number % 2]} for number in range(10)
}  # fmt: skip


def questions(write, content, **changes):
    keys = {"files": {"all": "q.json"}, "text": "QUESTION", "second": "CONTEXTS", "labels": ["answer"], "reading": {"format": "objects"},
            "split": {"by": "ids", "ids": {"test": "test.json"}}, "time": "YEAR"}  # fmt: skip
    return write({"q.json": content, "test.json": json.dumps({"3": "yes", "6": "no"})}, **{**keys, **changes})


def test_objects_by_id_and_a_split_of_listed_ids(write, plain):
    data = load_dataset(questions(write, json.dumps(QUESTIONS)), plain)
    assert data.seconds[0] == "It was given. It was not."
    split = split_rows(data, seed=0)
    assert [data.texts[row] for row in split.test] == ["Does drug 3 help?", "Does drug 6 help?"]
    assert len(split.train) + len(split.validation) == 8
    by_time = split_rows(load_dataset(questions(write, json.dumps(QUESTIONS), split={"by": "time"}), plain), seed=0)
    assert by_time.test.tolist() == [9]


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        ('{"1": {}\n', {}, r"q.json:1: is not JSON"),
        ("[1, 2]", {}, "neither one JSON object a line nor one object of objects by their ids"),
        (json.dumps(QUESTIONS), {"labels": ["final"]}, r"q.json: 0: no key 'final'; there are: 'QUESTION', 'CONTEXTS', 'YEAR', 'answer'"),
        (json.dumps({"1": QUESTIONS["1"], "2": QUESTIONS["2"]}), {}, r"2 of 2 ids of split.ids are no row's, such as '3'"),
        (json.dumps(QUESTIONS), {"split": {"by": "ids", "ids": {"test": "no.json"}}}, r"split.ids.test = 'no.json': no such file"),
    ],
)
def test_wrong_objects_are_named(write, plain, content, changes, message):
    with pytest.raises(CorpusError, match=message):
        load_dataset(questions(write, content, **changes), plain)


REAL = {
    "molecules": ("bbbp", "esol", "clintox"),
    "biomedical": ("pubmedqa", "chemprot"),
    "proteins": ("remote-homology", "gb1-low-vs-high"),
}


@pytest.mark.parametrize(("domain", "name"), [(domain, name) for domain, names in REAL.items() for name in names])
def test_built_in_tasks_on_real_data(shared_data, domain, name):
    adapter = load_adapter(domain)
    data = load_dataset(find_task(name, adapter, data=shared_data / domain / "tasks"), adapter)
    split = split_rows(data, seed=0)
    assert min(len(split.train), len(split.validation), len(split.test)) > 20
    assert dict(data.drops.counts) == {"bbbp": {"valence": 11}, "clintox": {"valence": 1, "cannot_kekulise": 3}}.get(name, {})


def test_superconductors_on_real_data(shared_data, tmp_path):
    """The head of the real file under its built-in table: all of it takes half a minute."""
    with gzip.open(shared_data / "crystals" / "tasks" / "s2s.jsonl.gz", "rt") as file, gzip.open(tmp_path / "s2s.jsonl.gz", "wt") as head:
        head.writelines(line for _, line in zip(range(20), file, strict=False))
    adapter = load_adapter("crystals")
    data = load_dataset(find_task("s2s", adapter, data=tmp_path), adapter)
    assert len(data) == 20
    assert all(text.startswith("sg") for text in data.texts)
    assert data.groups[0] == "K-Sn"
