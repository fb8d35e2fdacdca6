"""One spelling for what is one URL; the traps that public issues name; nothing crashes and nothing is spelled twice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.adapters.urls import UrlsAdapter
from domainbert.adapters.urls.canonical import STRUCTURE
from domainbert.adapters.urls.options import UrlsOptions

ADAPTER = UrlsAdapter()
canonicalize = ADAPTER.canonicalize


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("https://User:pw@WWW.Example.com:8443/a/%7Eb?x=1#top", "[USERINFO][DOMAIN]example.com[PORT]8443[PATH]a/~b[QUERY]x=1[FRAGMENT]top"),
        ("example.com", "[DOMAIN]example.com"),
        ("http://example.com:80/", "[DOMAIN]example.com"),
        ("https://example.com:443/", "[DOMAIN]example.com"),
        ("https://example.com:80/", "[DOMAIN]example.com[PORT]80"),
        ("EXAMPLE.com./Path/File", "[DOMAIN]example.com[PATH]Path/File"),
        ("//example.com/x", "[DOMAIN]example.com[PATH]x"),
        ("ftp://example.com/x", "[SCHEME]ftp[DOMAIN]example.com[PATH]x"),
        ("http:/example.com/x", "[DOMAIN]example.com[PATH]x"),
        ("http:\\\\example.com\\x", "[DOMAIN]example.com[PATH]x"),
        ("example.com/a/./b/../c", "[DOMAIN]example.com[PATH]a/c"),
        ("example.com/a/%2e%2e/c", "[DOMAIN]example.com[PATH]c"),
        ("example.com/.well-known/x", "[DOMAIN]example.com[PATH].well-known/x"),
        ("example.com/a//b", "[DOMAIN]example.com[PATH]a//b"),
        ("example.com/é b", "[DOMAIN]example.com[PATH]%C3%A9%20b"),
        ("example.com/100%", "[DOMAIN]example.com[PATH]100%25"),
        ("example.com?q", "[DOMAIN]example.com[QUERY]q"),
        ("example.com:99999/x", "[DOMAIN]example.com%3A99999[PATH]x"),
        ("example.com:0099999/x", "[DOMAIN]example.com%3A0099999[PATH]x"),
        ("example.com:/x", "[DOMAIN]example.com[PATH]x"),
        ("http://exa\tmple.com/\nx", "[DOMAIN]example.com[PATH]x"),
        ("www.com", "[DOMAIN]www.com"),
        ("www.192.0.2.7", "[IP]192.0.2.7"),
        ("WWW..0", "[DOMAIN]0"),
    ],
)
def test_grammar(raw, canonical):
    assert canonicalize(raw) == canonical


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("192.0.2.7", "[IP]192.0.2.7"),
        ("http://0xC0.0x00.0x02.0x07/x", "[IP]192.0.2.7[PATH]x"),
        ("http://0300.0.2.7/", "[IP]192.0.2.7"),
        ("192.0.519", "[IP]192.0.2.7"),
        ("256.0.2.7", "[DOMAIN]256.0.2.7"),
        ("[2001:DB8:0::7]:8080/x", "[IPv6]2001:db8::7[PORT]8080[PATH]x"),
        ("[::ffff:192.0.2.7]", "[IP]192.0.2.7"),
        ("[fe80::1%25eth0]", "[IPv6]fe80::1"),
    ],
)
def test_addresses_have_one_spelling(raw, canonical):
    assert canonicalize(raw) == canonical


@pytest.mark.parametrize(
    "host",
    [
        "bücher.example",
        "BÜCHER.example",
        "bu\u0308cher.example",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.EXAMPLE",
        "b%C3%BCcher.example",
        "bücher\u3002example",
    ],
)
def test_unicode_and_punycode_are_one_host_and_one_group(host):
    """john-kurkowski/tldextract issue 366: the two spellings of a host had different suffixes, which let one through a blocklist."""
    assert canonicalize(host) == "[DOMAIN]xn--bcher-kva.example"


def test_mixed_unicode_and_punycode_suffixes(tmp_path):
    """crawler-commons issue 179, and the suffix itself in either spelling."""
    path = tmp_path / "urls.txt"
    path.write_text("a.例子.公司.cn\na.xn--fsqu00a.公司.cn\na.例子.xn--55qx5d.cn\nb.xn--fsqu00a.xn--55qx5d.cn\n", encoding="utf-8")
    assert {record.group for record in ADAPTER.records(str(path))} == {"xn--fsqu00a.xn--55qx5d.cn"}


@pytest.mark.parametrize(
    "label", ["xn--", "xn---", "xn--0", "xn--zzzzzzzzzzzz99999999", "xn--\u00fc", "xn--a b", "xn--tub-1m9d15sfkkhsifsbqygyujjrw60"]
)
def test_what_is_no_punycode_is_kept_as_it_stands(label):
    """tldextract issues 191, 199, 200 and 164 (crashes) and 55 (names that merely begin like punycode)."""
    text = canonicalize(f"http://{label}.example/x")
    assert text.endswith(".example[PATH]x") and text.startswith("[DOMAIN]xn--") and canonicalize(text) == text


@pytest.mark.parametrize(
    "raw", ["example.com/http/x", "example.com/http://other.example/", "example.com/?u=http://other.example/", "httpbin.example"]
)
def test_http_inside_a_url_is_no_scheme(raw):
    """DomURLs_BERT's preprocessing looks for the four letters anywhere, and takes the rest for the host."""
    host = raw.split("/")[0]
    assert canonicalize(raw).startswith(f"[DOMAIN]{host}") and "http" in canonicalize(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "hxxp://evil[.]example/x",
        "hXXps[:]//evil(.)example/x",
        "evil[dot]example/x",
        "evil[.example/x",
        "evil .example/x",
        "h**p://evil{.}example/x",
        "evil[.]example[/]x",
    ],
)
def test_defanged_spellings_are_restored(raw):
    assert canonicalize(raw) == "[DOMAIN]evil.example[PATH]x"


def test_escapes_are_undone_once():
    assert canonicalize("example.com/%2541%41%c3%a9") == "[DOMAIN]example.com[PATH]%2541A%C3%A9"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("example.com/?mail=jo.doe@mail.example", "[QUERY]mail=[EMAIL]"),
        ("example.com/?u=x%26mail%3Dkim%40mail.example", "[QUERY]u=x%26mail%3D[EMAIL]"),
        ("example.com/jo@mail.example/x", "[PATH][EMAIL]/x"),
        ("example.com/?token=a/b==&x=1", "[QUERY]token=[REDACTED]&x=1"),
        ("example.com/?PASSWORD=x;y", "[QUERY]PASSWORD=[REDACTED]"),
        ("example.com/a;jsessionid=12AB/b", "[PATH]a;jsessionid=[REDACTED]/b"),
        ("example.com/?next=%2F%3Fapi_key%3Dabc%26y%3D1", "[QUERY]next=%2F%3Fapi_key%3D[REDACTED]%26y%3D1"),
        ("example.com/AKIAIOSFODNN7EXAMPLE", "[PATH][REDACTED]"),
        ("example.com/#access_token=abc", "[FRAGMENT]access_token=[REDACTED]"),
        ("example.com/HeyJoannaSmithAndFriends?author=kim&tokens_used=1", "[PATH]HeyJoannaSmithAndFriends[QUERY]author=kim&tokens_used=1"),
    ],
)
def test_people_and_secrets_are_redacted(raw, kept):
    assert canonicalize(raw) == f"[DOMAIN]example.com{kept}"


def test_userinfo_leaves_no_trace_but_its_token():
    for raw in ("https://jo:pw@example.com/", "jo%40mail.example@example.com"):
        assert canonicalize(raw) == "[USERINFO][DOMAIN]example.com"


@pytest.mark.parametrize(
    "raw", ["javascript:alert(1)", "data:text/html;base64,PGI+", "mailto:jo@mail.example", " JavaScript:x", "tel:5551234"]
)
def test_urls_that_name_no_place(raw):
    assert canonicalize(raw).startswith("[OPAQUE]") and "@" not in canonicalize(raw)


def test_a_host_may_be_called_data():
    assert canonicalize("data:8080/x") == "[DOMAIN]data[PORT]8080[PATH]x"


@pytest.mark.parametrize(
    "raw",
    [
        "example.com/[DOMAIN]bank.example",
        "example.com/?x=[MASK]",
        "example.com/[PATH]x",
        "[DOMAIN]www[PATH]a b",
        "[DOMAIN]192.0.2.7",
        "[DOMAIN]a.example[PATH]%7E",
        "[DOMAIN]a.example[QUERY]token=x",
        "[IP]a.example",
        "[DOMAIN]A.example",
        "[MASK]",
    ],
)
def test_structure_cannot_be_injected(raw):
    """Only what the canonicaliser itself writes keeps its brackets."""
    spelled = canonicalize(raw)
    head = "[DOMAIN]"
    assert spelled.startswith(head) and "%5B" in spelled
    assert raw.count("[") == spelled.count("%5B")


def test_scheme_and_www_stay_where_they_are_wanted():
    keeps = UrlsAdapter(UrlsOptions(keep_scheme=True, keep_www=True))
    assert keeps.canonicalize("https://www.example.com/x") == "[SCHEME]https[DOMAIN]www.example.com[PATH]x"
    assert keeps.canonicalize("www.example.com") == "[DOMAIN]www.example.com"


PIECES = st.sampled_from(
    [
        *STRUCTURE,
        "http://",
        "hxxp",
        "www.",
        "[.]",
        "a",
        "B",
        "example",
        ".com",
        "/",
        "\\",
        "?",
        "#",
        "&",
        "=",
        "%",
        "%4",
        "%41",
        "%2E",
        "%25",
        "%40",
        "@",
        ":",
        ":80",
        ";",
        "[",
        "]",
        " ",
        "\t",
        "..",
        "/./",
        "token=",
        "eyJhbGciOiJI.eyJzdWIiOiIx",
        "AKIAIOSFODNN7EXAMPLE",
        "a@b.example",
        "%3Fsid%3D",
        "xn--",
        "ü",
        "\u00ad",
        "。",
        "\uff11",
        "0x",
        "1.2.3.4",
        "::1",
        "%FF",
        "\ud800",
        "_",
        "-",
        ".",
    ]
)
URLISH = st.lists(PIECES | st.text(max_size=3), max_size=14).map("".join)


@settings(max_examples=1500, deadline=None)
@given(st.text(max_size=60) | URLISH)
def test_any_text_has_a_canonical_spelling_that_stays(raw):
    for adapter in (ADAPTER, UrlsAdapter(UrlsOptions(keep_scheme=True, keep_www=True))):
        once = adapter.canonicalize(raw)
        assert once.isascii() and " " not in once and once.startswith(("[DOMAIN]", "[IP]", "[IPv6]", "[OPAQUE]", "[SCHEME]", "[USERINFO]"))
        assert adapter.canonicalize(once) == once


@pytest.mark.timeout(20)
def test_long_text_takes_linear_time():
    for text in (
        "a" * 300_000 + "/@",
        "example.com/" + "a@" * 100_000,
        "example.com/?" + "=" * 200_000,
        "example.com/" + "%41" * 100_000 + "@",
        "[" * 200_000,
    ):
        once = canonicalize(text)
        assert once.startswith("[") and canonicalize(once) == once
