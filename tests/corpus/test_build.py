"""Whole builds: what a store holds, what stops a build, and that there is never half a store."""

import hashlib
import json
import random
import resource
import subprocess
import sys
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from domainbert.adapters.base import Adapter, Record
from domainbert.adapters.dna import DnaAdapter
from domainbert.corpus.store import TokenStore
from domainbert.durable import whole_folder
from domainbert.errors import CorpusError, OutputError, TokenizerError


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if ".partial-" in path.name]


@pytest.mark.parametrize("kind", ["character", "kmer", "bpe"])
def test_a_store_holds_the_tokenizers_own_ids(build, fasta, sequence, kind):
    texts = {f"c{n}": sequence(length, n) for n, length in enumerate((50, 777, 64, 5000))}
    texts["c1"] = texts["c1"][:300] + "NNN" + texts["c1"][300:].lower()
    store = build(fasta(texts), kind=kind, options={"window": 1000})
    assert len(store) == 3 + 5
    assert b"".join(store.text(n).encode() for n in range(len(store))) == store.text_bytes.tobytes()
    for index in range(len(store)):
        ids = store.tokens[int(store.offsets[index]) : int(store.offsets[index + 1])].tolist()
        record = store.record(index)
        assert ids == store.tokenizer(record.text, add_special_tokens=False)["input_ids"]
        start = int(record.meta["start"])
        assert record.text == texts[record.id].upper()[start : start + 1000]


def test_two_bytes_a_token_and_eight_a_record_beside_the_text(build, fasta, sequence):
    store = build(fasta({f"c{n}": sequence(300 + n, n) for n in range(40)}), kind="kmer")
    sizes = {path.name: path.stat().st_size for path in store.folder.iterdir()}
    characters = sum(300 + n for n in range(40))
    assert sizes["tokens.bin"] == 2 * store.manifest.num_tokens < 2 * characters / 4
    assert sizes["offsets.bin"] == sizes["text_offsets.bin"] == 8 * (40 + 1)
    assert sizes["text.bin"] == store.manifest.num_characters == characters
    assert "weights.bin" not in sizes
    assert set(sizes) == {"tokens.bin", "offsets.bin", "text.bin", "text_offsets.bin", "records.arrow", "tokenizer", "manifest.json"}


def test_a_large_vocabulary_takes_four_bytes(build, fasta, sequence):
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<unk>": 0, "C": 1, **{f"x{n}": n for n in range(2, 70_000)}, "A": 70_000, "G": 70_001, "T": 70_002}
    backend = Tokenizer(WordLevel(vocabulary, "<unk>"))
    backend.pre_tokenizer = Split(Regex("."), "isolated")
    backend.enable_truncation(10)  # a base's tokenizer.json may say so; a store is never cut
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", model_max_length=10)
    store = build(fasta({"a": "ACGTA" * 20}), make_tokenizer=lambda records: tokenizer, validation_fraction=0.0)
    assert store.manifest.dtype == "uint32"
    assert store.tokens.tolist() == [70_000, 1, 70_001, 70_002, 70_000] * 20


def test_an_encoder_that_differs_from_the_tokenizer_is_refused(build, fasta, sequence, tmp_path):
    class Careless(DnaAdapter):
        def fast_encoder(self, tokenizer):
            encode = super().fast_encoder(tokenizer)
            return lambda text: encode(text)[:-1]

    with pytest.raises(TokenizerError, match=r"quick encoder and tokenizer.json differ at token 79 of 'ACG"):
        build(fasta({"a": "ACGT" * 20}), adapter=Careless(), output=tmp_path / "out", validation_fraction=0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["genome.fa"]


def test_views_are_written_for_training_records_only(build, fasta, sequence, reverse_complement):
    texts = {f"c{n}": sequence(300, n) for n in range(10)}
    store = build(fasta(texts), views={"reverse_complement": 1}, validation_fraction=0.2)
    train, held_out = ([store.record(int(n)) for n in store.indexes(role)] for role in ("train", "validation"))
    assert len(train) == 16
    assert len(held_out) == 2
    for record in train:
        assert record.group == record.id
        assert record.text == (texts[record.id] if record.meta["strand"] == "+" else reverse_complement(texts[record.id]))
    assert sorted(record.meta["strand"] for record in train) == ["+"] * 8 + ["-"] * 8
    assert [record.meta["strand"] for record in held_out] == ["+", "+"]
    assert not {record.group for record in train} & {record.group for record in held_out}
    assert store.manifest.num_entries == 10
    assert store.manifest.num_characters == sum(len(store.text(n)) for n in range(len(store)))


def test_a_view_that_reads_the_same_is_left_out(build, fasta, sequence):
    texts = {"palindrome": "ACGT" * 20, "other": sequence(80, 1)}
    store = build(fasta(texts), views={"reverse_complement": 2}, validation_fraction=0.0)
    ids = [store.record(n).id for n in range(len(store))]
    assert sorted(ids) == ["other"] * 3 + ["palindrome"]
    assert len(build(fasta({"palindrome": "ACGT" * 20}), views={"reverse_complement": 1}, validation_fraction=0.0)) == 1


def test_an_unknown_view(build, fasta):
    with pytest.raises(CorpusError, match="has no view 'reverse'; it has reverse_complement"):
        build(fasta({"a": "ACGT" * 20}), views={"reverse": 1})


@pytest.mark.parametrize("kind", ["character", "kmer"])
def test_target_weights_follow_their_bases(build, fasta, sequence, kind):
    text = sequence(200, 1)
    text = text[:60] + text[60:90].lower() + text[90:]
    options = {"soft_mask_weight": 0.5}
    store = build(fasta({"a": text}), kind=kind, options=options, views={"reverse_complement": 1}, validation_fraction=0.4)
    assert store.manifest.has_weights
    assert len(store.weights) == len(store.tokens)
    by_strand = {}
    for index in range(len(store)):
        record = store.record(index)
        weights = store.weights[int(store.offsets[index]) : int(store.offsets[index + 1])].tolist()
        by_strand[record.meta["strand"], record.meta["start"]] = weights
    width = 1 if kind == "character" else 6
    expected = [255] * (60 // width) + [128] * (30 // width) + [255] * (30 // width)
    assert by_strand["+", "0"] == expected
    assert by_strand["-", "0"] == expected[::-1]
    assert set(by_strand["+", "120"]) == {255}


def test_no_weights_file_without_weights(build, fasta):
    store = build(fasta({"a": "acgtACGT" * 20}))
    assert store.weights is None
    assert not (store.folder / "weights.bin").exists()


def test_the_manifest_says_where_everything_comes_from(build, fasta, sequence, tmp_path):
    class Small(DnaAdapter):
        def sample(self):
            yield Record("s1", sequence(300, 7), "s1")

    paths = [fasta({"a": sequence(400, 1)}, "in/a.fa"), fasta({"b": sequence(500, 2)}, "in/b.fa")]
    manifest = build(tmp_path / "in", "sample", adapter=Small(), validation_fraction=0.0).manifest
    files = [(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size) for path in paths]
    assert [(source.path, source.sha256, source.num_bytes) for source in manifest.sources] == [*files, ("sample:dna:dna-1", "", 0)]
    assert (manifest.adapter, manifest.canonical_version, manifest.options["window"]) == ("dna", "dna-1", 65536)
    assert (manifest.num_entries, manifest.num_records, manifest.num_characters) == (3, 3, 1200)


def test_drops_are_counted_with_their_first_place(build, fasta, sequence):
    texts = {f"c{n}": sequence(200, n) for n in range(48)} | {"bad1": "ACGT12345" * 9, "bad2": "ACGT??" * 9}
    path = fasta(texts)
    manifest = build(path, max_drop_rate=0.05).manifest
    assert sum(manifest.drops.values()) == 2
    assert manifest.num_entries == 48
    assert all(place.startswith(f"{path}:") for place in manifest.first_drops.values())
    with pytest.raises(CorpusError) as error:
        build(path, max_drop_rate=0.03)
    assert "4.0% of the entries were dropped, max_drop_rate is 3.0%" in str(error.value)
    for reason, place in manifest.first_drops.items():
        assert f"{reason}: {manifest.drops[reason]}, first at {place}" in str(error.value)


def test_duplicates_are_not_in_the_drop_rate(build, fasta, sequence):
    manifest = build(fasta({f"c{n}": sequence(200, n % 4) for n in range(12)}), max_drop_rate=0.0, validation_fraction=0.0).manifest
    assert manifest.drops == {"duplicate": 8}
    assert manifest.first_drops == {"duplicate": "genome.fa c4"}
    assert manifest.num_entries == manifest.num_records == 4


def test_nothing_left(build, fasta, tmp_path):
    with pytest.raises(CorpusError, match=r"nothing is left of .*genome.fa\n  empty_sequence: 1, first at .*genome.fa:1"):
        build(fasta({"a": ""}), output=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["genome.fa"]


def test_text_is_learned_from_training_records_only(build, fasta, sequence):
    texts = {f"c{n}": sequence(300, n) for n in range(20)}
    seen = []

    def make(records):
        seen.append([record.id for record in records])
        seen.append([record.id for record in records])  # may be gone through again
        assert all(record.text == texts[record.id].upper() for record in records)
        return DnaAdapter().tokenizer("character", None, records, model_max_length=64)

    store = build(fasta({id: text.lower() for id, text in texts.items()}), make_tokenizer=make, validation_fraction=0.2)
    assert seen[0] == seen[1] == [store.record(int(n)).id for n in store.indexes("train")]
    assert len(seen[0]) == 16


def test_a_large_corpus_is_sampled_evenly(build, fasta, sequence, monkeypatch):
    monkeypatch.setattr("domainbert.corpus.prepare.SAMPLE_CHARACTERS", 3000)
    sizes = []

    def make(records):
        sizes.append([int(record.id[1:]) for record in records])
        return DnaAdapter().tokenizer("character", None, records, model_max_length=64)

    build(fasta({f"c{n}": sequence(300, n) for n in range(100)}), make_tokenizer=make, validation_fraction=0.0)
    assert 8 <= len(sizes[0]) <= 10
    assert np.ptp(np.diff(sizes[0])) == 0


def test_progress_is_reported(build, fasta, sequence):
    reports = []
    build(fasta({"a": sequence(3000, 1)}), report=lambda phase, characters: reports.append((phase, characters)), validation_fraction=0.0)
    assert reports == [("reading", 3000), ("encoding", 3000)]


def test_batches_change_nothing(build, fasta, sequence, monkeypatch):
    texts = {f"c{n}": sequence(30 + 70 * (n % 41 % 7), n % 41) for n in range(60)}
    settings = {"options": {"window": 64, "min_piece": 1}, "views": {"reverse_complement": 1}, "validation_fraction": 0.3}
    whole = build(fasta(texts), **settings)
    monkeypatch.setattr("domainbert.corpus.staging.BATCH_RECORDS", 3)
    monkeypatch.setattr("domainbert.corpus.staging.BLOCK_ROWS", 5)
    monkeypatch.setattr("domainbert.corpus.dedup.READ_ENTRIES", 2)
    small = build(fasta(texts), **settings)
    assert sorted(map(repr, map(small.record, range(len(small))))) == sorted(map(repr, map(whole.record, range(len(whole)))))
    assert small.manifest == whole.manifest
    assert small.manifest.drops["duplicate"] > 0


def test_an_output_that_is_taken(build, fasta, tmp_path):
    path = fasta({"a": "ACGT" * 20})
    (tmp_path / "out").mkdir()
    build(path, output=tmp_path / "out", validation_fraction=0.0)  # an empty folder is free
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    with pytest.raises(OutputError, match="already there; remove it or give another --output"):
        build(path, output=tmp_path / "out", validation_fraction=0.0)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    with pytest.raises(OutputError, match="cannot be written"):
        build(path, output=path / "out")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_errors_leave_nothing_behind(build, fasta, tmp_path, error):
    def make(records):
        raise error

    with pytest.raises(error):
        build(fasta({"a": "ACGT" * 20}), output=tmp_path / "out", make_tokenizer=make, validation_fraction=0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["genome.fa"]


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(build, fasta, tmp_path):
    (tmp_path / ".out.partial-1").mkdir()  # its process id lives, but nobody holds its lock
    (tmp_path / ".out.partial-1" / "staged.txt").write_text("ACGT")
    with whole_folder(tmp_path / "out") as mine:
        (mine / "file").write_text("x")
        with pytest.raises(OutputError), whole_folder(tmp_path / "out"):
            pass
        assert leftovers(tmp_path) == [mine.name]
        assert (mine / "file").exists()
    assert (tmp_path / "out" / "file").read_text() == "x"
    assert not leftovers(tmp_path)


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from domainbert.adapters.dna import DnaAdapter
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.recipe.schema import Corpus
import transformers; transformers.PreTrainedTokenizerFast

source, folder, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
adapter = DnaAdapter()

def build(output):
    corpus = Corpus(sources=(source,), views={"reverse_complement": 1})
    build_store(adapter, corpus, output, make_tokenizer=lambda r: adapter.tokenizer("character", None, r, model_max_length=64), seed=0)

def child(output):
    process = os.fork()
    if not process:
        build(output)
        os._exit(0)
    return process

begin = time.monotonic()
os.waitpid(child(folder / "whole"), 0)
duration = time.monotonic() - begin
rng = random.Random(seed)
for number in range(12):
    process = child(folder / "out")
    time.sleep(rng.uniform(0, 1.1 * duration))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    if (folder / "out").exists():
        (folder / "out").rename(folder / f"out-{number}")
print(len(list(folder.glob(".out.partial-*"))))
"""


@pytest.mark.invariant
def test_a_store_is_whole_or_absent_after_kill_9(fasta, sequence, tmp_path, build):
    path = fasta({f"c{n}": sequence(40_000, n) for n in range(60)})
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(tmp_path), str(random.randrange(1000))],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 1  # each build removed what the one before left
    whole = TokenStore(tmp_path / "whole")
    for folder in tmp_path.glob("out-*"):
        store = TokenStore(folder)
        assert asdict(store.manifest) == asdict(whole.manifest)
        assert store.tokens.tobytes() == whole.tokens.tobytes()
        assert store.text_bytes.tobytes() == whole.text_bytes.tobytes()
        assert store.table.equals(whole.table)
    build(path, output=tmp_path / "out")
    assert not leftovers(tmp_path)


@pytest.mark.invariant
@pytest.mark.parametrize("limit", [200_000, 1_200_000, 1_900_000])
def test_a_full_disk_is_named_and_nothing_is_kept(fasta, sequence, tmp_path, limit):
    # The file size limit gives EFBIG where a full disk gives ENOSPC: while staging, in the text with views, and in the tokens.
    path = fasta({"a": sequence(1_000_000, 1)})
    command = ["corpus", "build", "--adapter", "dna", str(path), "--output", "out", "views.reverse_complement=1"]
    done = subprocess.run(
        [sys.executable, "-m", "domainbert", *command],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert f"{tmp_path / 'out'}: no room left after" in done.stderr
    assert "--output on a larger disk" in done.stderr
    assert done.stdout == ""
    assert [each.name for each in tmp_path.iterdir()] == ["genome.fa"]


def test_memory_does_not_grow_with_the_corpus(repository, fasta, sequence):
    text = sequence(1_000_000, 1)
    peaks = []
    for megabytes in (2, 40):
        path = fasta({f"c{n}": text[n * 1000 :] + text[: n * 1000 + n] for n in range(megabytes)})
        command = [sys.executable, str(repository / "benchmarks" / "corpus_preparation.py"), "--build", "kmer", "--input", str(path)]
        measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)
        assert measured["num_characters"] > megabytes * 990_000
        peaks.append(measured["peak_bytes"])
    assert peaks[1] < 300e6  # 500 MB are promised
    assert peaks[1] - peaks[0] < 30e6


@dataclass(frozen=True)
class LineOptions:
    pairs: bool = False


class Lines(Adapter):
    """Lines of any text, labelled, in a group by their first word: a domain with nothing of DNA's."""

    name, summary, canonical_version = "lines", "lines", "lines-1"
    Options = LineOptions
    tokenizer_kinds: ClassVar = {}

    def records(self, source, *, drops=None):
        for number, line in enumerate(Path(source).read_text(errors="surrogateescape").splitlines()):
            drops.num_kept += 1
            second = Record("x", "x", "x") if self.options.pairs else None
            yield Record(f"{number}", line, line.split(" ", 1)[0], {}, second=second, label=float(number))

    def canonicalize(self, text):
        return text.strip()

    def tokenizer(self, kind, options, records, *, model_max_length):
        from tokenizers import Regex, Tokenizer
        from tokenizers.models import WordLevel
        from tokenizers.pre_tokenizers import Split
        from transformers import PreTrainedTokenizerFast

        letters = sorted({letter for record in records for letter in record.text})
        backend = Tokenizer(WordLevel({"?": 0, **{letter: number for number, letter in enumerate(letters, start=1)}}, "?"))
        backend.pre_tokenizer = Split(Regex("."), "isolated")
        return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="?", model_max_length=model_max_length)

    def is_target(self, token):
        return True

    def sample(self):
        return iter(())

    def probes(self):
        return ("été",)


def built_lines(build, path, options=None, **corpus):
    adapter = Lines(options)
    return build(
        path, adapter=adapter, make_tokenizer=lambda records: adapter.tokenizer("", None, records, model_max_length=64), **corpus
    )


def test_text_of_several_bytes_a_character(build, tmp_path):
    lines = ["été à Noël", "   ", "naïf 🧬 αβγ", "naïf 🧬 αβγ ", "ascii only", "été à Noël, œuvre de 1 200 €"]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    store = built_lines(build, tmp_path / "a.txt", validation_fraction=0.1, max_drop_rate=1.0)
    records = [store.record(n) for n in range(len(store))]
    assert "".join(record.text for record in records) == "".join(lines[n].strip() for n in (0, 2, 4, 5))
    assert store.manifest.drops == {"empty": 1, "duplicate": 1}
    assert store.manifest.num_characters == len(store.tokens) == sum(len(lines[n]) for n in (0, 2, 4, 5))
    for index, record in enumerate(records):
        ids = store.tokens[int(store.offsets[index]) : int(store.offsets[index + 1])].tolist()
        assert ids == store.tokenizer(record.text, add_special_tokens=False)["input_ids"]
        assert lines[int(float(record.label))].find(record.text) >= 0
    # No group fits a tenth; the end of the largest group is cut, inside its second line.
    held_out = [store.text(int(n)) for n in store.indexes("validation")]
    assert held_out == [lines[5][-len(held_out[0]) :]]
    assert len(held_out[0]) == -(-store.manifest.num_characters // 10)


def test_what_cannot_be_stored_is_refused(build, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    with pytest.raises(CorpusError, match="holds pairs of texts"):
        built_lines(build, path, LineOptions(pairs=True))
    path.write_bytes(b"one\nt\xe9\n")
    with pytest.raises(CorpusError, match=r"record 1: '\\udce9' is no character of Unicode text; is the file's encoding right\?"):
        built_lines(build, path)
