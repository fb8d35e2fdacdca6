"""Units, parts and views."""

import numpy as np
import pytest

from domainbert.adapters.base import Record
from domainbert.adapters.urls import UrlsAdapter

ADAPTER = UrlsAdapter()
TEXT = ADAPTER.canonicalize("https://mail.eu.big-shop.co.uk:81/a/b%20c/?q=1&lang=de&x=a,b&token=y#top")


@pytest.mark.parametrize(
    ("unit", "parts"),
    [
        ("subdomain", ["mail.eu"]),
        ("label", ["mail", "eu", "big-shop"]),
        ("tld", ["co.uk"]),
        ("path_segment", ["a", "b%20c"]),
        ("parameter_name", ["q", "lang", "x", "token"]),
        ("value", ["1", "de", "a,b"]),
    ],
)
def test_units(unit, parts):
    assert [TEXT[start:end] for start, end in ADAPTER.units(TEXT, unit)] == parts


def test_words_leave_structure_out():
    text = ADAPTER.canonicalize("a-b1.example/é?m=jo@mail.example")
    assert [text[start:end] for start, end in ADAPTER.units(text, "word")] == ["a", "-", "b1", ".", "example", "%C3%A9", "m", "="]


def test_addresses_and_bare_names():
    assert [len(ADAPTER.units("[IP]192.0.2.7", unit)) for unit in ("subdomain", "label", "tld")] == [0, 1, 0]
    assert [len(ADAPTER.units("[DOMAIN]shop.example", unit)) for unit in ("subdomain", "label", "tld")] == [0, 1, 1]


def test_breakdown():
    found = {name: [TEXT[start:end] for start, end in spans] for name, spans in ADAPTER.breakdown(TEXT).items()}
    assert found == {
        "name": ["mail.eu.big-shop"],
        "suffix": [".co.uk"],
        "path": ["a/b%20c/"],
        "query": ["q=1&lang=de&x=a,b&token=[REDACTED]"],
        "fragment": ["top"],
    }
    assert all(not len(spans) for spans in ADAPTER.breakdown("[OPAQUE]javascript:x").values())


def views(name, text):
    return {ADAPTER.view(name, Record("i", text, "g"), np.random.default_rng(seed)).text for seed in range(40)}


def test_spelling_view():
    found = views("spelling", "[DOMAIN]a.example[PATH]x,y[QUERY]q=a+b")
    assert found == {f"[DOMAIN]a.example[PATH]x{comma}y[QUERY]q=a{blank}b" for comma in (",", "%2C") for blank in ("+", "%20")}
    assert views("spelling", "[DOMAIN]a.example[PATH]a+b") == {"[DOMAIN]a.example[PATH]a+b"}


def test_parameter_order_view():
    assert views("parameter_order", "[DOMAIN]a.example[QUERY]a=1&b=2[FRAGMENT]f") == {
        f"[DOMAIN]a.example[QUERY]{query}[FRAGMENT]f" for query in ("a=1&b=2", "b=2&a=1")
    }
