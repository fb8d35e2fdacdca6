"""French files: formats, groups, windows, bad input; and the real corpora where they are."""

import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domainbert.adapters.base import Drops
from domainbert.adapters.french import FrenchAdapter
from domainbert.adapters.french.options import FrenchOptions
from domainbert.errors import CorpusError


def read(source, **options):
    drops = Drops()
    return list(FrenchAdapter(FrenchOptions(**options)).records(str(source), drops=drops)), drops


def test_a_book_is_one_entry_in_windows_by_its_author(tmp_path):
    (tmp_path / "FRA001_Sand.txt").write_text("Une phrase du livre. Une autre !\n" * 100)
    (tmp_path / "Zola - Germinal.txt.gz").write_bytes(gzip.compress(b"Encore un paragraphe.\n" * 5))
    (tmp_path / "inconnu.txt").write_text("Un texte seul.")
    found, drops = read(tmp_path, window=500)
    assert Counter(record.group for record in found) == {"Sand": 7, "Zola": 1, "inconnu": 1}
    assert {record.id for record in found} == {"FRA001_Sand", "Zola - Germinal", "inconnu"}
    assert all(len(record.text) <= 500 for record in found)
    assert drops.num_kept == 3
    assert {record.group for record in read(tmp_path, group="file")[0]} == {record.id for record in found}


def test_authors_of_a_metadata_table(tmp_path):
    for name in ("a1.txt", "a2.txt", "b.txt"):
        (tmp_path / name).write_text("Du texte.")
    (tmp_path / "corpus_metadata.tsv").write_text("filename\tauthor-name\na1\tSand, George\na2.txt\tSand, George\n")
    adapter = FrenchAdapter()
    assert [record.group for record in adapter.records(str(tmp_path))] == ["Sand, George", "Sand, George", "b"]
    assert [path.name for path in adapter.files(str(tmp_path))] == ["a1.txt", "a2.txt", "b.txt", "corpus_metadata.tsv"]


def test_tables_and_json_lines(tmp_path):
    rows = [{"texte": "L’un.", "cle": "x", "auteur": "A"}, {"texte": "L’autre.", "cle": "y", "auteur": "A"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.table({key: [row[key] for row in rows] for key in rows[0]}), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("cle,texte,auteur\nx,L’un.,A\ny,L’autre.,A\n")
    for name in ("a.jsonl", "a.parquet", "a.csv"):
        found, drops = read(tmp_path / name, column="texte", id_column="cle", group_column="auteur")
        assert [(record.id, record.text, record.group) for record in found] == [("x", "L’un.", "A"), ("y", "L’autre.", "A")], name
        assert drops.num_kept == 2
    with pytest.raises(CorpusError, match="no column 'text'; there are: 'cle', 'texte', 'auteur'"):
        read(tmp_path / "a.csv", column="text")


def test_treebanks_by_document(tmp_path):
    def sentence(number, comment=""):
        return f"{comment}# sent_id = s{number}\n# text = Phrase {number}.\n1\tPhrase\t_\tNOUN" + "\t_" * 6 + "\n\n"

    path = tmp_path / "gsd.conllu"
    path.write_text(sentence(1) + sentence(2) + sentence(3, "# newdoc id = d\n") + sentence(4))
    found, drops = read(path)
    assert [(record.id, record.group, record.text) for record in found] == [
        ("s1", "s1", "Phrase 1."), ("s2", "s2", "Phrase 2."), ("d", "d", "Phrase 3.\nPhrase 4."),
    ]  # fmt: skip
    assert drops.num_kept == 4


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("Été".encode("latin-1"), {}, "byte 0xc9 at byte 0 .* is not utf-8; set the option encoding"),
        (b"Bien, puis\n" * 3 + "Été".encode("latin-1"), {}, "byte 0xc9 at byte 33"),
        (b"Du texte\0", {}, "binary file|NUL byte"),
        (gzip.compress(b"Du texte. " * 9999)[:-20], {}, "gzip ends early"),
        ("Été".encode("utf-16"), {}, "UTF-16"),
        (b"", {}, "the file is empty"),
        (b"Du texte", {"encoding": "klingon"}, "Python knows no such encoding"),
    ],
)
def test_bad_files_are_named(tmp_path, content, options, message):
    path = tmp_path / "livre.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=f"(livre.txt|encoding).*({message})"):
        read(path, **options)


def test_another_encoding_is_read_when_named(tmp_path):
    (tmp_path / "livre.txt").write_bytes("Été, garçon".encode("latin-1"))
    assert read(tmp_path / "livre.txt", encoding="latin-1")[0][0].text == "Été, garçon"


def test_blank_files_and_rows_are_counted(tmp_path):
    (tmp_path / "a.txt").write_text("\n \n")
    (tmp_path / "b.jsonl").write_text('{"text": " "}\nno json\n{"text": "Bien."}\n')
    found, drops = read(tmp_path)
    assert [record.text for record in found] == ["Bien."]
    assert drops.counts == {"blank": 2, "not_a_json_object": 1}


def test_novels(shared_data):
    """ELTeC: an author's books stay together, and nothing of a book is lost but white space."""
    folder = shared_data / "french" / "eltec"
    files = sorted(folder.glob("FRA*.txt.gz"))[:6]
    for path in files:
        found, drops = read(path)
        assert "".join("".join(record.text for record in found).split()) == "".join(gzip.decompress(path.read_bytes()).decode().split())
        assert drops.num_kept == 1
        assert len({record.group for record in found}) == 1
    groups = Counter(next(FrenchAdapter().records(str(path))).group for path in folder.glob("FRA*.txt.gz"))
    assert max(groups.values()) > 1
    assert len(groups) > 60


def test_gsd(shared_data):
    from domainbert.corpus.conllu import read_conllu
    from domainbert.corpus.open import open_source

    with open_source(shared_data / "french" / "tasks" / "ud_gsd" / "fr_gsd-ud-dev.conllu.gz") as source:
        drops = Drops()
        sentences = list(read_conllu(source, drops))
    assert (len(sentences), drops.counts) == (1476, {})
    assert sum(len(sentence.words) for sentence in sentences) == 35_721
    adapter = FrenchAdapter()
    for sentence in sentences:
        aligned = adapter.align(sentence.text)
        assert aligned.text == adapter.canonicalize(sentence.text)
