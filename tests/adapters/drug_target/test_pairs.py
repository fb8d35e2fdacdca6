"""Files of drug-target pairs, what must not straddle splits, and tokens that tell residues from atoms."""

import gzip
import json
import math
import pickle
from itertools import islice

import numpy as np
import pytest

from domainbert.adapters.base import Drops
from domainbert.adapters.drug_target import DrugTargetAdapter
from domainbert.adapters.drug_target.options import DrugTargetOptions
from domainbert.errors import CorpusError

ADAPTER = DrugTargetAdapter()
DRUGS = {"1": "CC(=O)Oc1ccccc1C(=O)O", "2": "CCC", "3": "OCC"}
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
TARGETS = {
    "UBQ": UBIQUITIN,
    "UBQ(K48R)": UBIQUITIN.replace("AGKQ", "AGRQ"),
    "GB1": "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE",
}
MATRIX = "43.0,nan,10000.0\n,1.0,10000.0\n250,10000,nan\n"
MEASURED = [("1 UBQ", 43), ("1 GB1", 10_000), ("2 UBQ(K48R)", 1), ("2 GB1", 10_000), ("3 UBQ", 250), ("3 UBQ(K48R)", 10_000)]


@pytest.fixture(scope="module")
def tokenizer():
    return ADAPTER.tokenizer("atom-residue", None, (), model_max_length=512)


@pytest.fixture
def folder(tmp_path):
    """Data in DeepDTA's form."""
    (tmp_path / "ligands_can.txt").write_text(json.dumps(DRUGS))
    (tmp_path / "ligands_iso.txt").write_text(json.dumps({**DRUGS, "2": "C[C@H](N)O"}))
    (tmp_path / "proteins.txt.gz").write_bytes(gzip.compress(json.dumps(TARGETS).encode()))
    (tmp_path / "affinity.csv").write_text(MATRIX)
    (tmp_path / "train_fold_setting1.txt").write_text("[[5], [0, 2], [3]]")
    (tmp_path / "test_fold_setting1.txt").write_text("[1, 4]")
    return tmp_path


def read(source, drops=None, **options):
    return list(DrugTargetAdapter(DrugTargetOptions(**options)).records(str(source), drops=drops))


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.invariant
def test_residues_are_no_atoms(tokenizer):
    """``CCC`` is propane and three cysteines."""
    assert tokenizer.convert_ids_to_tokens(ids(tokenizer, "CCC|CCC")) == ["C", "C", "C", "|", "##C", "##C", "##C"]
    assert set(ids(tokenizer, "CCC")).isdisjoint(ids(tokenizer, "|CCC"))
    for letter in "BCFHIKNOPSUVWY":  # elements of one letter, and aromatic lower case
        assert set(ids(tokenizer, f"[{letter}]{letter.lower()}")).isdisjoint(ids(tokenizer, f"|{letter}{letter}"))


@pytest.mark.invariant
def test_text_offsets_and_targets_are_whole(tokenizer):
    for text in ("CC(=O)Cl|MKV", "[13CH3:1]C%10CCCC%10|MKXBUZO", "C|C|D", "O=C<mask>|M<cls>K", "|" + UBIQUITIN):
        encoded = tokenizer.backend_tokenizer
        encoded.encode_special_tokens = True
        found = encoded.encode(text, add_special_tokens=False)
        assert tokenizer.unk_token_id not in found.ids and tokenizer.decode(found.ids) == text
        ends = [0, *(end for _, end in found.offsets)]
        assert [start for start, _ in found.offsets] == ends[:-1] and ends[-1] == len(text)
        assert ADAPTER.fast_encoder(tokenizer)(text).tolist() == found.ids
    targets = {token for token in tokenizer.get_vocab() if ADAPTER.is_target(token)}
    assert {token for token in targets if token.startswith("##")} == {f"##{letter}" for letter in "LAGVSERTIDPKQNFYMHWC"}
    assert {"C", "Cl", "%10"} <= targets and "|" not in targets


def test_deepdta_folder_with_its_folds(folder):
    records = read(folder)
    assert [record.id for record in records] == [name for name, _ in MEASURED]
    assert [record.label for record in records] == [pytest.approx(9 - math.log10(value)) for _, value in MEASURED]
    assert [record.meta["fold"] for record in records] == ["train", "test", "train", "train", "test", "validation"]
    assert ADAPTER.whole(records[0]).text == f"{DRUGS['1']}|{UBIQUITIN}"
    assert records[4].text == "CCO", "spelled as the adapter molecules spells it"
    assert read(folder / "affinity.csv") == records, "the matrix stands for its folder"
    assert read(folder, ligands="iso")[2].text == "C[C@H](N)O"
    assert len(ADAPTER.files(str(folder))) == 5


def test_scores_that_are_no_concentrations_are_taken_as_they_are(folder):
    """KIBA: scores from 0 to 17.2."""
    (folder / "affinity.csv").rename(folder / "Y.tsv")
    (folder / "Y.tsv").write_text("11.1\tnan\t0.0\n17.2\t\t\n\t\t12.5\n")
    (folder / "test_fold_setting1.txt").unlink()
    assert [record.label for record in read(folder)] == [11.1, 0.0, 17.2, 12.5]
    drops = Drops()
    assert len(read(folder, drops, affinity="nanomolar")) == 3 and drops.counts == {"concentration_not_positive": 1}


def test_a_pickled_matrix_is_never_read(folder):
    (folder / "affinity.csv").unlink()
    (folder / "Y").write_bytes(pickle.dumps(np.eye(3)))
    with pytest.raises(CorpusError, match=r"Y is a pickle: .*numpy\.savetxt"):
        read(folder)
    (folder / "Y").rename(folder / "Y.csv")
    with pytest.raises(CorpusError, match=r"Y.csv: is a pickle: .*numpy\.savetxt"):
        read(folder)
    (folder / "Y.csv").write_bytes(pickle.dumps(np.eye(3), protocol=0))
    with pytest.raises(CorpusError, match=r"Y.csv: is a pickle"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("affinity.csv", "1,2\n", "row 1 has 2 cells; 3 rows, one a drug, of 3 cells"),
        ("affinity.csv", "1,2,3\n4,5,6\n", "has 2 rows; there are 3 drugs"),
        ("affinity.csv", "1,2,3\n4,Kd,6\n7,8,9\n", "affinity.csv:2, cell 2: 'Kd' is no number"),
        ("test_fold_setting1.txt", "[1, 6]", "the folds name pair 6, and 6 are measured"),
        ("test_fold_setting1.txt", "[1, 0]", "pair 0 of the folds is no number of its own"),
        ("ligands_can.txt", "[]", "holds no dictionary of names and texts"),
        ("ligands_can.txt", "{", "is no JSON"),
    ],
)
def test_what_is_wrong_with_a_folder_is_named(folder, name, content, message):
    (folder / name).write_text(content)
    with pytest.raises(CorpusError, match=message):
        read(folder)


def test_table_of_pairs_with_every_kind_of_bad_row(tmp_path):
    rows = [
        ("CCO", UBIQUITIN, "7.5"), ("CCO", UBIQUITIN.lower() + "*", ""), ("C(C", UBIQUITIN, "5"), ("CCO", "MK*VL", "5"),
        ("CCO", "ACGT" * 10, "5"), ("CCO", UBIQUITIN, ">5.0"), ("CCO", UBIQUITIN, "strong"), ("", UBIQUITIN, "5"),
    ]  # fmt: skip
    path = tmp_path / "pairs.csv"
    path.write_text("smiles,seq,pKd\n" + "".join(",".join(row) + "\n" for row in rows))
    drops = Drops()
    names = {"drug_column": "smiles", "target_column": "seq", "affinity_column": "pKd"}
    records = read(path, drops, **names)
    assert [record.label for record in records] == [7.5, None, 5.0]
    assert {record.second.text for record in records} == {f"|{UBIQUITIN}"}
    reasons = {"drug_unbalanced_parentheses", "target_internal_stop", "target_looks_like_nucleotides", "affinity_is_no_number"}
    assert drops.counts == dict.fromkeys([*reasons, "blank"], 1)
    assert drops.altered == {"bound_taken_as_value": 1}
    assert f"{path}:4" in drops.first["drug_unbalanced_parentheses"]
    with pytest.raises(CorpusError, match="no column 'drug'; there are: 'smiles', 'seq', 'pKd'"):
        read(path)


def test_long_targets_are_cut_and_counted(folder):
    drops = Drops()
    assert {len(record.second.text) for record in read(folder, drops, max_residues=20)} == {21}
    assert drops.trimmed["residues_beyond_max_residues"] == sum(len(TARGETS[name.partition(" ")[2]]) - 20 for name, _ in MEASURED)


@pytest.mark.invariant
def test_what_must_not_straddle(folder):
    """A mutant is of the family of its wild type, whatever it is called; cold and warm follow from names alone."""
    records = read(folder)
    families = {record.id.partition(" ")[2]: record.meta["target_group"] for record in records}
    assert families["UBQ"] == families["UBQ(K48R)"] != families["GB1"]
    by_side: dict[tuple[str, str], set[bool]] = {}
    for record in read("sample", cold=0.3):
        held_out = record.meta["cold"].split()
        for side in ("drug", "target"):
            by_side.setdefault((side, record.meta[f"{side}_group"]), set()).add(side in held_out)
        assert record.group.split(" ")[0] == {0: "warm", 1: "mixed", 2: "cold"}[len(held_out)]
    assert all(len(sides) == 1 for sides in by_side.values())
    share = np.mean([next(iter(sides)) for sides in by_side.values()])
    assert share == pytest.approx(0.3, abs=0.06)  # 270 groups: two standard errors


@pytest.mark.invariant
def test_halves_are_held_out_alike_alone_and_in_pairs():
    pairs = read("sample")
    cold = {side: {r.meta[f"{side}_group"] for r in pairs if side in r.meta["cold"].split()} for side in ("drug", "target")}
    for side, held_out in cold.items():
        adapter = DrugTargetAdapter(DrugTargetOptions(holds=f"{side}s"))
        alone = list(islice(adapter.records("sample"), 4000))
        assert {record.text.startswith("|") for record in alone} == {side == "target"}
        parts = {part: {r.group[5:] for r in alone if r.group.startswith(part)} for part in ("cold ", "warm ")}
        assert held_out & parts["cold "] and parts["warm "] and held_out.isdisjoint(parts["warm "])


def test_units_and_views_know_the_halves():
    text = "C[NH2+]Cl|CCl"
    assert [text[a:b] for a, b in ADAPTER.units(text, "symbol")] == ["C", "[NH2+]", "Cl", "C", "C", "l"]
    assert [text[a:b] for a, b in ADAPTER.units(text, "atom")] == ["C", "[NH2+]", "Cl"]
    assert [text[a:b] for a, b in ADAPTER.units(text, "residue")] == ["C", "C", "l"]
    assert {name: [text[a:b] for a, b in spans] for name, spans in ADAPTER.breakdown(text).items()} == {
        "drug": ["C[NH2+]Cl"], "target": ["CCl"],
    }  # fmt: skip
    record = ADAPTER.whole(read("sample")[0])
    view = ADAPTER.view("randomised", record, np.random.default_rng(3))
    assert view.text.partition("|")[2] == record.text.partition("|")[2] and ADAPTER.canonicalize(view.text) == record.text
    assert ADAPTER.canonicalize(" OCC |m k v l*") == "CCO|MKVL"


def test_davis_is_read_whole(shared_data, tokenizer):
    records = read(shared_data / "proteins" / "tasks" / "dta" / "davis")
    labels = np.array([record.label for record in records])
    assert len(records) == 68 * 442 and (labels == 5.0).mean() == pytest.approx(0.696, abs=5e-4)  # facts: 69.6 % at the ceiling
    folds = [record.meta["fold"] for record in records]
    assert (folds.count("test"), folds.count("validation"), folds.count("train")) == (5010, 5010, 20_036)
    encode = ADAPTER.fast_encoder(tokenizer)
    distinct = {text for record in records for text in (record.text, record.second.text)}
    assert all(tokenizer.unk_token_id not in encode(text) for text in distinct)
