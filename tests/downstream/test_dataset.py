"""Tasks from files: every format, every way of splitting, and everything that can be wrong with them."""

import zipfile
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domainbert.adapters.dna import DnaAdapter
from domainbert.downstream.dataset import IGNORED, load_dataset, split_rows, thinned
from domainbert.downstream.task import find_task, task_from
from domainbert.errors import CorpusError, RecipeError

TRAIN = "text,label\nred one,a\nred two,b\nred three,a\nred four,b\n"
TEST = "text,label\nblue one,a\nblue two,b\n"
GIVEN = {"files": {"train": "train.csv", "test": "test.csv"}}


def test_table(write, plain):
    data = load_dataset(write({"train.csv": TRAIN, "test.csv": TEST}, **GIVEN), plain)
    assert data.texts == ("red one", "red two", "red three", "red four", "blue one", "blue two")
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [0, 1, 0, 1, 0, 1]
    split = split_rows(data, seed=0)
    assert split.test.tolist() == [4, 5]
    assert len(split.validation) == 1
    assert sorted([*split.train, *split.validation]) == [0, 1, 2, 3]
    assert data.places[4] == "test.csv:2"


def test_classes_that_are_numbers_are_in_the_order_of_numbers(write, plain):
    rows = "text,label\n" + "".join(f"t{number},{number % 12}\n" for number in range(48))
    data = load_dataset(write({"all.csv": rows}, files={"all": "all.csv"}, split={"by": "random"}), plain)
    assert data.classes == tuple(map(str, range(12)))


def test_json_lines_and_parquet_and_columns_of_splits(write, plain, tmp_path):
    rows = [{"t": f"word {n}", "y": n * 0.5, "when": ["train", "dev", "test"][n % 3]} for n in range(9)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")
    lines = "\n".join(f'{{"t": "word {n}", "y": {n * 0.5}, "when": "{rows[n]["when"]}"}}' for n in range(9)) + "\n"
    keys = {"kind": "regression", "text": "t", "labels": ["y"], "split": {"by": "column", "column": "when"}}
    for name in ("x.parquet", "x.jsonl"):
        data = load_dataset(write({"x.jsonl": lines}, files={"all": name}, **keys), plain)
        assert data.labels.tolist() == [n * 0.5 for n in range(9)]
        assert split_rows(data, seed=0).validation.tolist() == [1, 4, 7]


def test_conll_and_conllu(write, plain):
    conll = "The\tO\nTGF\tB-G\n-\tI-G\n\nEnd\tO\n"
    data = load_dataset(write({"a.tsv": conll}, kind="tokens", files={"train": "a.tsv", "test": "a.tsv"}), plain)
    assert data.texts[0] == "The TGF -"
    assert data.words[0] == ("The", "TGF", "-")
    assert [data.classes[tag] for tag in data.tags[0]] == ["O", "B-G", "I-G"]
    conllu = "# text = du pain\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n" + "".join(
        f"{n}\t{word}\t_\t{pos}\t_\t_\t_\t_\t_\t_\n" for n, word, pos in ((1, "de", "ADP"), (2, "le", "DET"), (3, "pain", "NOUN"))
    )
    data = load_dataset(write({"a.conllu": conllu}, kind="tokens", files={"train": "a.conllu", "test": "a.conllu"}), plain)
    assert data.words[0] == ("de", "le", "pain")
    assert [data.classes[tag] for tag in data.tags[0]] == ["ADP", "DET", "NOUN"]


def test_residues_in_an_archive(write, tmp_path):
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("s.fasta", ">one\nACG\n>two\nAC\n")
        archive.writestr("l.fasta", ">one SET=train VALIDATION=False\nHEC\n>two SET=test VALIDATION=False\nHHH\n")
        archive.writestr("m.fasta", ">one\n110\n>two\n11\n")
    reading = {"format": "residues", "member": "s.fasta,l.fasta,m.fasta", "separator": ""}
    task = write({}, kind="tokens", files={"all": "f.zip"}, reading=reading, split={"by": "column", "column": "SET"})
    data = load_dataset(task, DnaAdapter())
    assert data.texts == ("ACG",)
    assert data.given.tolist() == ["train"]
    assert [data.classes[tag] if tag != IGNORED else "" for tag in data.tags[0]] == ["H", "E", ""]
    assert dict(data.drops.counts) == {"labels_of_another_length": 1}


def test_domain_files_with_one_class_each(write):
    files = {"p.fa": ">a\nACGTACGT\n>b\nacguacga\n", "n.fa": ">c\nTTTTTTTA\n"}
    reading = {"format": "records"}
    task = write(files, files={"label:yes": "p.fa", "label:no": "n.fa"}, reading=reading, split={"by": "random"}, positive="yes")
    data = load_dataset(task, DnaAdapter())
    assert data.texts == ("ACGTACGT", "ACGTACGA", "TTTTTTTA")
    assert [data.classes[label] for label in data.labels] == ["yes", "yes", "no"]
    assert data.positive() == 1


def test_pairs_and_many_labels(write, plain):
    rows = "a,b,x,y\n" + "".join(f"one {n},two {n},{n % 2},{'' if n % 3 else 1}\n" for n in range(9))
    keys = {"files": {"all": "p.csv"}, "text": "a", "second": "b", "kind": "multilabel", "labels": ["x", "y"], "split": {"by": "random"}}
    data = load_dataset(write({"p.csv": rows}, **keys), plain)
    assert data.seconds[4] == "two 4"
    assert data.labels[:3].tolist()[0] == [0, 1]
    assert np.isnan(data.labels[1, 1])


@pytest.mark.parametrize("seed", [0, 1])
def test_drawn_splits(write, plain, seed):
    rng = np.random.default_rng(0)
    rows = "text,label,g,year\n" + "".join(f"t{n},{rng.integers(2)},g{rng.integers(40)},{1900 + (n * 7) % 100}\n" for n in range(400))
    keys = {"files": {"all": "x.csv"}, "group": "g", "time": "year"}
    for by in ("group", "time", "random"):
        data = load_dataset(write({"x.csv": rows}, split={"by": by}, **keys), plain)
        split = split_rows(data, seed=seed)
        assert sorted([*split.train, *split.validation, *split.test]) == list(range(400))
        assert len(split.test) == pytest.approx(40, abs=15)
        if by == "group":
            parts = defaultdict(set)
            for name in ("train", "validation", "test"):
                for row in getattr(split, name):
                    parts[data.groups[row]].add(name)
            assert all(len(names) == 1 for names in parts.values())
        elif by == "time":
            assert max(data.times[row] for row in split.train) <= min(data.times[row] for row in split.test)
        else:
            assert split.test.tolist() != split_rows(data, seed=seed + 1).test.tolist()
            assert split.test.tolist() == split_rows(data, seed=seed).test.tolist()


def test_some_rows_keep_the_splits(write, plain):
    data = thinned(load_dataset(write({"train.csv": TRAIN, "test.csv": TEST}, **GIVEN), plain), 2)
    assert len(data.texts) == len(data.labels) == len(data.groups) == 4
    assert data.given.tolist() == ["train", "train", "test", "test"]


def test_some_rows_keep_a_rare_class(write, plain):
    """One row in 500 of train is of the class that half of test is."""
    train = "text,label\n" + "".join(f"t{number},{'rare' if number == 499 else 'ab'[number % 2]}\n" for number in range(500))
    test = "text,label\n" + "".join(f"u{number},{'rare' if number % 2 else 'a'}\n" for number in range(60))
    data = thinned(load_dataset(write({"train.csv": train, "test.csv": test}, **GIVEN), plain), 20)
    assert len(data) == 40
    assert data.counts(np.flatnonzero(data.given == "train"))["rare"] == 1
    split_rows(data, seed=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["colour"]}, r"train.csv:1: no column 'colour'; there are: 'text', 'label'"),
        ({"text": "texts"}, r"no column 'texts'"),
        ({"files": {"train": "none.csv", "test": "test.csv"}}, r"files.train = 'none.csv': no such file in "),
        ({"kind": "regression"}, r"train.csv:2: label 'a' of task 'toy' is no number"),
        ({"positive": "c"}, r"positive = 'c' is none of its classes a, b"),
    ],
)
def test_wrong_tasks_are_named(write, plain, changes, message):
    task = write({"train.csv": TRAIN, "test.csv": TEST}, **{**GIVEN, **changes})
    with pytest.raises(CorpusError, match=message):
        load_dataset(task, plain)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("text,label\nx,a\ny,a\nz,a\n", TEST, "train holds one class only, 'a'"),
        (TRAIN, "text,label\nx,a\ny,zebra\n", "1 of the classes in test are not in train .'zebra'.: no method can name them"),
        (TRAIN.replace("two,b", "two,nan"), TEST, r"train.csv:3: label = 'nan' is no label \(1 of 6 rows lack one\)"),
        (TRAIN.replace("two,b", "two,"), TEST, r"train.csv:3: label = '' is no label"),
        (TRAIN, "text,label\n,a\n", r"test.csv: no row is left of it \(blank 1, first at .*test.csv:2\)"),
    ],
)
def test_wrong_labels_are_named(write, plain, train, test, message):
    task = write({"train.csv": train, "test.csv": test}, **GIVEN)
    with pytest.raises(CorpusError, match=message):
        split_rows(load_dataset(task, plain), seed=0)


def test_empty_splits_are_named(write, plain):
    rows = "text,label,s\n" + "".join(f"t{n},{n % 2},train\n" for n in range(9))
    task = write({"x.csv": rows}, files={"all": "x.csv"}, split={"by": "column", "column": "s"})
    with pytest.raises(CorpusError, match=r"the test split is empty \(rows by given split: train 9"):
        split_rows(load_dataset(task, plain), seed=0)
    task = write({"x.csv": rows}, files={"all": "x.csv"}, split={"by": "group"})
    with pytest.raises(CorpusError, match="no row has a group; name its column"):
        split_rows(load_dataset(task, plain), seed=0)


def test_rows_without_label_can_be_left_out(write, plain):
    task = write({"train.csv": TRAIN.replace("two,b", "two,"), "test.csv": TEST}, reading={"skip_unlabelled": True}, **GIVEN)
    data = load_dataset(task, plain)
    assert len(data) == 5
    assert dict(data.drops.counts) == {"no_label": 1}


def test_everything_wrong_with_a_task_file_at_once(tmp_path):
    raw = {"knid": "x", "metric": "rmse", "split": {"by": "column", "fractions": [1.0, 0.0, 0.0]}, "labels": ["a", "b"]}
    with pytest.raises(RecipeError) as error:
        task_from(raw, "bad.toml", folder=tmp_path, name="bad")
    lines = str(error.value)
    for expected in ("unknown key 'knid': did you mean 'kind'?", "bad.toml: files is empty", "split.column is missing", "split.fractions",
                     "metric = 'rmse' is none of mcc", "labels = ['a', 'b']; one column is wanted"):  # fmt: skip
        assert expected in lines


def test_built_in_tasks_need_a_folder(tmp_path):
    with pytest.raises(RecipeError, match=r"adapter 'dna' has no task 'tf-5': did you mean 'tf-4'\?"):
        find_task("tf-5", DnaAdapter(), data=None)
    with pytest.raises(RecipeError, match=r"holds gue/tf/4/train.csv.gz, .*: name it with --data DIR"):
        find_task("tf-4", DnaAdapter(), data=None)
    assert find_task("tf-4", DnaAdapter(), data=tmp_path).mirror


def test_built_in_dna_tasks_on_real_data(shared_data):
    for name in DnaAdapter().tasks():
        data = thinned(load_dataset(find_task(name, DnaAdapter(), data=shared_data / "dna" / "tasks"), DnaAdapter()), 300)
        split = split_rows(data, seed=0)
        assert len(split.test) >= 10
        assert len(data.classes) in (2, 3)
        assert not set("".join(data.texts)) - set("ACGTN")
