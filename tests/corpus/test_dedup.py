"""Duplicates: exact and mirrored, of one piece and of many, within and across files."""

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domainbert.corpus import buckets, near
from domainbert.corpus.buckets import Buckets
from domainbert.corpus.dedup import FINGERPRINT

# Pieces of 64: entries of up to five, none trimmed.
PIECES = {"window": 64, "min_piece": 1, "max_n_run": 10_000}
EVERYTHING = {"options": PIECES, "validation_fraction": 0.0, "max_drop_rate": 1.0}


@pytest.mark.parametrize("length", [10, 63, 64, 65, 128, 300])
def test_exact_and_mirrored_copies_go_and_the_first_stays(build, fasta, entries, sequence, reverse_complement, length):
    text, other = sequence(length, 1), sequence(length, 2)
    mirrored = reverse_complement(text)
    store = build(fasta({"first": text, "other": other, "copy": text.lower(), "mirror": mirrored}), **EVERYTHING)
    assert entries(store) == {"first": text, "other": other}
    assert store.manifest.drops == {"duplicate": 2}
    assert store.manifest.first_drops == {"duplicate": "genome.fa copy"}
    assert store.manifest.num_entries == 2


def test_near_copies_are_found_on_either_strand(build, fasta, entries, sequence, reverse_complement, monkeypatch):
    monkeypatch.setattr(near, "CHUNK", 500)
    texts = {f"chr{n}": sequence(4000, n) for n in range(4)}
    changed = [texts["chr1"][:1500] + "A" * 9 + texts["chr1"][1500:], texts["chr2"][:-30]]
    mirrored = [reverse_complement(text) for text in changed]
    store = build(fasta({**texts, "near": changed[0], "near_mirror": mirrored[1]}), near_duplicates=0.8, **EVERYTHING)
    assert list(entries(store)) == list(texts)
    assert store.manifest.drops == {"near_duplicate": 2}
    assert store.manifest.first_drops == {"near_duplicate": "genome.fa near"}
    assert list(entries(build(fasta({**texts, "a": changed[0], "b": mirrored[1]}), **EVERYTHING))) == [*texts, "a", "b"]


@pytest.mark.parametrize("length", [40, 64, 130, 256])
def test_an_entry_that_is_its_own_mirror(build, fasta, entries, sequence, reverse_complement, length):
    text = sequence(length // 2, 3)
    text += reverse_complement(text)
    store = build(fasta({"a": text, "b": text, "c": "A" + text[1:]}), **EVERYTHING)
    assert list(entries(store)) == ["a", "c"]


def test_across_files_and_compression(build, fasta, entries, sequence, reverse_complement, tmp_path):
    texts = [sequence(200, n) for n in range(3)]
    one = fasta({"a": texts[0], "b": texts[1]}, "one.fa")
    packed = tmp_path / "two.fa.gz"
    packed.write_bytes(gzip.compress(f">c\n{reverse_complement(texts[0])}\n>d\n{texts[2]}\n".encode()))
    store = build(one, packed, one, **EVERYTHING)
    assert list(entries(store)) == ["a", "b", "d"]
    assert store.manifest.drops == {"duplicate": 3}
    assert store.manifest.first_drops == {"duplicate": "two.fa.gz c"}


def test_entries_of_the_same_name_in_files_of_the_same_name(build, fasta, entries, sequence):
    """Two folders' ``genome.fa`` with one ``chr1`` each are two entries, not one of two pieces."""
    one, two = sequence(64, 1), sequence(64, 2)
    paths = [fasta({"chr1": text}, f"s{n}/genome.fa") for n, text in enumerate((one, two, two))]
    store = build(paths[0].parents[1], **EVERYTHING)
    assert store.manifest.num_entries == 2
    assert [store.text(n) for n in range(len(store))] == [one, two]


def test_long_copies_beside_short_ones(build, fasta, entries, sequence, reverse_complement):
    """A copy cut into other pieces, since a long run of N shifts the grid, is still found when the pieces' text is the same."""
    text = sequence(300, 1)
    store = build(
        fasta({"a": text, "b": text[:100] + "N" * 50 + text[100:]}), options={"window": 64, "min_piece": 1}, validation_fraction=0.0
    )
    assert list(entries(store)) == ["a"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 2), st.booleans()), min_size=1, max_size=14))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_stays_is_what_a_plain_set_keeps(build, fasta, entries, sequence, reverse_complement, tmp_path, recipe):
    texts = {}
    for number, (seed, sixties, extra, mirrored) in enumerate(recipe):
        text = sequence(60 * sixties + extra, seed)
        texts[f"e{number}"] = reverse_complement(text) if mirrored else text
    expected, seen = {}, set()
    for name, text in texts.items():
        key = min(text, reverse_complement(text))
        if key not in seen:
            expected[name] = text
        seen.add(key)
    store = build(fasta(texts), **EVERYTHING)
    assert entries(store) == expected
    assert store.manifest.drops.get("duplicate", 0) == len(texts) - len(expected)


def test_many_entries_go_through_several_buckets(build, fasta, entries, sequence, monkeypatch):
    monkeypatch.setattr(buckets, "ROWS_PER_BUCKET", 16)
    texts = {f"e{n}": sequence(50, n % 150) for n in range(300)}
    store = build(fasta(texts), **EVERYTHING)
    assert list(entries(store)) == [f"e{n}" for n in range(150)]


@pytest.mark.parametrize("num_rows", [0, 1, 1000])
@pytest.mark.parametrize("rows_per_bucket", [1, 100, 1 << 20])
def test_buckets_sort_and_keep_the_order_of_equals(tmp_path, monkeypatch, num_rows, rows_per_bucket):
    monkeypatch.setattr(buckets, "ROWS_PER_BUCKET", rows_per_bucket)
    rows = np.zeros(num_rows, FINGERPRINT)
    rows["key"] = np.random.default_rng(0).integers(0, 2**64, 300, np.uint64, endpoint=False)[np.arange(num_rows) % 300]
    rows["entry"] = np.arange(num_rows)
    with Buckets(tmp_path, FINGERPRINT, num_rows) as scattered:
        scattered.add(rows[: num_rows // 3])
        scattered.add(rows[num_rows // 3 :])
        found = np.concatenate(list(scattered))
    assert found.tolist() == rows[np.lexsort((rows["entry"], rows["key"]))].tolist()
    assert not list(tmp_path.iterdir())
