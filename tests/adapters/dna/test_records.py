"""From files to records: ids, places, windows, soft masks, and every bad entry by its name."""

import gzip
import random
import re
import subprocess
import sys
from collections import Counter
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.dna import DnaAdapter, pieces
from domainbert.adapters.dna.options import DnaOptions
from domainbert.errors import CorpusError

PROTEIN = "MKVLAAGIVGLPNVGKSTLFNAITKAGAEAANYPFCTIEPNVGVVEVPDERLDKLAELVKPKKVVPTTIEFVDIAGLV"


def read(source, **options) -> tuple[list[Record], Drops]:
    drops = Drops()
    return list(DnaAdapter(DnaOptions(**options)).records(str(source), drops=drops)), drops


def write(folder, name: str, text: str | bytes):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def bases(count: int, seed: int = 0, letters: str = "ACGT") -> str:
    return "".join(random.Random(seed).choices(letters, k=count))


def fasta(**entries: str) -> str:
    return "".join(f">{name} description\n{text}\n" for name, text in entries.items())


# Formats


def _genbank(name: str, text: str) -> str:
    lines = "".join(f"{at + 1:9d} {text[at : at + 60]}\n" for at in range(0, len(text), 60))
    return f"LOCUS       {name}  {len(text)} bp    DNA     linear   BCT 01-JAN-2026\nVERSION     {name}.1\nORIGIN\n{lines}//\n"


ONE, TWO = bases(300, 1), bases(200, 2)
FORMATS = {
    "x.fa": (fasta(a=ONE, b=TWO), ["a", "b"]),
    "x.gb": (_genbank("a", ONE) + _genbank("b", TWO), ["a.1", "b.1"]),
    "x.txt": (f"{ONE}\n{TWO}\n", ["x.txt:1", "x.txt:2"]),
    "x.csv": (f"label,sequence\n1,{ONE}\n0,{TWO}\n", ["x.csv:1", "x.csv:2"]),
    "x.tsv": (f"label\tsequence\n1\t{ONE}\n0\t{TWO}\n", ["x.tsv:1", "x.tsv:2"]),
}
PACKINGS = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_format_in_every_packing(tmp_path, name, packing, end):
    text, ids = FORMATS[name]
    path = write(tmp_path, name, PACKINGS[packing](text.replace("\n", end).encode()))
    records, drops = read(path)
    assert [record.id for record in records] == [record.group for record in records] == ids
    assert [record.text for record in records] == [ONE, TWO]
    assert all(record.meta == {"start": "0", "strand": "+", "file": name} for record in records)
    assert (drops.num_kept, drops.counts, drops.trimmed) == (2, Counter(), Counter())


def test_parquet(tmp_path):
    pq.write_table(pa.table({"dna": [ONE, TWO], "name": ["a", "b"]}), tmp_path / "x.parquet")
    records, _ = read(tmp_path / "x.parquet", column="dna", id_column="name")
    assert [(record.id, record.text) for record in records] == [("a", ONE), ("b", TWO)]


@pytest.mark.parametrize("name", FORMATS)
def test_content_decides_not_the_name(tmp_path, name):
    text, _ = FORMATS[name]
    if name in ("x.fa", "x.gb"):
        assert len(read(write(tmp_path, "anything.dat", text))[0]) == 2
    else:
        options = {"format": "table" if "," in text or "\t" in text else "lines"}
        assert len(read(write(tmp_path, "anything.dat", text), **options)[0]) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@read1\nACGT\n+\nIIII\n", "begins with '@read1', which looks like FASTQ"),
        ("<!DOCTYPE html>\n<title>404</title>\n", "error page of a failed download"),
        ("##gff-version 3\n", "annotation"),
        ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("ID   X56734; SV 1; linear; mRNA\n", "EMBL"),
        ("some notes, nothing else\n", "FASTA, GenBank, one sequence a line, CSV, TSV and Parquet are read"),
    ],
)
def test_foreign_files_are_named(tmp_path, text, words):
    with pytest.raises(CorpusError, match=re.escape(words)):
        read(write(tmp_path, "data.txt", text))


def test_text_before_the_first_entry_is_an_error_in_auto_too(tmp_path):
    for name in ("x.fa", "x.dat"):
        with pytest.raises(CorpusError, match=rf"{name}:1: text before the first '>': 'Genome of X'"):
            read(write(tmp_path, name, "Genome of X\n>a\nACGT\n"))


def test_folder_of_mixed_formats(tmp_path, caplog):
    for name in ("x.fa", "x.gb", "x.txt", "x.csv"):
        write(tmp_path, name, FORMATS[name][0])
    write(tmp_path, "README.md", "# notes")
    records, _ = read(tmp_path)
    assert [record.id for record in records] == ["a", "b", "a.1", "b.1"]
    assert "README.md, x.csv, x.txt" in caplog.text
    assert [record.id for record in read(tmp_path, format="lines")[0]] == ["x.txt:1", "x.txt:2"]
    assert len(read(tmp_path, column="sequence")[0]) == 6


def test_options_that_no_codec_knows(tmp_path):
    for encoding in ("klingon", "utf-16"):
        with pytest.raises(CorpusError, match="encoding = "):
            read(write(tmp_path, "x.fa", fasta(a=ONE)), encoding=encoding)


# Windows


def place(record: Record) -> int:
    return int(record.meta["start"])


@pytest.mark.parametrize("length", [1, 127, 128, 129, 148, 1000])
def test_windows_cover_an_entry(tmp_path, length):
    text = bases(length)
    records, drops = read(write(tmp_path, "x.fa", fasta(a=text)), window=128, min_piece=1)
    assert "".join(record.text for record in records) == text
    assert [place(record) for record in records] == list(range(0, length, 128))
    assert {record.id for record in records} == {"a"}
    assert (drops.num_kept, drops.trimmed) == (1, Counter())


def expected_pieces(text: str, window: int, max_n_run: int, min_piece: int) -> tuple[list[tuple[int, str]], Counter]:
    """What a cutter that sees the whole entry at once gives."""
    trimmed = Counter(long_n_run=sum(len(run) for run in re.findall(f"[Nn]{{{max_n_run + 1},}}", text)))
    kept = []
    for stretch in re.finditer(f"(?:[^Nn]|(?<![Nn])[Nn]{{1,{max(max_n_run, 1)}}}(?![Nn]))+" if max_n_run else "[^Nn]+", text):
        for at in range(stretch.start(), stretch.end(), window):
            piece = text[at : min(at + window, stretch.end())]
            if len(piece) < min_piece and len(piece) < len(text):
                trimmed["short_piece"] += len(piece)
            elif not piece.strip("Nn"):
                trimmed["no_known_base"] += len(piece)
            else:
                kept.append((at, piece))
    return kept, +trimmed


@pytest.mark.parametrize("block_size", [7, 64, 1 << 18])
@pytest.mark.parametrize("max_n_run", [0, 1, 10])
def test_cutting_does_not_depend_on_blocks(tmp_path, monkeypatch, block_size, max_n_run):
    monkeypatch.setattr("domainbert.corpus.decompress.BLOCK_SIZE", block_size)
    monkeypatch.setattr("domainbert.corpus.open.HEAD_SIZE", 1)
    monkeypatch.setattr(pieces, "JUDGED_WHOLE", 100)
    rng = random.Random(3)
    for _ in range(30):
        parts = [bases(rng.randrange(150), rng.random()) + rng.choice("Nn") * rng.choice((0, 1, 9, 10, 11, 12, 70)) for _ in range(8)]
        text = "".join(parts) + "ACGT" * 30
        records, drops = read(write(tmp_path, "x.fa", fasta(a=text)), window=64, max_n_run=max_n_run, min_piece=20)
        expected, trimmed = expected_pieces(text, 64, max_n_run, 20)
        assert [(place(record), record.text) for record in records] == expected
        assert +drops.trimmed == trimmed
        assert sum(drops.trimmed.values()) + sum(len(record.text) for record in records) == len(text)


def test_entry_that_begins_with_megabases_of_n(tmp_path):
    text = "N" * 3_000_000 + ONE + "n" * 11 + TWO + "NNNNN"
    records, drops = read(write(tmp_path, "chr13.fa", fasta(chr13=text)))
    assert [(place(record), record.text) for record in records] == [(3_000_000, ONE), (3_000_311, TWO + "NNNNN")]
    assert drops.trimmed == {"long_n_run": 3_000_011}


def test_short_entries_are_whole_entries(tmp_path):
    records, drops = read(write(tmp_path, "x.fa", fasta(primer="ACGTAC")))
    assert [record.text for record in records] == ["ACGTAC"] and not drops.trimmed


def test_entries_without_a_known_base_are_dropped(tmp_path):
    text = fasta(few="NNN", gap="N" * 500, huge="N" * 3_000_000, good=ONE)
    records, drops = read(write(tmp_path, "x.fa", text))
    assert [record.id for record in records] == ["good"]
    assert drops.counts == {"no_known_base": 3} and drops.num_kept == 1 and not drops.trimmed


def test_pieces_of_an_entry_follow_each_other(tmp_path):
    text = fasta(a=bases(5000, 1), b=bases(70, 2), c=bases(3000, 3))
    records, _ = read(write(tmp_path, "x.fa", text), window=1024)
    assert [key for key, _ in groupby(record.id for record in records)] == ["a", "b", "c"]


# Soft masks


def test_lower_case_of_fasta_weighs_less(tmp_path):
    text = "ACGTacgtACGTnnACGTA" + "acg" + bases(100)
    (record,), _ = read(write(tmp_path, "x.fa", fasta(a=text)), soft_mask_weight=0.25)
    assert record.text == text
    assert record.meta["target_weights"] == "4-8:0.25,12-14:0.25,19-22:0.25"
    (whole,), _ = read(tmp_path / "x.fa")
    assert "target_weights" not in whole.meta


def test_soft_mask_spans_count_within_each_piece(tmp_path):
    text = "A" * 60 + "c" * 10 + "G" * 58
    records, _ = read(write(tmp_path, "x.fa", fasta(a=text)), soft_mask_weight=0.0, window=64)
    assert [record.meta["target_weights"] for record in records] == ["60-64:0", "0-6:0"]


def test_lower_case_of_genbank_is_spelling(tmp_path):
    (record,), _ = read(write(tmp_path, "x.gb", _genbank("a", ONE.lower())), soft_mask_weight=0.5)
    assert "target_weights" not in record.meta


def test_view_mirrors_text_spans_and_strand():
    adapter = DnaAdapter()
    meta = {"start": "7", "strand": "+", "file": "x.fa", "target_weights": "0-3:0.5,8-9:0.25"}
    record = Record("a", "ACGGTTNACA", "g", meta)
    view = adapter.views(record, None)["reverse_complement"]
    assert view.text == "TGTNAACCGT"
    assert view.meta == {"start": "7", "strand": "-", "file": "x.fa", "target_weights": "1-2:0.25,7-10:0.5"}
    assert (view.id, view.group) == ("a", "g")
    assert adapter.view("reverse_complement", view, None) == record


# Bad entries are counted with their place


def test_bad_entries_are_counted_with_reason_and_place(tmp_path):
    text = fasta(good=ONE, empty="", digits="ACGT12", gap="AC-GT", protein=PROTEIN) + ">\nACGT\n" + fasta(good=TWO, last=TWO)
    records, drops = read(write(tmp_path, "x.fa", text))
    assert [record.id for record in records] == ["good", "last"]
    path = tmp_path / "x.fa"
    assert drops.first == {
        "empty_sequence": f"{path}:3",
        "digits": f"{path}:5",
        "gaps_or_stops": f"{path}:7",
        "looks_like_protein": f"{path}:9",
        "blank_id": f"{path}:11",
        "duplicate_id": f"{path}:13",
    }
    assert set(drops.counts.values()) == {1} and drops.num_kept == 2 and drops.rate == 0.75


def test_the_same_id_in_two_files_is_no_duplicate(tmp_path):
    write(tmp_path, "a.fa", fasta(chr1=ONE))
    write(tmp_path, "b.fa", fasta(chr1=TWO))
    records, drops = read(tmp_path)
    assert len(records) == 2 and not drops.counts


def test_ids_are_remembered_within_bounds(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(pieces, "MAX_IDS", 3)
    text = fasta(a=ONE, b=ONE, c=ONE) + fasta(a=ONE)
    records, _ = read(write(tmp_path, "x.fa", text))
    assert len(records) == 4 and "more than 3 entries" in caplog.text


@pytest.mark.parametrize("name", ["proteins.faa", "proteins.txt"])
def test_protein_file_is_an_error_that_cannot_be_mistaken(tmp_path, name):
    text = fasta(a=PROTEIN, b=PROTEIN[5:]) if name.endswith("faa") else f"{PROTEIN}\n{PROTEIN[5:]}\n"
    with pytest.raises(CorpusError, match=rf"{name}: this is not DNA: all 2 entries look like proteins \(first: line 1\)"):
        read(write(tmp_path, name, text))


def test_one_protein_among_genomes_is_a_drop(tmp_path):
    _, drops = read(write(tmp_path, "x.fa", fasta(a=ONE, b=PROTEIN, c=TWO)))
    assert drops.counts == {"looks_like_protein": 1}


@pytest.mark.parametrize(("bad", "seen"), [("-", "gaps_or_stops: '-'"), ("7", "digits: '7'"), (">b ", "header_inside_sequence: '>'")])
def test_long_entry_that_turns_bad_is_an_error_not_a_shorter_chromosome(tmp_path, bad, seen):
    good = bases(pieces.JUDGED_WHOLE + 500_000)
    text = fasta(a=ONE, chr1=good + bad + good)
    with pytest.raises(CorpusError, match=rf"x\.fa:3: entry 'chr1' is damaged \({seen} as character {len(good) + 1} of its sequence\)"):
        read(write(tmp_path, "x.fa", text))


def test_entry_that_is_judged_whole_is_dropped_whole(tmp_path):
    text = fasta(a=bases(pieces.JUDGED_WHOLE - 10, 1) + "-", b=ONE)
    records, drops = read(write(tmp_path, "x.fa", text))
    assert [record.id for record in records] == ["b"] and drops.counts == {"gaps_or_stops": 1}


@pytest.mark.parametrize("block_size", [1, 3, 1 << 18])
def test_ambiguous_letters_in_a_long_entry_are_legal_wherever_blocks_end(tmp_path, monkeypatch, block_size):
    monkeypatch.setattr("domainbert.corpus.decompress.BLOCK_SIZE", block_size)
    monkeypatch.setattr("domainbert.corpus.open.HEAD_SIZE", 1)
    monkeypatch.setattr(pieces, "JUDGED_WHOLE", 100)
    text = bases(200) + "RYK" + bases(60) + "M"
    records, drops = read(write(tmp_path, "x.fa", fasta(a=text)))
    assert "".join(record.text for record in records) == text and not drops.counts


def test_long_protein_part_of_a_long_entry_is_an_error(tmp_path):
    text = fasta(a=bases(pieces.JUDGED_WHOLE + 300_000) + bases(600_000, 1, "RYSWKMBDHV"))
    with pytest.raises(CorpusError, match=r"is damaged \(looks_like_protein: most letters are no bases"):
        read(write(tmp_path, "x.fa", text))


def test_long_genbank_record_of_another_length_is_an_error(tmp_path):
    text = _genbank("a", bases(pieces.JUDGED_WHOLE + 1000)).replace(f"{pieces.JUDGED_WHOLE + 1000} bp", "999 bp")
    with pytest.raises(CorpusError, match=r"x\.gb:1: entry 'a.1' is damaged \(LOCUS says 999 bp"):
        read(write(tmp_path, "x.gb", text))


def test_contig_only_records_are_counted(tmp_path):
    contig = "LOCUS       NW_1  5000 bp    DNA     linear   CON 01-JAN-2026\nCONTIG      join(AB1.1:1..5000)\n//\n"
    records, drops = read(write(tmp_path, "x.gb", contig + _genbank("a", ONE)))
    assert [record.id for record in records] == ["a.1"]
    assert drops.counts == {"no_sequence": 1} and drops.first["no_sequence"].endswith("x.gb:1")


def test_rows_without_a_sequence_are_counted(tmp_path):
    records, drops = read(write(tmp_path, "x.csv", f"id,sequence\na,{ONE}\nb\nc,\nd,ACGT ACGT\n"), id_column="id")
    assert [record.id for record in records] == ["a"]
    assert drops.counts == {"missing_value": 1, "empty_sequence": 1, "whitespace": 1}


@pytest.mark.parametrize(("name", "text"), [("x.csv", "id,sequence\n"), ("x.txt", "\n\n"), ("x.gb", "\n \n"), ("x.fa", "\n;\n")])
def test_file_without_entries_is_an_error(tmp_path, name, text):
    options = {"format": "lines"} if name == "x.txt" else {}
    with pytest.raises(CorpusError, match="no entry in"):
        read(write(tmp_path, name, text), **options)


def test_truncated_file_yields_no_clean_end(tmp_path):
    packed = gzip.compress(fasta(**{f"r{number}": bases(2000, number) for number in range(100)}).encode())
    path = write(tmp_path, "x.fa.gz", packed[:-2000])
    drops, seen = Drops(), 0
    with pytest.raises(CorpusError, match=r"x\.fa\.gz: gzip ends early after record 9\d \(byte"):
        for _ in DnaAdapter().records(str(path), drops=drops):
            seen += 1
    assert 90 <= seen < 100


# Real genomes and the sample


def test_real_genomes(shared_data):
    genomes = shared_data / "dna" / "genomes"
    records, drops = read(genomes / "escherichia_coli")
    assert sum(len(record.text) for record in records) == 4_641_652 and drops.num_kept == 1 and records[0].id == "NC_000913.3"
    records, drops = read(f"{genomes}/pyani/*.fna.gz")
    assert sum(len(record.text) for record in records) == 38_049_324
    assert (drops.num_kept, drops.counts, drops.trimmed) == (22, Counter(), Counter())
    assert max(len(record.text) for record in records) == 65_536


def test_sample_is_cut_like_a_file():
    records = [record for record, _ in zip(DnaAdapter(DnaOptions(window=1024)).records("sample"), range(50), strict=False)]
    first = next(DnaAdapter().sample())
    assert max(len(record.text) for record in records) == 1024
    assert "".join(record.text for record in records if record.id == first.id).startswith(first.text[:40_000])
    assert records[0].meta == {"start": "0", "strand": "+", "file": "sample"}


def test_importing_the_adapter_is_light():
    heavy = ("torch", "transformers", "tokenizers", "pyarrow", "Bio", "datasets", "zstandard")
    program = f"import sys, domainbert.adapters.dna; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
