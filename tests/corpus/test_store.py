"""An opened store: what it costs, and damages that are named."""

import json
import os
import resource
import shutil
import time

import numpy as np
import pytest

from domainbert.corpus.store import TokenStore
from domainbert.errors import StoreError


@pytest.fixture
def store(build, fasta, sequence):
    return build(fasta({f"c{n}": sequence(300, n) for n in range(10)}), validation_fraction=0.2)


def test_records_come_back(store):
    record = store.record(3)
    assert (record.id, record.group, record.label) == ("c3", "c3", None)
    assert record.meta == {"start": "0", "strand": "+", "file": "genome.fa"}
    assert record.text == store.text(3)
    assert len(record.text) == 300


def test_roles(store):
    train, held_out = store.indexes("train"), store.indexes("validation")
    assert sorted([*train, *held_out]) == list(range(10))
    assert len(held_out) == 2
    assert store.table["role"].to_pylist() == ["validation" if n in held_out else "train" for n in range(10)]


def test_opening_reads_nothing(store):
    """Arrays of several gigabytes (holes, on disk) open as quickly as small ones."""
    folder, num_tokens = store.folder, 3 << 30
    for name, last in (("offsets.bin", num_tokens), ("text_offsets.bin", num_tokens)):
        offsets = np.fromfile(folder / name, np.uint64)
        offsets[-1] = last
        offsets.tofile(folder / name)
    os.truncate(folder / "tokens.bin", 2 * num_tokens)
    os.truncate(folder / "text.bin", num_tokens)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "num_tokens": num_tokens}))
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    opened = TokenStore(folder)
    assert opened.text(2) == store.text(2)
    assert int(opened.tokens[num_tokens - 1]) == 0
    assert time.perf_counter() - begin < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB; one array alone is 6 GiB


@pytest.mark.parametrize("name", ["tokens.bin", "offsets.bin", "text.bin", "text_offsets.bin"])
def test_a_truncated_array_is_named(store, name):
    path = store.folder / name
    os.truncate(path, path.stat().st_size - 2)
    with pytest.raises(StoreError, match=rf"{name}: \d+ bytes, the manifest says \d+; build the store again"):
        TokenStore(store.folder)
    path.unlink()
    with pytest.raises(StoreError, match=rf"{name}: cannot be read \(No such file"):
        TokenStore(store.folder)


def test_offsets_of_another_store_are_named(store):
    offsets = np.fromfile(store.folder / "offsets.bin", np.uint64)
    offsets[-1] -= np.uint64(1)
    offsets.tofile(store.folder / "offsets.bin")
    with pytest.raises(StoreError, match=r"offsets.bin: 2999 tokens, the manifest says 3000"):
        TokenStore(store.folder)


def test_damaged_records_are_named(store, build, fasta):
    path = store.folder / "records.arrow"
    other = build(fasta({"a": "ACGT" * 50}), validation_fraction=0.0)
    shutil.copy(other.folder / "records.arrow", path)
    with pytest.raises(StoreError, match=r"records.arrow: 1 records, the manifest says 10"):
        TokenStore(store.folder).indexes("train")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StoreError, match=r"records.arrow: cannot be read"):
        TokenStore(store.folder).record(0)
    path.unlink()
    with pytest.raises(StoreError, match=r"records.arrow: cannot be read"):
        TokenStore(store.folder).record(0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not a finished token store"),
        ("", "cannot be read"),
        ("[1]", "format version"),
        ('{"format_version": 99}', "format version 99, this program reads 1"),
        ('{"format_version": 1}', "is damaged"),
        ('{"format_version": 1, "sources": [{}]}', "is damaged"),
    ],
)
def test_a_damaged_manifest_is_named(store, content, message):
    path = store.folder / "manifest.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(StoreError, match=message):
        TokenStore(store.folder)


def test_another_tokenizer_is_named(store):
    assert store.tokenizer("ACGT", add_special_tokens=False)["input_ids"] == [6, 8, 9, 7]
    path = store.folder / "tokenizer" / "tokenizer.json"
    path.write_text(path.read_text().replace('"A": 6', '"A": 7').replace('"T": 7', '"T": 6'))
    with pytest.raises(StoreError, match="is not the tokenizer that made this store"):
        _ = TokenStore(store.folder).tokenizer


def test_weights_are_mapped_and_checked(build, fasta):
    store = build(fasta({"a": "ACGTacgtACGT" * 20}), options={"soft_mask_weight": 0.0}, validation_fraction=0.0)
    assert store.weights.tolist() == ([255] * 4 + [0] * 4 + [255] * 4) * 20
    os.truncate(store.folder / "weights.bin", 10)
    with pytest.raises(StoreError, match=r"weights.bin: 10 bytes"):
        TokenStore(store.folder)
