"""``domainbert corpus``: what it prints, and how it fails."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from domainbert.cli.app import app
from domainbert.corpus.store import TokenStore


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the program in an empty folder, in this process: that spares each test two seconds of imports."""
    monkeypatch.chdir(tmp_path)

    def start(*arguments):
        done = CliRunner().invoke(app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return start


@pytest.fixture
def genome(tmp_path):
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), 300)) for _ in range(10)]
    entries = [*enumerate(texts), (10, texts[3]), (11, "ACGT" * 9 + "!!!")]
    path = tmp_path / "genome.fa"
    path.write_text("".join(f">c{number} of ten\n{text}\n" for number, text in entries))
    return path


def test_build_prints_counts_and_writes_a_store(run, genome, tmp_path):
    done = run(
        "corpus", "build", "--adapter", "dna", str(genome), "--tokenizer", "kmer", "--output", "out", "validation_fraction=0.2",
        "views.reverse_complement=1", "window=100", "tokenizer.options.k=3", "max_drop_rate=0.1", "training.seed=3",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    store = TokenStore(tmp_path / "out")
    assert store.manifest.options["window"] == 100
    assert store.manifest.vocabulary_size == 6 + 64 + 5
    assert len(store) == 2 * 3 * 8 + 3 * 2
    lines = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    assert lines["entries"].strip() == "10"
    assert lines["characters"].strip() == "5,400"
    assert lines["validation"].strip() == "6 records, 204 tokens, 2 groups"
    assert lines["dropped: duplicate"].strip() == "1, first at genome.fa c10"
    assert any("first at" in value and "genome.fa:23" in value for name, value in lines.items() if name != "dropped: duplicate")
    assert done.stderr.endswith("the store is in out\n")


def test_build_as_json_is_the_manifest(run, genome, tmp_path):
    done = run("corpus", "build", "--adapter", "dna", str(genome), "--json", "max_drop_rate=0.1")
    printed = json.loads(done.stdout)
    assert TokenStore(tmp_path / "stores" / "dna").manifest.num_tokens == printed["num_tokens"] == 3000
    assert printed["drops"]["duplicate"] == 1


def test_stats_of_sources_and_of_a_store_agree(run, genome, tmp_path):
    arguments = ["--adapter", "dna", str(genome), "validation_fraction=0.2", "max_drop_rate=0.1"]
    of_sources = run("corpus", "stats", *arguments, "--json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["genome.fa"]
    run("corpus", "build", *arguments, "--output", "out")
    of_store = run("corpus", "stats", "out", "--json")
    assert json.loads(of_sources.stdout) == json.loads(of_store.stdout)
    counts = json.loads(of_store.stdout)
    assert counts["roles"]["train"] == {"num_records": 8, "num_tokens": 2400, "num_groups": 8}
    assert counts["length_quantiles"] == dict.fromkeys(("0", "0.05", "0.25", "0.5", "0.75", "0.95", "1"), 300)
    assert "tokens a record" in run("corpus", "stats", "out").stdout


def test_inspect_shows_each_stage(run, tmp_path):
    (tmp_path / "a.fa").write_text(">one\nacguRYNNacgtacgtaa\n>two\n" + "ACGTTT" * 100 + "\n")
    done = run("corpus", "inspect", "--adapter", "dna", "a.fa", "--tokenizer", "kmer", "--records", "2", "--json")
    one, two = json.loads(done.stdout)
    assert (one["id"], one["raw"], one["canonical"]) == ("one", "acguRYNNacgtacgtaa", "ACGTNNNNACGTACGTAA")
    assert one["tokens"] == ["A", "C", "G", "T", "N", "N", "N", "N", "ACGTAC", "G", "T", "A", "A"]
    assert two["num_characters"] == 600
    assert two["tokens"] == ["ACGTTT"] * 16
    assert len(two["masked"]) == 16
    assert "<mask>" in two["masked"]
    assert all(token == "N" for token, masked in zip(one["tokens"], one["masked"], strict=True) if masked == "N")
    shown = run("corpus", "inspect", "--adapter", "dna", "a.fa", "--width", "20").stdout.splitlines()
    parts = ["raw", "canonical", "tokens", "masked"]
    assert [line.split()[0] for line in shown if line] == ["one", *parts, "two", *parts]
    assert max(map(len, shown)) < 200


def test_encoding_is_named_or_missed(run, tmp_path):
    (tmp_path / "livre.txt").write_bytes("L'été fut sec.\n".encode("latin-1") * 40)
    arguments = ["corpus", "inspect", "--adapter", "french", "livre.txt", "tokenizer.options.emoji=false", "--records", "1"]
    wrong = run(*arguments)
    assert wrong.exit_code == 2
    assert "byte 0xe9 at byte 2" in wrong.stderr
    right = run(*arguments, "--encoding", "latin-1")
    assert "L'été fut sec." in right.stdout
    assert "L' été fut sec ." in right.stdout  # tokens are shown as text, not as the vocabulary's bytes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "--adapter", "dan", "genome.fa"], "no adapter is called 'dan'"),
        (["build", "--adapter", "dna"], "Missing argument"),
        (["build", "--adapter", "dna", "window=100"], "no source is given"),
        (["build", "--adapter", "dna", "none.fa"], "none.fa: no such file or folder"),
        (["build", "--adapter", "dna", "genome.fa", "windw=100"], "did you mean 'corpus[0].options.window'?"),
        (["build", "--adapter", "dna", "genome.fa", "validation_fraction=2"], "is outside 0..0.9"),
        (["build", "--adapter", "dna", "genome.fa", "tokenizer.options.k=99", "--tokenizer", "kmer"], "is outside 2..7"),
        (["build", "--adapter", "dna", "genome.fa", "--tokenizer", "words"], "adapter dna has character, kmer, bpe"),
        (["build", "--adapter", "dna", "genome.fa"], "max_drop_rate is 5.0%; mend the source or raise max_drop_rate"),
        (["build", "--adapter", "dna", "genome.fa", 'validation_groups=["chr*"]'], "which no group matches"),
        (["stats", "genome.fa"], "is no built store"),
        (["inspect", "--adapter", "dna", "none.fa"], "none.fa: no such file or folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_exits_2_and_writes_nothing(run, genome, tmp_path, arguments, message):
    done = run("corpus", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("genome.fa", "stores")] == []
    assert not any((tmp_path / "stores").glob("*"))


def test_help_shows_examples(run):
    for command in ("inspect", "stats", "build"):
        assert f"Example: domainbert corpus {command}" in run("corpus", command, "--help").stdout
