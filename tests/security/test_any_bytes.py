"""Whatever the bytes: readers yield or name what is wrong. The short form of benchmarks/fuzz.py, and what that found."""

import gzip
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domainbert.adapters.base import Drops
from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.registry import load_adapter
from domainbert.corpus.documents import Columns, read_documents
from domainbert.corpus.open import open_source
from domainbert.errors import CorpusError, DomainBertError, ModelError
from domainbert.publishing.data_card import DataCard
from domainbert.publishing.redact import find_secret, redact
from domainbert.publishing.weights import read_header
from domainbert.recipe.document import from_dict, to_dict
from domainbert.recipe.load import load_recipe

PIECES = [b">", b"a b", b"\n", b"\r\n", b"ACGT", b"N" * 40, b"nnacgu", b",", b'"', b"\t", b"text", b"sequence", b'{"text": "a"}', b"null", b"[", b"=",  # noqa: E501
          b"LOCUS       X 8 bp DNA\n", b"ORIGIN\n", b"        1 acgt acgt\n", b"//\n", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf", b"\0", b"PAR1", b"\x1f\x8b",  # noqa: E501
          b"\x28\xb5\x2f\xfd", b"---\n", b"license: x", b"adapter = \"dna\"\n", b"[[stage]]\n", b"steps = 1\n", b"1e999", b"-1", b" "]  # fmt: skip  # noqa: E501
DATA = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join))
# A folder of its own for each example would cost more than the reading; the file is written anew each time.
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)


@quick
@given(data=DATA, packed=st.booleans())
def test_dna_readers(tmp_path: Path, data: bytes, packed: bool) -> None:
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(data) if packed else data)
    adapter = DnaAdapter()
    try:
        for record in adapter.records(str(path), drops=Drops()):
            text = adapter.canonicalize(record.text)
            assert adapter.canonicalize(text) == text
    except DomainBertError as error:
        assert str(path.parent) in str(error)


SPELLINGS = {
    "urls": [b"http://", b"a.b", b"xn--", b"%2e", b"%", b"?x=", b"&", b"#", b"@", b":80", b"[::1]", b"hxxp", b"[.]", b"url,id\n", b"javascript:"],  # noqa: E501
    "biomedical": [b"<?xml version='1.0'?>", b"<PubmedArticleSet>", b"<PubmedArticle>", b"<MedlineCitation>", b"<PMID Version='1'>1</PMID>",
                   b"<AbstractText>", b"</AbstractText>", b"<sup>2</sup>", b"&alpha;", b"PMID- 1\n", b"AB  - b c\n", b"      d\n", b"a@b.org"],  # noqa: E501
    "french": ["L\u2019\u0153uvre".encode(), "\u00a0!".encode(), b"e\xcc\x81", b"# text = a b\n", b"1\ta\ta\tX\t_\t_\t0\t_\t_\t_\n", b"1-2\tau\t_\n"],  # noqa: E501
    "molecules": [b"C", b"[C@H]", b"c1", b"ccccc1", b"(", b")", b"%10", b"[nH+]", b".[Cl-]", b"*", b"smiles,id\n", b"M  END\n", b"$$$$\n", b"V2000\n"],  # noqa: E501
    "proteins": [b"MKVX", b"*", b"-", b"UOBZJ", b"acgt", b"ID   A_B\n", b"SQ   SEQUENCE   4 AA;\n", b"     MKVL\n", b"<uniprot>", b"<sequence>"],  # noqa: E501
    "crystals": [b"data_x\n", b"_cell_length_a 4\n", b"_cell_angle_alpha 90\n", b"loop_\n", b"_atom_site_label\n", b"_atom_site_fract_x\n", b"Cs1 0\n",  # noqa: E501
                 b"nan", b"1e400", b"Na Cl\n", b"direct\n", b"4 0 0\n", b'{"lattice": {}, "sites": []}', b"cif,id\n"],
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
@settings(quick, max_examples=60)
@given(data=st.data())
def test_readers_of_each_adapter(tmp_path: Path, name: str, data: st.DataObject) -> None:
    pieces = st.lists(st.sampled_from([*PIECES, *SPELLINGS[name]]), max_size=25).map(b"".join)
    path = tmp_path / f"x{data.draw(st.sampled_from(('', '.txt', '.csv', '.jsonl', '.xml')))}"
    path.write_bytes(data.draw(pieces))
    adapter = load_adapter(name)
    try:
        for record in adapter.records(str(path), drops=Drops()):
            text = adapter.canonicalize(record.text)
            assert adapter.canonicalize(text) == text
    except DomainBertError as error:
        assert str(path.parent) in str(error)


@quick
@given(
    data=DATA,
    suffix=st.sampled_from((".txt", ".csv", ".tsv", ".jsonl")),
    format=st.sampled_from(("auto", "lines", "table", "jsonl")),
    columns=st.sampled_from((None, Columns("text", "id"), Columns("1"), Columns("", "id"), Columns("", "", ("id",)))),
)
def test_readers_of_short_texts(tmp_path: Path, data: bytes, suffix: str, format: str, columns: Columns | None) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    try:
        with open_source(path) as source:
            for document in read_documents(source, Drops(), columns=columns, format=format):
                assert document.text.strip()
    except DomainBertError as error:
        assert str(path) in str(error)


@quick
@given(data=DATA)
def test_recipes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    try:
        recipe = load_recipe(path)
    except DomainBertError as error:
        assert str(path) in str(error)
    else:
        assert tomllib.loads(data.decode("utf-8-sig"))["adapter"] == recipe.adapter
        assert from_dict(to_dict(recipe)) == recipe


@quick
@given(data=DATA)
def test_data_cards(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.md"
    path.write_bytes(b"---\n" + data + b"\n---\n")
    try:
        list(DataCard.read(path).missing())
    except DomainBertError as error:
        assert str(path) in str(error)


@quick
@given(data=DATA, length=st.integers(0, 2**64 - 1) | st.integers(0, 400))
def test_headers_of_weights(tmp_path: Path, data: bytes, length: int) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + data)
    with pytest.raises(ModelError, match="is no safetensors file"):
        read_header(path)


@quick
@given(before=st.text(max_size=30), token=st.text("abcXYZ019", min_size=20, max_size=40), after=st.text(" ,.\"'\n", max_size=3))
def test_tokens_are_redacted_and_found(before: str, token: str, after: str) -> None:
    text = f"{before} hf_{token}{after}"
    assert f"hf_{token}" not in redact(text)
    assert find_secret(text.encode(errors="replace"))


@pytest.mark.parametrize(
    ("name", "data", "columns", "words"),
    [
        ("x.txt", b"one\ntwo\n", Columns("", "id"), "which have no column 'id' of ids"),
        ("x.csv", b"\xef\xbb\xbf", None, "which column holds the text"),
    ],
)
def test_what_fuzzing_found(tmp_path: Path, name: str, data: bytes, columns: Columns | None, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with open_source(tmp_path / name) as source, pytest.raises(CorpusError, match=words):
        list(read_documents(source, Drops(), columns=columns))
