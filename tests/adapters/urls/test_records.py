"""From files to records: formats, columns, kinds, groups, and every bad entry by its name."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domainbert.adapters.base import Drops
from domainbert.adapters.urls import UrlsAdapter
from domainbert.adapters.urls.options import UrlsOptions
from domainbert.errors import CorpusError

ONE, TWO = "http://a.example/x", "b.example"


def read(path, **options):
    drops = Drops()
    return list(UrlsAdapter(UrlsOptions(**options)).records(str(path), drops=drops)), drops


def write(folder, name, data):
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


FORMATS = {
    "x.txt": (f"{ONE}\n{TWO}\n", {}),
    "x.csv": (f"label,url\n1,{ONE}\n0,{TWO}\n", {}),
    "y.tsv": (f"{ONE}\tq\n{TWO}\tq\n", {"column": "1"}),
    "x.jsonl": (f'{{"url": "{ONE}"}}\n{{"url": "{TWO}"}}\n', {}),
    "w3c.log": (
        f'#Version: 1.0\n#Fields: time cs-uri cs(User-Agent)\n00:00 {ONE} "a b"\n#Fields: time cs-uri\n00:01 {TWO}\n',
        {"column": "cs-uri"},
    ),
    "zeek.log": (f"#separator \\x09\n#fields\tts\turi\n#types\ttime\tstring\n1.0\t{ONE}\n2.0\t{TWO}\n#close\tx\n", {"column": "uri"}),
    "squid.log": (f"1.1   5 10.0.0.1 TCP_MISS/200 9 GET {ONE} -\n1.2  50 10.0.0.1 TCP_MISS/200 9 GET {TWO} -\n", {"column": "7"}),
}


@pytest.mark.parametrize("packing", [bytes, gzip.compress])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format(tmp_path, name, packing):
    text, options = FORMATS[name]
    records, drops = read(write(tmp_path, name, packing(text.encode())), **options)
    assert [(record.text, record.group) for record in records] == [(ONE, "a.example"), (TWO, "b.example")]
    assert (drops.num_kept, drops.counts) == (2, {})
    assert all(record.meta == {"file": name} and record.id.startswith(f"{name}:") for record in records)


def test_parquet_with_ids_and_kinds(tmp_path):
    pq.write_table(pa.table({"u": [ONE, TWO], "n": ["1", "2"], "feed": ["bad", "good"]}), tmp_path / "x.parquet")
    records, _ = read(tmp_path / "x.parquet", column="u", id_column="n", kind_column="feed")
    assert [(record.id, record.text, record.meta["kind"]) for record in records] == [("1", ONE, "bad"), ("2", TWO, "good")]


def test_a_missing_column_lists_those_there(tmp_path):
    for name, text in (("x.csv", "a,b\n1,2\n"), ("x.log", "#Fields: a b\n1 2\n")):
        with pytest.raises(CorpusError, match="no column 'cs-uri'; there are: 'a', 'b'"):
            read(write(tmp_path, name, text), column="cs-uri")
    with pytest.raises(CorpusError, match="2: a row before the line #Fields"):
        read(write(tmp_path, "y.log", "#x\n1 2\n#Fields: a b\n"), column="a")


def test_bad_entries_are_counted_by_reason(tmp_path):
    lines = [
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:a@b.example",
        "/only/a/path",
        "?q",
        "a b.example/x",
        "a..example",
        f"{'a' * 64}.example",
        "a%00b.example",
        "",
        "x.example/" + "y" * 5000,
        ONE,
    ]
    records, drops = read(write(tmp_path, "x.txt", "\n".join(lines)))
    assert [record.text for record in records] == [ONE]
    expected = {"javascript_url": 1, "data_url": 1, "mailto_url": 1, "no_host": 2, "malformed_host": 4, "blank": 1, "too_long": 1}
    assert dict(drops.counts) == expected
    assert drops.first["malformed_host"].endswith("x.txt:6")


def test_broken_files_are_named(tmp_path):
    whole = gzip.compress(f"{ONE}\n".encode() * 20_000)
    for name, data, message in [
        ("cut.txt.gz", whole[:-20], "ends early"),
        ("nul.txt", f"{ONE}\n\0".encode(), "binary file|NUL"),
        ("latin.txt", b"a.example/\xe9\n", "byte 0xe9 at byte 10"),
        ("empty.txt", b"", "empty"),
    ]:
        with pytest.raises(CorpusError, match=message):
            read(write(tmp_path, name, data))
    assert read(tmp_path / "latin.txt", encoding="latin-1")[0][0].text == "a.example/é"


def test_a_line_of_ten_megabytes(tmp_path):
    records, drops = read(write(tmp_path, "x.txt", f"{ONE}\n{'a' * 10_000_000}\n{TWO}\n"))
    assert [record.text for record in records] == [ONE, TWO]
    assert dict(drops.counts) == {"too_long": 1}


@pytest.mark.parametrize(
    ("url", "group"),
    [
        ("https://a.b.example.co.uk/x", "example.co.uk"),
        ("one.github.io", "one.github.io"),
        ("x.one.github.io", "one.github.io"),
        ("github.io", "github.io"),
        ("a.web.pages.dev", "web.pages.dev"),  # tldextract issue 147 (an old list): a suffix of 2020, from the list that is installed
        ("192.0.2.7", "192.0.2.0/24"),
        ("http://0xC0000207.0x7:80", "0xc0000207.0x7"),
        ("[2001:db8:1:2::7]", "2001:db8:1::/48"),
        ("a.b.unknown", "b.unknown"),
        ("localhost", "localhost"),
    ],
)
def test_groups(tmp_path, url, group):
    assert read(write(tmp_path, "x.txt", f"{url}\n"))[0][0].group == group


def test_a_folder_gives_its_lists(tmp_path):
    for name in ("a.txt", "b.csv", "c.log", "readme.md"):
        write(tmp_path, name, "url\n")
    named = lambda **options: [path.name for path in UrlsAdapter(UrlsOptions(**options)).files(str(tmp_path))]  # noqa: E731
    assert named() == ["a.txt", "b.csv"]
    assert named(column="url") == ["a.txt", "b.csv", "c.log"]
