"""From files to records: PubMed's XML with everything that stands in it, MEDLINE text, tables, and every damage by its name."""

import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.biomedical import BiomedicalAdapter
from domainbert.adapters.biomedical.options import BiomedicalOptions
from domainbert.errors import CorpusError

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2019//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_190101.dtd">\n'
)

POINTS_TO = (
    '<CommentsCorrectionsList><CommentsCorrections RefType="{}"><PMID Version="1">{}</PMID></CommentsCorrections></CommentsCorrectionsList>'
)


def article(
    pmid: str, abstract: str | None = "Some text.", *, title: str = "A title.", version: int = 1, before: str = "", after: str = ""
) -> str:
    """One record as PubMed writes it, with the parts that hold other people's text and other articles' numbers."""
    texts = abstract if abstract is None or "<AbstractText" in abstract else f"<AbstractText>{abstract}</AbstractText>"
    notice = "<CopyrightInformation>Copyright 2020 Nobody.</CopyrightInformation>"
    body = "" if abstract is None else f"<Abstract>{texts}{notice}</Abstract>"
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="{version}">{pmid}</PMID>'
        f"<DateRevised><Year>2020</Year></DateRevised><Article><Journal><Title>Journal of Tests</Title></Journal>"
        f"<ArticleTitle>{title}</ArticleTitle>{before}{body}<AuthorList><Author><LastName>Doe</LastName><AffiliationInfo><Affiliation>"
        "Department of X, jane.doe@example.org</Affiliation></AffiliationInfo></Author></AuthorList><PublicationTypeList>"
        f'<PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList></Article>{after}</MedlineCitation>'
        '<PubmedData><ReferenceList><Reference><Citation>Other, 1999</Citation><ArticleIdList><ArticleId IdType="pubmed">999</ArticleId>'
        f"</ArticleIdList></Reference></ReferenceList></PubmedData></PubmedArticle>"
    )


def xml(*articles: str, tail: str = "") -> str:
    return f"{HEAD}<PubmedArticleSet>{''.join(articles)}{tail}</PubmedArticleSet>\n"


def write(folder, name: str, text: str | bytes):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(source, **options) -> tuple[list[Record], Drops]:
    drops = Drops()
    return list(BiomedicalAdapter(BiomedicalOptions(**options)).records(str(source), drops=drops)), drops


def abstract_of(tmp_path, markup: str, **options) -> str:
    records, _ = read(write(tmp_path, "x.xml", xml(article("1", markup))), titles=False, **options)
    return BiomedicalAdapter().canonicalize(records[0].text)


# PubMed's XML


def test_pmid_is_id_and_group(tmp_path):
    records, drops = read(write(tmp_path, "x.xml", xml(article("11"), article("12", "Other text."))))
    assert [(record.id, record.group, record.text) for record in records] == [
        ("11", "11", "A title.\nSome text."),
        ("12", "12", "A title.\nOther text."),
    ]
    assert (drops.num_kept, drops.counts) == (2, Counter())


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Vitamin D<sub>3</sub> was given.", "Vitamin D₃ was given."),  # metapub 45: "Vitamin D"
        ("<i>E. coli</i> O157 grew; <b>it <i>did</i></b> not stop.", "E. coli O157 grew; it did not stop."),  # eutils 157
        ("1.73 m<sup>2</sup> of skin", "1.73 m² of skin"),  # pubmed-mcp-server 41: "1.73 mof"
        ("Ca<sup>2+</sup>, 10<sup>-6</sup> M, CO<sub>2</sub>", "Ca²⁺, 10⁻⁶ M, CO₂"),
        ("V<sub>max</sub> and the 1<sup>st</sup> dose", "Vmax and the 1st dose"),
        ("x<sup>1,2</sup> and t<sub>1/2</sub>", "x^(1,2) and t_(1/2)"),
        ("x<sup>½</sup> P &lt; 0.05 &amp; r &gt; 0", "x½ P < 0.05 & r > 0"),
        ("5 &#177; 2 &#xb5;g of β-carotene", "5 ± 2 µg of β-carotene"),
        ("TNF-&alpha; rose", "TNF-α rose"),  # defined in a DTD that is not fetched
        ("one\n      two\tthree", "one two three"),
        ("e\u0301tude &lt;mask&gt; [MASK]", "étude < mask> [ MASK]"),
        ("cafe\u0301, m², ﬁ, CD4⁺", "café, m², ﬁ, CD4⁺"),  # NFC, not NFKC
    ],
)
def test_all_text_below_an_element(tmp_path, markup, text):
    assert abstract_of(tmp_path, markup) == text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup>", "x²"),
        ("<mml:msubsup><mml:mi>K</mml:mi><mml:mn>1</mml:mn><mml:mn>3</mml:mn></mml:msubsup>", "K₁³"),
        (
            "<mml:mfrac><mml:mrow>\n <mml:mi>a</mml:mi><mml:mo>+</mml:mo><mml:mi>b</mml:mi></mml:mrow><mml:mi>c</mml:mi></mml:mfrac>",
            "(a+b)/c",
        ),
        ("<mml:msqrt><mml:mi>n</mml:mi></mml:msqrt>", "√n"),
        (
            '<mml:semantics><mml:mi>z</mml:mi><mml:annotation encoding="application/x-tex">z_{tex}</mml:annotation></mml:semantics>',
            "z",
        ),
    ],
)
def test_formulas(tmp_path, formula, text):
    markup = f'Here <mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML">{formula}</mml:math> holds.'
    assert abstract_of(tmp_path, markup) == f"Here {text} holds."


def test_title_with_markup_is_whole(tmp_path):
    """biopython 1539: what stood before <i> was lost."""
    records, _ = read(write(tmp_path, "x.xml", xml(article("1", title="Growth of <i>S. aureus</i> on CO<sub>2</sub>."))))
    assert records[0].text.startswith("Growth of S. aureus on CO₂.\n")


SECTIONS = (
    '<AbstractText Label="BACKGROUND" NlmCategory="BACKGROUND">One.</AbstractText>'
    '<AbstractText Label="METHODS">Two<sub>2</sub>.</AbstractText>'
    '<AbstractText Label="UNLABELLED">Three.</AbstractText>'
)


def test_sections(tmp_path):
    """pubmed_parser 9, 47 and 143, biotext 19: sections lost, or their names."""
    assert abstract_of(tmp_path, SECTIONS) == "BACKGROUND: One.\nMETHODS: Two₂.\nThree."
    assert abstract_of(tmp_path, SECTIONS, section_labels=False) == "One.\nTwo₂.\nThree."


def test_only_the_articles_own_number_and_abstract(tmp_path):
    other = '<OtherAbstract Type="Publisher" Language="fre"><AbstractText>Résumé.</AbstractText></OtherAbstract>'
    comments = POINTS_TO.format("CommentIn", 77)
    path = write(tmp_path, "x.xml", xml(article("1", after=other + comments)))
    assert [(record.id, record.text) for record in read(path)[0]] == [("1", "A title.\nSome text.")]
    both = read(path, other_abstracts=True)[0]
    assert [(record.id, record.group, record.text) for record in both][1:] == [("1:fre-Publisher", "1", "Résumé.")]


def test_no_abstract_is_counted(tmp_path):
    records, drops = read(write(tmp_path, "x.xml", xml(article("1"), article("2", None), article("3", "<AbstractText/>"))))
    assert [record.id for record in records] == ["1"]
    assert drops.counts == {"no_abstract": 2}
    assert "PMID 2" in drops.first["no_abstract"]


def test_the_last_revision_counts(tmp_path):
    write(tmp_path, "a.xml", xml(article("1", "Old."), article("2", "Second version.", version=2), article("3", "Gone.")))
    tail = '<DeleteCitation><PMID Version="1">3</PMID></DeleteCitation>'
    write(tmp_path, "b.xml.gz", gzip.compress(xml(article("1", "New."), article("2", "First version."), tail=tail).encode()))
    records, drops = read(tmp_path, titles=False)
    assert {record.id: record.text for record in records} == {"1": "New.", "2": "Second version."}
    assert drops.counts == {"superseded": 2, "deleted": 1}


def test_retractions(tmp_path):
    withdrawn = article("1", after=POINTS_TO.format("RetractionIn", 5))
    notice = article("3", after=POINTS_TO.format("RetractionOf", 2))
    path = write(tmp_path, "x.xml", xml(withdrawn, article("2"), notice))
    records, drops = read(path)
    assert [record.id for record in records] == ["3"]
    assert drops.counts == {"retracted": 2}
    assert len(read(path, retracted="keep")[0]) == 3


def test_books_have_abstracts_too(tmp_path):
    """bern 14: chapters of books, whose abstract PubMed's pages call "Excerpt", came out as an error message instead of text."""

    def book(pmid, abstract):
        return (
            f'<PubmedBookArticle><BookDocument><PMID Version="1">{pmid}</PMID><Book><BookTitle>A book</BookTitle></Book>'
            f"<ArticleTitle>Chapter</ArticleTitle>{abstract}<Sections><Section><SectionTitle>Excerpt</SectionTitle></Section></Sections>"
            "</BookDocument></PubmedBookArticle>"
        )

    abstract = "<Abstract><AbstractText>Of it.</AbstractText></Abstract>"
    records, drops = read(write(tmp_path, "x.xml", xml(book(8, abstract), book(9, ""), article("1"))))
    assert [(record.id, record.text) for record in records] == [("8", "Chapter\nOf it."), ("1", "A title.\nSome text.")]
    assert drops.counts == {"no_abstract": 1}


@pytest.mark.parametrize("block_size", [1, 7, 64, 1000])
def test_blocks_may_end_anywhere(tmp_path, monkeypatch, block_size):
    monkeypatch.setattr("domainbert.corpus.decompress.BLOCK_SIZE", block_size)
    monkeypatch.setattr("domainbert.corpus.open.HEAD_SIZE", 1)
    tail = '<DeleteCitation><PMID Version="1">3</PMID></DeleteCitation>'
    path = write(tmp_path, "x.xml", xml(article("1", "Vitamin D<sub>3</sub> é"), article("3"), tail=tail))
    records, drops = read(path, format="pubmed")
    assert [(record.id, record.text) for record in records] == [("1", "A title.\nVitamin D₃ é")]
    assert drops.counts == {"deleted": 1}


# Damaged and hostile XML


@pytest.mark.parametrize("cut", [300, 900, -30])
def test_truncated_xml(tmp_path, cut):
    path = write(tmp_path, "x.xml", xml(article("1"), article("2"))[:cut])
    with pytest.raises(CorpusError, match=r"x\.xml: XML ends early after record \d \(line \d+, column \d+, byte \d+ .*download it again"):
        read(path)


def test_truncated_gzip(tmp_path):
    path = write(tmp_path, "x.xml.gz", gzip.compress(xml(*(article(str(number)) for number in range(1, 50))).encode())[:-40])
    with pytest.raises(CorpusError, match=r"gzip ends early after record \d+ \(byte \d+\)"):
        read(path)


def test_encoding_of_xml(tmp_path):
    text = xml(article("1", "café")).replace('encoding="utf-8"', 'encoding="iso-8859-1"')
    assert read(write(tmp_path, "x.xml", text.encode("latin-1")), titles=False)[0][0].text == "café"
    with pytest.raises(CorpusError, match=r"not well-formed XML \(invalid token\) after record 0 \(line \d+, column \d+, byte \d+"):
        read(write(tmp_path, "y.xml", xml(article("1", "café")).encode("latin-1")))
    assert read(tmp_path / "y.xml", encoding="latin-1", titles=False)[0][0].text == "café"


def test_entities_are_not_expanded(tmp_path):
    for definition in ('<!ENTITY a "ha">', '<!ENTITY a SYSTEM "file:///etc/passwd">', '<!ENTITY % a SYSTEM "http://example.org/x"> %a;'):
        text = xml(article("1", "&a;")).replace(HEAD, f'<?xml version="1.0"?><!DOCTYPE PubmedArticleSet [{definition}]>')
        with pytest.raises(CorpusError, match="defines the entity 'a'"):
            read(write(tmp_path, "x.xml", text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<?xml version='1.0'?><article><body/></article>", "root is <article>, JATS full text"),
        ("<?xml version='1.0'?><eSummaryResult/>", "no abstracts: fetch the records with efetch"),  # omi 13227
        ("<!DOCTYPE html><html><body>404</body></html>", "error page of a failed download"),
        ("<?xml version='1.0'?><PubmedArticleSet></PubmedArticleSet>", "no record of PubMed's in this file"),
        (xml(article("1", "a &nosuch; b")), "entity &nosuch; at line"),
    ],
)
def test_other_xml_is_named(tmp_path, text, words):
    with pytest.raises(CorpusError, match=words):
        read(write(tmp_path, "x.xml", text))


# MEDLINE text

NBIB = """
PMID- 21
OWN - NLM
TI  - A long title that goes on
      in a second line.
AB  - BACKGROUND: TNF-α was measured. METHODS: In 12
      patients. RESULTS: It rose.
FAU - Doe, Jane
AD  - Department of X. jane.doe@example.org
PT  - Journal Article

PMID- 22
TI  - No abstract.
PT  - Letter

PMID- 23
TI  - Withdrawn.
AB  - False.
RIN - J Test. 2020. PMID: 24
"""


def test_medline_text(tmp_path):
    path = write(tmp_path, "x.nbib", NBIB)
    records, drops = read(path)
    expected = "A long title that goes on in a second line.\nBACKGROUND: TNF-α was measured.\nMETHODS: In 12 patients.\nRESULTS: It rose."
    assert [(record.id, record.group, record.text) for record in records] == [("21", "21", expected)]
    assert drops.counts == {"no_abstract": 1, "retracted": 1}
    assert read(path, section_labels=False, titles=False)[0][0].text == "TNF-α was measured.\nIn 12 patients.\nIt rose."


def test_medline_text_that_is_none(tmp_path):
    with pytest.raises(CorpusError, match=r"x\.nbib:4: 'garbage' is no MEDLINE field"):
        read(write(tmp_path, "x.nbib", "PMID- 1\nAB  - Text.\n\ngarbage\n"))


# Tables, JSON lines, plain lines


def test_json_lines(tmp_path):
    rows = [{"pmid": 5, "title": "T.", "abstract": "One."}, {"pmid": 6, "title": "", "abstract": "Two."}]
    path = write(tmp_path, "x.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    records, _ = read(path, id_column="pmid", title_column="title")
    assert [(record.id, record.group, record.text) for record in records] == [("5", "5", "T.\nOne."), ("6", "6", "Two.")]


def test_tables(tmp_path):
    pq.write_table(pa.table({"note": ["One.", "Two."], "patient": ["a", "a"]}), tmp_path / "x.parquet")
    records, _ = read(tmp_path / "x.parquet", column="note", group_column="patient")
    assert [(record.group, record.text) for record in records] == [("a", "One."), ("a", "Two.")]
    path = write(tmp_path, "x.csv", "pmid,note\n1,One.\n")
    assert read(path, column="note", id_column="pmid")[0][0].id == "1"
    with pytest.raises(CorpusError, match="no column 'abstract'; there are: 'pmid', 'note'"):
        read(path, column="abstract")


def test_lines_without_addresses_and_boilerplate(tmp_path):
    lines = "Good text. © 2014 Wiley Periodicals, Inc.\nAffiliation: Department of X\nMore (ABSTRACT TRUNCATED AT 250 WORDS)\n"
    records, drops = read(write(tmp_path, "x.txt", lines))
    assert [record.text for record in records] == ["Good text.", "More"]
    assert drops.counts == {"only_boilerplate": 1}
    assert set(drops.trimmed) == {"copyright", "affiliation", "truncation_mark"}
    assert len(read(tmp_path / "x.txt", boilerplate="keep")[0]) == 3


def test_bad_text_files(tmp_path):
    with pytest.raises(CorpusError, match=r"byte 0xe9 at byte 12 .* set the option encoding"):
        read(write(tmp_path, "x.txt", "plain text\n\u00e9t\u00e9\n".encode("latin-1").replace(b"\n\xe9", b"\n \xe9")))
    with pytest.raises(CorpusError, match="NUL byte"):
        read(write(tmp_path, "y.txt", "text " * 80_000 + "\0more\n"))
    records, drops = read(write(tmp_path, "z.txt", "word " * 2_000_000 + "\nshort\n"))
    assert ([record.text for record in records], drops.counts) == (["short"], {"too_long": 1})
