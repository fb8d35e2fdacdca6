"""The readers: every format, with its damages, through real files."""

import gzip
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domainbert.corpus import fasta
from domainbert.corpus.entries import Entry, Fault
from domainbert.corpus.fasta import read_fasta
from domainbert.corpus.genbank import read_genbank
from domainbert.corpus.hub import read_hub
from domainbert.corpus.lines import read_lines
from domainbert.corpus.open import open_source
from domainbert.corpus.table import read_table
from domainbert.errors import CorpusError

MULTI = ">a first one\nACGT\nAC\n\n>b\n>c x\nGG GG\tT\n; a remark > here\nTT\n>d"


def collect(reader, path: Path, **options) -> list[tuple[str, int, bytes, str]]:
    """Id, line, text and fault of every entry."""
    entries: list[list] = []
    with open_source(path) as source:
        for event in reader(source, **options):
            if isinstance(event, Entry):
                entries.append([event.id, event.line, b"", ""])
            elif isinstance(event, Fault):
                entries[-1][3] = event.reason
            else:
                assert event, "empty blocks are not handed out"
                entries[-1][2] += event
    return [tuple(entry) for entry in entries]


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture(params=[1, 2, 3, 5, 8, 1 << 18])
def block_size(request, monkeypatch) -> int:
    """Blocks that end everywhere: in headers, between CR and LF, before and after ``>``."""
    monkeypatch.setattr("domainbert.corpus.decompress.BLOCK_SIZE", request.param)
    monkeypatch.setattr("domainbert.corpus.open.HEAD_SIZE", 1)
    return request.param


# FASTA


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_fasta(tmp_path, block_size, end):
    path = write(tmp_path, "x.fa", MULTI.replace("\n", end))
    assert collect(read_fasta, path) == [("a", 1, b"ACGTAC", ""), ("b", 5, b"", ""), ("c", 6, b"GGGGTTT", ""), ("d", 10, b"", "")]


def test_fasta_remarks_before_the_first_entry(tmp_path, block_size):
    path = write(tmp_path, "x.fa", "; made by\n;\n\n>a\nAC\n;end")
    assert collect(read_fasta, path) == [("a", 4, b"AC", "")]


@pytest.mark.parametrize("start", ["", "\n\n"])
def test_fasta_text_before_the_first_entry(tmp_path, block_size, start):
    path = write(tmp_path, "x.fa", start + "ACGT\nAC\n>a\nACGT\n")
    with pytest.raises(CorpusError, match=rf"x\.fa:{1 + len(start)}: text before the first '>': 'A"):
        collect(read_fasta, path)


def test_fasta_without_an_entry(tmp_path):
    with pytest.raises(CorpusError, match="no entry in this file"):
        collect(read_fasta, write(tmp_path, "x.fa", "\n; nothing\n\n"))


def test_fasta_blank_ids_and_strange_headers(tmp_path, block_size):
    path = write(tmp_path, "x.fa", ">\nAC\n>  \nGG\n> b c\nTT\n>>d;size=3;\nAA\n")
    assert [entry[0] for entry in collect(read_fasta, path)] == ["", "", "b", ">d;size=3;"]


def test_fasta_keeps_case_and_odd_characters(tmp_path, block_size):
    assert collect(read_fasta, write(tmp_path, "x.fa", ">a\nacgtNN-*1\n"))[0][2] == b"acgtNN-*1"


def test_fasta_header_encoding(tmp_path):
    path = write(tmp_path, "x.fa", ">a\nAC\n>café x\nGG\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"x\.fa:3: the header is not utf-8 \(byte 0xe9\); set the option encoding"):
        collect(read_fasta, path)
    assert collect(read_fasta, path, encoding="latin-1")[1][0] == "café"


def test_fasta_endless_header(tmp_path):
    path = write(tmp_path, "x.fa", b">a\nAC\n>" + b"x" * (fasta.MAX_HEADER + 300_000))
    with pytest.raises(CorpusError, match=r"x\.fa:3: a header line is longer"):
        collect(read_fasta, path)


def test_fasta_truncated_download_names_record_and_byte(tmp_path):
    rng = random.Random(0)
    text = "".join(f">r{number}\n{''.join(rng.choices('ACGT', k=500))}\n" for number in range(400))
    packed = gzip.compress(text.encode())
    path = write(tmp_path, "chr1.fa.gz", packed[: len(packed) // 2])
    with pytest.raises(
        CorpusError, match=rf"chr1\.fa\.gz: gzip ends early after record (19\d|20\d) \(byte {len(packed) // 2}\); .*download"
    ):
        collect(read_fasta, path)


def test_fasta_agrees_with_biopython(shared_data):
    from Bio.SeqIO import FastaIO

    for path in sorted((shared_data / "dna" / "tasks" / "promoters").glob("*.fa.gz")):
        with gzip.open(path, "rt") as file:
            expected = [(title.split(None, 1)[0], text.encode()) for title, text in FastaIO.SimpleFastaParser(file)]
        assert [(entry[0], entry[2]) for entry in collect(read_fasta, path)] == expected


def test_line_of_100_megabytes_takes_little_memory(tmp_path):
    line = b"ACGTTGCAAC" * 1_000_000
    with (tmp_path / "x.fa").open("wb") as file:
        file.write(b">a\n")
        for _ in range(10):
            file.write(line)
    program = (
        "import resource, sys\nfrom domainbert.adapters.dna import DnaAdapter, reading\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak()\nprint(sum(len(r.text) for r in DnaAdapter().records(sys.argv[1])), peak() - before)"
    )
    run = subprocess.run([sys.executable, "-c", program, tmp_path / "x.fa"], capture_output=True, text=True, check=True)
    num_bases, megabytes = map(int, run.stdout.split())
    assert num_bases == 100_000_000
    assert megabytes < 60


# GenBank


def genbank(name: str, sequence: str, *, length: int | None = None, origin: bool = True, unit: str = "bp", version: str = "") -> str:
    lines = [f"LOCUS       {name}   {len(sequence) if length is None else length} {unit}    DNA     circular CON 09-MAR-2022"]
    lines += ["DEFINITION  made up,", "            for a test.", f"ACCESSION   {name}"]
    lines += [f"VERSION     {version}"] if version else []
    lines += ["FEATURES             Location/Qualifiers", '     gene            1..9\n                     /note="no //, no ORIGIN"']
    lines += ["ORIGIN      "] if origin else ["CONTIG      join(AE0001.1:1..100)"]
    for start in range(0, len(sequence) if origin else 0, 60):
        blocks = [sequence[at : at + 10] for at in range(start, min(start + 60, len(sequence)), 10)]
        lines.append(f"{start + 1:9d} {' '.join(blocks)}")
    return "\n".join(lines) + "\n//\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_genbank_records(tmp_path, block_size, end):
    text = genbank("AB1", "acgt" * 40, version="AB1.2") + "\n" + genbank("AB2", "ggn")
    path = write(tmp_path, "x.gb", text.replace("\n", end))
    assert collect(read_genbank, path) == [("AB1.2", 1, b"acgt" * 40, ""), ("AB2", 15, b"ggn", "")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (genbank("A", "", length=500, origin=False), "no_sequence"),
        (genbank("A", "", length=500), "no_sequence"),
        (genbank("A", "mkvl", unit="aa"), "looks_like_protein"),
        (genbank("A", "acgtacgt", length=9), "length_mismatch"),
    ],
)
def test_genbank_records_that_must_not_be_used(tmp_path, block_size, text, reason):
    path = write(tmp_path, "x.gb", text + genbank("B", "acgt"))
    assert [(entry[0], entry[3]) for entry in collect(read_genbank, path)] == [("A", reason), ("B", "")]


def test_genbank_locus_line_without_a_legible_length(tmp_path):
    path = write(tmp_path, "x.gb", genbank("NODE_1_length_8_cov_5.1", "acgtacgt").replace("   8 bp", "8 bp"))
    assert collect(read_genbank, path) == [("NODE_1_length_8_cov_5.1", 1, b"acgtacgt", "")]


def test_genbank_truncated_anywhere_after_the_first_line(tmp_path):
    text = genbank("A", "acgt" * 30) + genbank("B", "ggcc" * 30)
    whole = len(genbank("A", "acgt" * 30))
    for end in range(whole + 7, len(text) - 1):
        with pytest.raises(CorpusError, match=r"x\.gb:12: the file ends within record .* download it again"):
            collect(read_genbank, write(tmp_path, "x.gb", text[:end]))


def test_genbank_other_text(tmp_path, block_size):
    path = write(tmp_path, "x.gb", genbank("A", "acgt") + "stray\n")
    with pytest.raises(CorpusError, match=r"x\.gb:11: a GenBank record begins with LOCUS, here stands 'stray'"):
        collect(read_genbank, path)


def test_genbank_release_file_has_a_head(tmp_path):
    head = "GBBCT1.SEQ          Genetic Sequence Data Bank\n               August 15 2026\n\n   2 loci, from 2 reported sequences\n\n"
    path = write(tmp_path, "x.seq", head + genbank("A", "acgt") + genbank("B", "acgt"))
    assert [entry[:2] for entry in collect(read_genbank, path)] == [("A", 6), ("B", 16)]


def test_genbank_agrees_with_biopython(shared_data):
    from Bio import SeqIO

    genomes = shared_data / "dna" / "genomes"
    paths = [genomes / "escherichia_coli" / "NC_000913.gbk.gz", *sorted(genomes.glob("mycoplasma_mycoides/*"))]
    for path in paths:
        with gzip.open(path, "rt") as file:
            expected = [(record.id, bytes(record.seq).lower()) for record in SeqIO.parse(file, "genbank")]
        assert expected
        assert [(entry[0], entry[2]) for entry in collect(read_genbank, path)] == expected


# Lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines(tmp_path, block_size, end):
    path = write(tmp_path, "x.txt", "ACGT\n\n  GG TT \t\n\nA".replace("\n", end))
    assert collect(read_lines, path) == [("x.txt:1", 1, b"ACGT", ""), ("x.txt:3", 3, b"GG TT", ""), ("x.txt:5", 5, b"A", "")]


# Tables


@pytest.mark.parametrize(("name", "delimiter"), [("x.csv", ","), ("x.csv.gz", ";"), ("x.tsv", "\t"), ("x.csv", "\t")])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimited_tables(tmp_path, name, delimiter, end):
    text = f'label{delimiter}Sequence\n1{delimiter}ACGT\n\n0{delimiter}"GG"\n'.replace("\n", end).encode()
    path = write(tmp_path, name, gzip.compress(text) if name.endswith("gz") else text)
    assert collect(read_table, path) == [(f"{name}:1", 2, b"ACGT", ""), (f"{name}:2", 4, b"GG", "")]


def test_table_columns(tmp_path):
    path = write(tmp_path, "x.csv", "name,promoter,note\np1,ACGT,x\n,GG,y\n")
    assert collect(read_table, path, column="promoter", id_column="name") == [("p1", 2, b"ACGT", ""), ("", 3, b"GG", "")]
    with pytest.raises(CorpusError, match=r"x\.csv:1: no column 'dna'; the columns are: 'name', 'promoter', 'note'"):
        collect(read_table, path, column="dna")
    with pytest.raises(CorpusError, match="no column 'id'"):
        collect(read_table, path, column="promoter", id_column="id")
    with pytest.raises(CorpusError, match="Set the option column; the columns are: 'name'"):
        collect(read_table, path)


def test_the_only_column_needs_no_name(tmp_path):
    assert collect(read_table, write(tmp_path, "x.csv", "promoter\nACGT\n"))[0][2] == b"ACGT"


def test_rows_of_another_width_are_faults(tmp_path):
    path = write(tmp_path, "x.csv", "id,sequence\na,ACGT\nb\nc,AC,GT\nd,TTTT\n")
    assert [entry[1:] for entry in collect(read_table, path)] == [
        (2, b"ACGT", ""),
        (3, b"", "missing_value"),
        (4, b"", "missing_value"),
        (5, b"TTTT", ""),
    ]


def test_open_quote_is_an_error(tmp_path):
    path = write(tmp_path, "x.csv", 'id,sequence\na,ACGT\nb,"GGGG\nc,TTTT\n')
    with pytest.raises(CorpusError, match=r"x\.csv: after row 1: .*quote that is not closed"):
        collect(read_table, path)


def test_table_encoding(tmp_path):
    path = write(tmp_path, "x.csv", "id,sequence\né,ACGT\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"not utf-8 \(byte 0xe9\); set the option encoding"):
        collect(read_table, path)
    assert collect(read_table, path, encoding="latin-1", id_column="id") == [("é", 2, b"ACGT", "")]


def test_truncated_table_names_its_row(tmp_path):
    rng = random.Random(0)
    packed = gzip.compress(("sequence\n" + "".join("".join(rng.choices("ACGT", k=300)) + "\n" for _ in range(1000))).encode())
    with pytest.raises(CorpusError, match=r"x\.csv\.gz: gzip ends early after record [1-9]\d+ \(byte"):
        collect(read_table, write(tmp_path, "x.csv.gz", packed[:-1000]))


def parquet(folder: Path, **columns) -> Path:
    pq.write_table(pa.table(columns), folder / "x.parquet", row_group_size=2)
    return folder / "x.parquet"


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_parquet(tmp_path, kind):
    path = parquet(tmp_path, label=[1, 2, 3], sequence=pa.array(["ACGT", None, "GG"], kind), id=[7, 8, None])
    assert collect(read_table, path, id_column="id") == [("7", 1, b"ACGT", ""), ("8", 2, b"", "missing_value"), ("", 3, b"GG", "")]
    assert [entry[0] for entry in collect(read_table, path)] == ["x.parquet:1", "x.parquet:2", "x.parquet:3"]
    with pytest.raises(CorpusError, match="no column 'dna'; the columns are: 'label', 'sequence', 'id'"):
        collect(read_table, path, column="dna")
    with pytest.raises(CorpusError, match="column 'label' holds int64, text is needed"):
        collect(read_table, path, column="label")


def test_damaged_parquet(tmp_path):
    path = parquet(tmp_path, sequence=["ACGT" * 50] * 40)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(CorpusError, match=r"x\.parquet: a damaged Parquet file, after row 0 .*download it again"):
        collect(read_table, path)


# The Hub


@pytest.fixture
def hub_folder(tmp_path, monkeypatch) -> Path:
    """A data set that the datasets library finds without a network."""
    folder = tmp_path / "owner" / "name"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text("id,sequence\na,ACGT\nb,GGCC\n")
    (folder / "test.csv").write_text("id,sequence\nc,TTTT\n")
    monkeypatch.chdir(tmp_path)
    return folder


def hub(source: str, **options) -> list:
    return list(read_hub(source, **options))


def test_hub_rows_are_streamed(hub_folder):
    assert hub("hub:owner/name") == [Entry("owner/name/train:1", 1), b"ACGT", Entry("owner/name/train:2", 2), b"GGCC"]
    assert hub("hub:owner/name:default/test", id_column="id") == [Entry("c", 1), b"TTTT"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hub:name", r"written hub:owner/name\[:config\]\[/split\]"),
        ("hub:owner/name/dev", "no split 'dev'; there are: train, test"),
        ("hub:owner/name:big", "hub:owner/name:big: cannot be opened: .*'big' not found"),
        ("hub:owner/missing", "hub:owner/missing: cannot be opened"),
    ],
)
def test_hub_sources_that_are_not_there(hub_folder, source, message):
    with pytest.raises(CorpusError, match=message):
        hub(source)


def test_hub_columns(hub_folder):
    with pytest.raises(CorpusError, match="no column 'dna'; the columns are: 'id', 'sequence'"):
        hub("hub:owner/name", column="dna")
    with pytest.raises(CorpusError, match="no column 'nr'"):
        hub("hub:owner/name", id_column="nr")
