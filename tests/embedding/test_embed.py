"""``domainbert embed``: files of vectors, as a program reads them."""

import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from domainbert.embedding.encoder import Encoder
from domainbert.embedding.output import embed
from domainbert.errors import CorpusError, OutputError

FASTA = ">one\nACGTACGGTT\n>bad\nACG!DNA\n>two\nGGGCCCAATTACGTACGGTTAA\n>three\nACGTTGCAAACCGGTTACGT\n"


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text(FASTA)
    return path


def test_both_formats_hold_the_vectors_in_the_input_s_order(folder, fasta, tmp_path):
    for name in ("v.npy", "v.parquet"):
        command = [sys.executable, "-m", "domainbert", "embed", str(folder()), str(fasta), "--output", name, "--mirror"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == f"{name}\n"
        assert "3 vectors of 32 numbers" in done.stderr
        assert "left out, so that rows do not follow the input's lines: illegal_character 1 (first at " in done.stderr
    table = pq.read_table(tmp_path / "v.parquet")
    assert table["id"].to_pylist() == ["one", "two", "three"]
    wanted = Encoder.from_pretrained(folder()).encode([text for text in FASTA.split("\n")[1:8:2] if "!" not in text], mirror=True)
    np.testing.assert_allclose(np.stack(table["embedding"].to_numpy()), wanted, atol=1e-6)
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), np.stack(table["embedding"].to_numpy()))


def test_many_chunks_are_one_array(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("domainbert.embedding.output.CHUNK_RECORDS", 2)
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(5)]
    (tmp_path / "x.txt").write_text("\n".join(texts) + "\n")
    encoder = Encoder.from_pretrained(folder())
    done = embed(encoder, [str(tmp_path / "x.txt")], tmp_path / "new" / "v.npy")
    assert (done.num_records, done.dimension) == (5, 32)
    np.testing.assert_allclose(np.load(tmp_path / "new" / "v.npy"), encoder.encode(texts), atol=1e-6)


def test_what_is_wrong_is_named_and_nothing_is_left(folder, fasta, tmp_path):
    encoder = Encoder.from_pretrained(folder())
    with pytest.raises(OutputError, match=r"v\.csv: vectors are written to \.npy or \.parquet files"):
        embed(encoder, [str(fasta)], tmp_path / "v.csv")
    (tmp_path / "bad.fa").write_text(">bad\nACGTAC!GTACGTACGTACGT\n")
    with pytest.raises(CorpusError, match="no record is left to embed"):
        embed(encoder, [str(tmp_path / "bad.fa")], tmp_path / "v.npy")
    (tmp_path / "d.npy").mkdir()
    with pytest.raises(OutputError, match=r"d\.npy: cannot be written \(Is a directory\)"):
        embed(encoder, [str(fasta)], tmp_path / "d.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.fa", "d.npy", "x.fa"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pooling", "max"], "--pooling max: is none of mean, cls"),
        (["--long", "drop"], "--long drop: is none of windows, truncate"),
        (["--adapter", "rocks"], "no adapter is called 'rocks'"),
    ],
)
def test_wrong_options_exit_2(folder, fasta, tmp_path, arguments, message):
    command = [sys.executable, "-m", "domainbert", "embed", str(folder()), str(fasta), "--output", str(tmp_path / "v.npy"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
