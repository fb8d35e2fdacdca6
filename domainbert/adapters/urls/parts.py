"""Where the parts of a URL lie in its canonical text: for masking them as a whole, and for reporting them apart."""

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.urls.canonical import Parts, Span, split
from domainbert.adapters.urls.host import public_suffix, registered_domain

_WORD = re.compile(r"\[[A-Za-z0-9]+\]|(?:%[0-9A-F]{2})+|[A-Za-z0-9]+|\S")
_LABEL = re.compile(r"[^.]+")
_SEGMENT = re.compile(r"[^/]+")
_PARAMETER = re.compile(r"([^&=]+)(?:=([^&]*))?")
_PLACEHOLDERS = frozenset({"[EMAIL]", "[REDACTED]"})


def unit_spans(text: str, unit: str) -> NDArray[np.int64]:
    """Spans of one kind of unit, see ``UNITS``; ascending, not overlapping, without placeholders."""
    spans = [(start, end) for start, end in UNITS[unit](text, split(text)) if start < end and text[start:end] not in _PLACEHOLDERS]
    return _array(spans)


def breakdown(text: str) -> Mapping[str, NDArray[np.int64]]:
    """Names (or addresses), their public suffixes with the dot before them, paths, queries and fragments."""
    parts = split(text)
    host = parts.host or (0, 0)
    cut = max(host[0], _suffix_start(text, parts) - 1) if parts.kind == "DOMAIN" else host[1]
    spans = {"name": (host[0], cut), "suffix": (cut, host[1]), "path": parts.path, "query": parts.query, "fragment": parts.fragment}
    return {name: _array([span] if span and span[0] < span[1] else []) for name, span in spans.items()}


def _array(spans: list[Span]) -> NDArray[np.int64]:
    return np.array(spans, np.int64).reshape(-1, 2)


def _words(text: str, _: Parts) -> Iterator[Span]:
    """As in any text, but without structure tokens, and with the escapes of one character together."""
    return (found.span() for found in _WORD.finditer(text) if found[0][0] != "[" or len(found[0]) == 1)


def _subdomain(text: str, parts: Parts) -> Iterator[Span]:
    if parts.host and parts.kind == "DOMAIN":
        start, end = parts.host
        yield start, max(start, end - len(registered_domain(text[start:end])) - 1)


def _labels(text: str, parts: Parts) -> Iterator[Span]:
    """An address is one label."""
    if parts.host and parts.kind == "DOMAIN":
        yield from (found.span() for found in _LABEL.finditer(text, parts.host[0], _suffix_start(text, parts)))
    elif parts.host:
        yield parts.host


def _suffix(text: str, parts: Parts) -> Iterator[Span]:
    if parts.host:
        yield _suffix_start(text, parts), parts.host[1]


def _suffix_start(text: str, parts: Parts) -> int:
    """Where a name's public suffix begins; the end of an address."""
    start, end = parts.host or (0, 0)
    return end - len(public_suffix(text[start:end])) if parts.kind == "DOMAIN" else end


def _segments(text: str, parts: Parts) -> Iterator[Span]:
    return (found.span() for found in _SEGMENT.finditer(text, *(parts.path or (0, 0))))


def _parameter_names(text: str, parts: Parts) -> Iterator[Span]:
    return (found.span(1) for found in _PARAMETER.finditer(text, *(parts.query or (0, 0))))


def _values(text: str, parts: Parts) -> Iterator[Span]:
    return (found.span(2) for found in _PARAMETER.finditer(text, *(parts.query or (0, 0))))


UNITS: Mapping[str, Callable[[str, Parts], Iterator[Span]]] = {
    "word": _words,
    "subdomain": _subdomain,
    "label": _labels,
    "tld": _suffix,
    "path_segment": _segments,
    "parameter_name": _parameter_names,
    "value": _values,
}
