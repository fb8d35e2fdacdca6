"""Leaks, shortcuts and wrong labels that were planted are found and counted; clean data is not accused."""

import shutil

import numpy as np
import pytest

from domainbert.adapters.base import Adapter
from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.plain import PlainText
from domainbert.adapters.urls import UrlsAdapter
from domainbert.corpus.store import TokenStore
from domainbert.downstream.audit import audit
from domainbert.downstream.dataset import load_dataset, split_rows

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def sequences(count, seed=0, length=90):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for _ in range(count)]


def table(texts, labels, **columns):
    rows = [",".join(["text", "label", *columns])]
    rows += [",".join(map(str, each)) for each in zip(texts, labels, *columns.values(), strict=True)]
    return "\n".join(rows) + "\n"


def findings(task, adapter, stores=()):
    data = load_dataset(task, adapter)
    return {each["check"]: each for each in audit(data, split_rows(data, seed=0), adapter, stores)}


FILES = {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}


def given(write, train, test, **keys):
    names = sorted(set(train[1]))
    dev = (sequences(4, seed=99), [names[0], names[1]] * 2)
    files = {"train.csv": table(*train), "dev.csv": table(*dev), "test.csv": table(*test)}
    return write(files, files=FILES, **keys)


def test_duplicates_of_both_strands_and_near_ones(write):
    train, test = sequences(60, 1), sequences(40, 2)
    test[0] = train[3]
    test[1] = train[4].translate(COMPLEMENT)[::-1].lower()
    test[2] = train[5][:45] + "A" + train[5][45:]
    labels = [number % 2 for number in range(60)]
    found = findings(given(write, (train, labels), (test, [1, 1, 1, *labels[3:40]])), DnaAdapter())
    assert found["exact_duplicates"]["figures"] | {"validation_in_train": 0} == found["exact_duplicates"]["figures"]
    assert found["exact_duplicates"]["figures"]["test_in_train"] == 2
    assert found["exact_duplicates"]["figures"]["same_label"] == 1
    assert "2 of 40 (5.0%) of test rows stand in train, 1 with the same label" in found["exact_duplicates"]["text"]
    assert found["near_duplicates"]["figures"]["test_near_train"] == 2  # one letter in 90 breaks 12 of about 79 strings: 77 % are shared
    assert found["exact_duplicates"]["warns"]


def test_near_duplicates_can_be_kept_together(write):
    kept = sequences(60, 1)
    texts = [*kept, *(text[3:] for text in kept)]
    rows = table(texts, [number % 2 for number in range(60)] * 2)
    found = [
        findings(write({"x.csv": rows}, files={"all": "x.csv"}, split={"by": by}), DnaAdapter())["near_duplicates"]["figures"]
        for by in ("random", "near")
    ]
    assert found[0]["test_near_train"] > 5
    assert found[1]["test_near_train"] == 0


def test_clean_data_is_not_accused(write):
    labels = [number % 2 for number in range(200)]
    found = findings(given(write, (sequences(200, 3), labels), (sequences(100, 4), labels[:100])), DnaAdapter())
    assert not [each for each in found.values() if each["warns"]]
    assert found["exact_duplicates"]["figures"]["test_in_train"] == found["near_duplicates"]["figures"]["test_near_train"] == 0
    assert found["class_order"]["text"] == "classes (train/test): 0 = 0 (100/50), 1 = 1 (100/50); to be found: 1"


def test_a_rule_of_one_line_is_found(write, plain):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    texts = [("https://" if label else "") + text.lower() for label, text in zip(labels, sequences(300, 5, 20), strict=True)]
    flipped = ["good" if label == (row % 50 != 0) else "bad" for row, label in enumerate(labels)]
    found = findings(given(write, (texts[:200], flipped[:200]), (texts[200:], flipped[200:])), plain)
    rule = found["one_rule"]
    assert rule["warns"]
    assert rule["figures"]["accuracy"] == pytest.approx(0.98)
    assert "is good, else bad" in rule["text"] or "is bad, else good" in rule["text"]


def test_length_is_a_rule_too(write, plain):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    texts = ["".join(rng.choice(list("abcd"), 30 + 20 * label + rng.integers(10))) for label in labels]
    names = [str(label) for label in labels]
    found = findings(given(write, (texts[:200], names[:200]), (texts[200:], names[200:])), plain)
    assert "longer than" in found["one_rule"]["text"]
    assert found["one_rule"]["figures"]["accuracy"] == 1.0


def test_labels_that_a_list_contradicts(write, plain):
    popular = [f"site{number}.org" for number in range(30)]
    texts = [f"bad{number}.biz" for number in range(90)] + popular
    upside_down = ["legit"] * 90 + ["malicious"] * 29 + ["legit"]
    rows = "text,label\n" + "".join(f"{text},{label}\n" for text, label in zip(texts, upside_down, strict=True))
    keys = {"files": {"all": "x.csv"}, "split": {"by": "random"}, "listed": {"file": "top.txt", "label": "legit"}}
    found = findings(write({"x.csv": rows, "top.txt": "\n".join([*popular, "other.org"])}, **keys), plain)["label_sanity"]
    assert found["figures"] == {"listed": 30, "contradicted": 29}
    assert found["text"].endswith("more than chance: are the labels inverted?")
    assert found["warns"]
    right = rows.replace("malicious", "x").replace("legit", "malicious").replace("x\n", "legit\n")
    found = findings(write({"x.csv": right, "top.txt": "\n".join(popular)}, **keys), plain)["label_sanity"]
    assert found["figures"] == {"listed": 30, "contradicted": 1}
    assert not found["warns"]


class Grouped(PlainText):
    """The first letter of a text is its group."""

    def group(self, text):
        return text[0]


def test_group_overlap_and_how_far_the_group_comes(write):
    train = [f"{letter}{number}" for letter in "abcd" for number in range(5)]
    labels = [int(text[0] in "ab") for text in train]
    test = ["a9", "b9", "c9", "z9"]
    task = write({"a.csv": table(train, labels), "b.csv": table(["q", "r"], [0, 1]), "c.csv": table(test, [1, 1, 1, 0])},
                 files={"train": "a.csv", "validation": "b.csv", "test": "c.csv"})  # fmt: skip
    found = findings(task, Grouped())["group_overlap"]
    assert found["figures"] == {"test_rows_in_train_groups": 3, "train_groups": 4, "group_majority_right": pytest.approx(2 / 3)}


def test_popular_sites_called_phishing(write):
    """Phishing-Website-Detection 5 and 3, detecting-phishing-websites 3: facebook and github flagged, whatever page of theirs it was."""
    pages = ["https://www.facebook.com/login.php", "http://github.com/a/b", "HTTPS://FR-FR.Facebook.com/x?y=1", "https://gist.github.com/c"]
    texts = [*pages, *(f"http://bad{number}.biz/login" for number in range(40)), *(f"https://shop{number}.org/" for number in range(40))]
    labels = ["phishing"] * 44 + ["benign"] * 40
    keys = {"files": {"all": "x.csv"}, "split": {"by": "random"}, "listed": {"file": "top.txt", "label": "benign"}}
    task = write({"x.csv": table(texts, labels), "top.txt": "facebook.com\ngithub.com\n"}, **keys)
    found = findings(task, UrlsAdapter())["label_sanity"]
    assert found["figures"] == {"listed": 4, "contradicted": 4}
    assert found["warns"]


def test_what_a_label_means_is_said(write):
    """Phishing-URL-Detection 6: is -1 phishing, or 1?"""
    texts = [f"http://site{number}.org/" for number in range(60)]
    task = {"files": {"all": "x.csv"}, "split": {"by": "random"}}
    rows = {"x.csv": table(texts, [-1, 1] * 30)}
    found = [findings(write(rows, **task, **more), UrlsAdapter())["class_order"]["text"] for more in ({}, {"positive": "-1"})]
    assert "0 = -1 (" in found[0] and "1 = 1 (" in found[0]
    assert [text.rpartition("; ")[2] for text in found] == ["to be found: 1", "to be found: -1"]


def test_contradictory_labels(write, plain):
    task = write({"x.csv": table(["a", "a", "b", "b", *(f"t{n}" for n in range(20))], [0, 1, 0, 0, *([0, 1] * 10)])},
                 files={"all": "x.csv"}, split={"by": "random"})  # fmt: skip
    found = findings(task, plain)["contradictory_labels"]
    assert found["figures"] == {"repeated": 2, "contradictory_texts": 1}


def test_test_texts_in_the_pretraining_store(write, tmp_path):
    from domainbert.corpus.build import build_store
    from domainbert.recipe.schema import Corpus

    adapter, corpus, test = DnaAdapter(), sequences(30, 7, 200), sequences(20, 8)
    test[0] = corpus[3][:90]
    corpus.append(test[1].translate(COMPLEMENT)[::-1])
    (tmp_path / "corpus.txt").write_text("\n".join(corpus) + "\n")
    build_store(
        adapter, Corpus(sources=(str(tmp_path / "corpus.txt"),), validation_fraction=0.0), tmp_path / "store",
        make_tokenizer=lambda records: adapter.tokenizer("character", None, records, model_max_length=64), seed=0,
    )  # fmt: skip
    task = given(write, (sequences(30, 9), [0, 1] * 15), (test, [0, 1] * 10))
    found = findings(task, adapter, [TokenStore(tmp_path / "store")])["pretraining_contamination"]
    assert found["figures"]["test_texts_seen"] == 1
    assert found["figures"]["share_of_letters_seen"] == pytest.approx(2 / 20, abs=0.002)
    assert found["warns"]
    shutil.rmtree(tmp_path / "store")


def test_adapters_without_a_group_have_none():
    assert Adapter.group(DnaAdapter(), "ACGT") == ""
