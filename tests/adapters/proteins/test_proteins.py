"""Files of proteins, the policies for odd letters, and the tokens of ESM-2."""

import gzip
import random

import numpy as np
import pytest

from domainbert.adapters.base import Drops
from domainbert.adapters.proteins import ProteinsAdapter
from domainbert.adapters.proteins.options import ProteinsOptions
from domainbert.adapters.proteins.sequence import RESIDUES
from domainbert.errors import CorpusError
from domainbert.tokenization.check import save_tokenizer

ADAPTER = ProteinsAdapter()
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"


@pytest.fixture(scope="module")
def tokenizer():
    return ADAPTER.tokenizer("residue", None, (), model_max_length=1024)


def read(source, drops=None, **options):
    return list(ProteinsAdapter(ProteinsOptions(**options)).records(str(source), drops=drops))


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_vocabulary_is_that_of_esm_2(tokenizer):
    """vocab.txt of facebook/esm2_* on the Hub, in its order."""
    expected = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>".split()
    assert tokenizer.convert_ids_to_tokens(range(33)) == expected and len(tokenizer) == 33
    assert tokenizer("MKT")["input_ids"] == [0, 20, 15, 11, 2]
    assert (tokenizer.mask_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id) == (32, 1, 3)


def test_esm_tokenizer_of_transformers_gives_the_same_ids(tokenizer, tmp_path):
    from transformers import EsmTokenizer

    (tmp_path / "vocab.txt").write_text("\n".join(tokenizer.convert_ids_to_tokens(range(33))))
    theirs = EsmTokenizer(str(tmp_path / "vocab.txt"))
    for text in (UBIQUITIN, "MKXBUZO.-", "M<mask>KT"):
        assert theirs(text)["input_ids"] == tokenizer(text)["input_ids"]


@pytest.mark.invariant
def test_only_the_twenty_residues_are_targets(tokenizer):
    targets = {token for token in tokenizer.get_vocab() if ADAPTER.is_target(token)}
    assert targets == set(RESIDUES) and len(targets) == 20


def test_raw_spelling_gives_the_ids_of_canonical_text(tokenizer):
    for raw in ("mkvlj", "M K V\nL", "MKVLXBUZO.-"):
        kept = ProteinsAdapter(ProteinsOptions(gaps="keep")).canonicalize(raw)
        assert ids(tokenizer, raw) == ids(tokenizer, kept)


def test_quick_encoder_agrees(tokenizer):
    encode, rng = ADAPTER.fast_encoder(tokenizer), random.Random(0)
    for _ in range(2000):
        text = "".join(rng.choices(RESIDUES + "XBUZO.-?é1", k=rng.randrange(80)))
        assert encode(text).tolist() == ids(tokenizer, text)


def test_auto_tokenizer_loads_the_same_beside_an_esm(tokenizer, tmp_path):
    from transformers import AutoConfig, AutoTokenizer

    save_tokenizer(tokenizer, tmp_path)
    AutoConfig.for_model("esm").save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(UBIQUITIN)["input_ids"] == tokenizer(UBIQUITIN)["input_ids"]
    assert loaded.decode(ids(loaded, UBIQUITIN)) == UBIQUITIN


@pytest.mark.parametrize(
    ("raw", "options", "expected"),
    [
        ("mkvl*", {}, "MKVL"),
        ("MK-V.L", {}, "MKVL"),
        ("MK-V.L", {"gaps": "keep"}, "MK-V.L"),
        ("MKUOBZJX", {"max_unknown": 1.0}, "MKUOBZXX"),
        ("MKUOBZJX", {"nonstandard": "x", "max_unknown": 1.0}, "MKXXXXXX"),
    ],
)
def test_policies_keep(tmp_path, raw, options, expected):
    path = tmp_path / "a.fasta"
    path.write_text(f">one\n{raw}\n")
    records = read(path, **options)
    assert [record.text for record in records] == [expected]
    adapter = ProteinsAdapter(ProteinsOptions(**options))
    assert adapter.canonicalize(raw) == expected == adapter.canonicalize(expected)


@pytest.mark.parametrize(
    ("raw", "options", "reason"),
    [
        ("MKV*LMK", {}, "internal_stop"),
        ("MKVL**", {}, "internal_stop"),
        ("MK1VL", {}, "illegal_character"),
        ("*", {}, "empty_sequence"),
        ("--", {}, "empty_sequence"),
        ("M", {}, "too_short"),
        ("XXXXM", {}, "mostly_unknown"),
        ("MKUVL", {"nonstandard": "drop"}, "nonstandard_residue"),
        ("MK-VL", {"gaps": "drop"}, "gaps"),
        ("ACGTACGTAACCGGTTACGTNNACGT", {}, "looks_like_nucleotides"),
        ("acguacguaaccgguuacguacgu", {}, "looks_like_nucleotides"),
        ("ACGTACGTACGTACGTACLL", {}, "looks_like_nucleotides"),  # nine tenths exactly
    ],
)
def test_policies_drop(tmp_path, raw, options, reason):
    path = tmp_path / "a.fasta"
    path.write_text(f">good\n{UBIQUITIN}\n>bad\n{raw}\n")
    drops = Drops()
    assert [record.id for record in read(path, drops, **options)] == ["good"]
    assert drops.counts == {reason: 1} and drops.first[reason].startswith(f"{path}:3") and drops.num_kept == 1


def test_proteins_rich_in_a_g_and_t_are_no_nucleic_acids(tmp_path):
    path = tmp_path / "a.fasta"
    path.write_text(">silk\n" + "GAGAGS" * 20 + ">x\n".join(["\n", ""]) + "GATGATGATGATGATGATGATGATGAT\n>mini\nACGTACGT\n")
    assert len(read(path)) == 3


def test_a_file_of_genes_is_refused(tmp_path):
    path = tmp_path / "genes.fna"
    path.write_text("".join(f">g{number}\n{'ATGGCACGTTGCAAT' * 9}\n" for number in range(5)))
    with pytest.raises(CorpusError, match="these are no proteins: all 5 entries look like nucleic acids"):
        read(path)


def test_what_is_cut_is_counted(tmp_path):
    path = tmp_path / "a.fasta"
    path.write_text(f">a\n{UBIQUITIN}*\n>b\nMK--VL.A*\n")
    drops = Drops()
    read(path, drops)
    assert drops.trimmed == {"stop_at_end": 2, "gaps": 3}


def test_clusters_are_groups(tmp_path):
    fasta, clusters = tmp_path / "a.fasta", tmp_path / "clusters.tsv"
    fasta.write_text(f">sp|P1|A_HUMAN x\n{UBIQUITIN}\n>b\n{UBIQUITIN[:-1]}\n>alone\n{UBIQUITIN[1:]}\n")
    clusters.write_text("rep\tP1\nrep\tb\n")
    groups = [record.group for record in read(fasta, clusters=str(clusters))]
    assert groups[:2] == ["rep", "rep"] and groups[2] == read(fasta)[2].group != "rep"
    clusters.write_text("rep\tQ1\n")
    with pytest.raises(CorpusError, match="no entry is named in"):
        read(fasta, clusters=str(clusters))


def flat(accession, sequence, family="", length=None):
    rows = "\n".join("     " + " ".join(sequence[at : at + 60][n : n + 10] for n in range(0, 60, 10)) for at in range(0, len(sequence), 60))
    comment = f"CC   -!- SIMILARITY: Belongs to the {family}\nCC       family. {{ECO:0000305}}.\n" if family else ""
    return (
        f"ID   X_HUMAN  Reviewed;  {len(sequence)} AA.\nAC   {accession}; Q00000;\n{comment}"
        f"SQ   SEQUENCE   {length or len(sequence)} AA;  1 MW;  0 CRC64;\n{rows}\n//\n"
    )


def test_uniprot_flat_file(tmp_path):
    path = tmp_path / "a.dat.gz"
    path.write_bytes(gzip.compress((flat("P1", UBIQUITIN, "ubiquitin") + flat("P2", UBIQUITIN[:61])).encode()))
    first, second = read(path)
    assert (first.id, first.text, first.group) == ("P1", UBIQUITIN, "ubiquitin")
    assert (second.id, second.text) == ("P2", UBIQUITIN[:61])
    from Bio import SwissProt

    with gzip.open(path, "rt") as file:
        assert [(entry.accessions[0], entry.sequence) for entry in SwissProt.parse(file)] == [("P1", first.text), ("P2", second.text)]


def test_damaged_uniprot_flat_files(tmp_path):
    path = tmp_path / "a.dat"
    path.write_text(flat("P1", UBIQUITIN) + flat("P2", UBIQUITIN)[:-60])
    with pytest.raises(CorpusError, match=r"a\.dat:7: the file ends within an entry"):
        read(path)
    path.write_text(flat("P1", UBIQUITIN, length=80))
    with pytest.raises(CorpusError, match="P1: SQ says 80 residues, 76 follow"):
        read(path)


XML = """<?xml version="1.0" encoding="UTF-8"?>
<uniprot xmlns="http://uniprot.org/uniprot">
<entry dataset="Swiss-Prot">
 <accession>P1</accession><accession>Q1</accession><name>X</name>
 <comment type="function"><text>Binds.</text></comment>
 <comment type="alternative products"><isoform><id>P1-2</id><sequence type="not described"/></isoform></comment>
 <comment type="similarity"><text evidence="1">Belongs to the ubiquitin family.</text></comment>
 <sequence length="76" mass="1">
{}
</sequence>
</entry>
<entry dataset="Swiss-Prot"><accession>P2</accession><sequence length="4">MKVL</sequence></entry>
</uniprot>
"""


def test_uniprot_xml(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(XML.format(UBIQUITIN))
    records = read(path)
    assert [(record.id, record.text) for record in records] == [("P1", UBIQUITIN), ("P2", "MKVL")]
    assert records[0].group == "ubiquitin" != records[1].group
    from Bio import SeqIO

    assert [str(entry.seq) for entry in SeqIO.parse(path, "uniprot-xml")] == [record.text for record in records]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-30], "ends early"),
        (lambda text: text.replace("</entry>", "</entri>"), "is not well-formed"),
        (lambda text: text.replace('length="76"', 'length="75"'), "length says 75 residues, 76 follow"),
        (lambda text: text.replace("<uniprot xmlns", '<!DOCTYPE a [<!ENTITY b "cc">]>\n<uniprot xmlns'), "declares a document type"),
    ],
)
def test_damaged_and_dangerous_xml(tmp_path, change, message):
    path = tmp_path / "a.xml"
    path.write_text(change(XML.format(UBIQUITIN)))
    with pytest.raises(CorpusError, match=message):
        read(path, format="uniprot_xml")


def test_tables_and_lines(tmp_path):
    (tmp_path / "a.csv").write_text(f"name,sequence,fold\nx,{UBIQUITIN},f1\ny,MKVLA,f2\n")
    records = read(tmp_path / "a.csv", id_column="name", group_column="fold")
    assert [(record.id, record.group) for record in records] == [("x", "f1"), ("y", "f2")]
    (tmp_path / "a.txt").write_text(f"{UBIQUITIN}\nMKVLA\n")
    assert [record.id for record in read(tmp_path / "a.txt")] == ["a.txt:1", "a.txt:2"]


@pytest.mark.parametrize(("head", "guess"), [("LOCUS  X", "GenBank"), ("@read1\nACGT\n", "FASTQ"), ("HEADER  HYDROLASE", "PDB")])
def test_foreign_formats_are_named(tmp_path, head, guess):
    path = tmp_path / "a.bin"
    path.write_text(head + " 1 2 3\n")
    with pytest.raises(CorpusError, match=guess):
        read(path)


def test_an_endless_entry_is_not_held(tmp_path):
    path = tmp_path / "a.fasta"
    path.write_text(f">long\n{UBIQUITIN * 4000}\n>good\n{UBIQUITIN}\n>chromosome\n{'ACGTTGCA' * 40_000}\n")
    drops = Drops()
    assert [record.id for record in read(path, drops)] == ["good"]
    assert drops.counts == {"too_long": 1, "looks_like_nucleotides": 1}


def test_real_swiss_prot(shared_data, tokenizer):
    """2,872 archaeal proteins, U and O among them (data README)."""
    drops = Drops()
    records = read(shared_data / "proteins" / "prokka_kingdom_Archaea_sprot.fasta.gz", drops)
    assert (len(records), drops.counts.total()) == (2872, 0)
    assert sum(record.text.count("U") for record in records) == 4 and sum(record.text.count("O") for record in records) == 5
    encode = ADAPTER.fast_encoder(tokenizer)
    for record in records[::20]:
        assert encode(record.text).tolist() == ids(tokenizer, record.text) and 3 not in encode(record.text)


def test_windows_of_long_chains_leave_room_for_special_tokens(tokenizer):
    """Special tokens go around a window after it is cut, and every epoch cuts elsewhere."""
    from domainbert.engine.order import Source
    from domainbert.tokenization.spans import read_vocabulary

    vocabulary = read_vocabulary(tokenizer, ADAPTER)
    assert (vocabulary.prefix, vocabulary.suffix) == ((0,), (2,))
    source = Source(0, np.array([0]), np.array([5000]), capacity=256 - vocabulary.num_special, seed=0)
    epochs = [source.locate(np.arange(epoch * source.num_samples, (epoch + 1) * source.num_samples)) for epoch in range(2)]
    for samples in epochs:
        assert samples.length.sum() == 5000 and samples.length.max() == 254
    assert set(epochs[0].start.tolist()) != set(epochs[1].start.tolist())
