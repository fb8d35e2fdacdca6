"""The one spelling of a URL: what it points to, without what only tells who wrote it down.

    https://User:pw@WWW.Example.com:8443/a/%7Eb?x=1&token=abc#top
    [USERINFO][DOMAIN]example.com[PORT]8443[PATH]a/~b[QUERY]x=1&token=[REDACTED][FRAGMENT]top

The grammar is RFC 3986's, read as browsers read it. Canonical text is ASCII. Tokens in brackets are structure; a bracket of the raw text
is written ``%5B`` or ``%5D``. Percent-encoding is undone once, for unreserved characters only (RFC 3986, section 6.2.2.2); what it
leaves has upper-case digits, and a stray ``%`` becomes ``%25``.

Canonical text stays as it is. Nothing else that begins with a structure token is taken for canonical, so that whoever spells
``[DOMAIN]`` in a URL can say nothing that a plain URL could not.
"""

import re
from dataclasses import dataclass

from domainbert.adapters.urls.host import canonical_host
from domainbert.adapters.urls.redaction import redact

CANONICAL_VERSION = "urls-1"
STRUCTURE = (
    "[SCHEME]", "[USERINFO]", "[DOMAIN]", "[IP]", "[IPv6]", "[PORT]", "[PATH]", "[QUERY]", "[FRAGMENT]", "[OPAQUE]",
    "[EMAIL]", "[REDACTED]",
)  # fmt: skip
UNRESERVED = "A-Za-z0-9._~-"
VISIBLE = rf"!$&'()*+,;=:@/?{UNRESERVED}"
ESCAPE = "%(?:[01][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF]|[89A-F][0-9A-F])"  # of anything that is not unreserved

Span = tuple[int, int]

_TEXT = rf"(?:[{VISIBLE}]++|{ESCAPE}|\[EMAIL\]|\[REDACTED\])*+"
_PLAIN_TEXT = re.compile(rf"[%{VISIBLE}]+")
_CANONICAL = re.compile(
    rf"(?:\[SCHEME\](?P<scheme>[a-z][a-z0-9+.-]*))?(?:\[USERINFO\])?\[(?P<kind>DOMAIN|IP|IPv6)\](?P<host>[^\[\]]*)(?:\[PORT\](?P<port>[0-9]+))?"
    rf"(?:\[PATH\](?P<path>{_TEXT}))?(?:\[QUERY\](?P<query>{_TEXT}))?(?:\[FRAGMENT\](?P<fragment>{_TEXT}))?|\[OPAQUE\](?P<opaque>{_TEXT})"
)
_HOST = re.compile(r"(?:\[SCHEME\][^\[]*)?(?:\[USERINFO\])?\[(DOMAIN|IP|IPv6)\]([^\[]*)")
# Most URLs need nothing but cutting: no escapes, no parameters, no odd host.
_PLAIN = re.compile(
    r"(?:https?://)?+(?:www\.(?=[^/]*\.))?+((?:[a-z0-9_-]++\.)*+[0-9]*+[a-z_-][a-z0-9_-]*+)"
    r"(?:/([A-Za-z0-9._~!$'()*+,-][A-Za-z0-9._~!$'()*+,/-]*+)?+)?+"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://|(https?|ftp):[\\/]+", re.IGNORECASE)
_DEFANGED_SCHEME = re.compile(r"(h(?:xx|\*\*|tt)ps?|f[xt]p)(?:\[:\]//|\[://\]|://|:\\\\)", re.IGNORECASE)
# A name before a colon that introduces no place, unless a port follows: "data:8080/x" is a host of that name.
_OPAQUE = re.compile(
    r"\s*(?:(javascript|data|mailto|about|blob|vbscript|file|cid|urn):(?![0-9]{1,5}(?:[/?#]|$))|(tel|sms):)", re.IGNORECASE
)
_DOT = re.compile(r"\[\.\]?|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\}|\s+\.\s*|\.\s+", re.IGNORECASE)
_AT = re.compile(r"\[@\]|\[at\]|\(at\)|%40", re.IGNORECASE)
_CONTROL = re.compile(r"[\t\r\n]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE_OR_ODD = re.compile(rf"%[0-9A-Fa-f]{{2}}|[^{VISIBLE}]")
_IS_UNRESERVED = re.compile(f"[{UNRESERVED}]")
_DOT_SEGMENT = re.compile(r"(?:^|/)\.{1,2}(?=/|$)")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21"}
_WEB = frozenset({"", "http", "https"})
_NO_SCHEME = frozenset({"//", "\\\\", "\\/", "/\\"})
_LARGEST_PORT = 65535


def canonicalize(raw: str, *, keep_scheme: bool = False, keep_www: bool = False) -> str:
    """The canonical spelling of a URL, a host name or anything else; idempotent, and it never fails."""
    if not (keep_scheme or keep_www) and (plain := _PLAIN.fullmatch(raw)):
        host, path = plain.groups()
        if "/." not in raw and "0x" not in host and (not path or redact(path) == path):
            return f"[DOMAIN]{host}[PATH]{path}" if path else f"[DOMAIN]{host}"
    if raw.startswith("[") and _is_canonical(raw):
        return raw
    return _general(raw, keep_scheme=keep_scheme, keep_www=keep_www)


def opaque_scheme(raw: str) -> str:
    """The scheme of a URL that names no place (``javascript``, ``data``, ``mailto``, ...); empty for others."""
    found = _OPAQUE.match(raw)
    return (found[1] or found[2]).lower() if found else ""


def host_of(canonical: str) -> tuple[str, str]:
    """Kind (``DOMAIN``, ``IP``, ``IPv6``) and spelling of the host of canonical text; both empty where it names none."""
    if canonical.startswith("[DOMAIN]"):  # nearly always
        return "DOMAIN", canonical[8:].partition("[")[0]
    found = _HOST.match(canonical)
    return (found[1], found[2]) if found else ("", "")


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts of canonical text lie, as start and end character; ``None`` for what it lacks.

    ``kind`` is that of the host: ``DOMAIN``, ``IP``, ``IPv6``, or empty for text that names no place.
    """

    kind: str
    host: Span | None
    path: Span | None
    query: Span | None
    fragment: Span | None


def split(canonical: str) -> Parts:
    """The parts of canonical text; of any other text, none."""
    found = _CANONICAL.match(canonical)
    if not found or not found["kind"]:
        return Parts("", None, None, None, None)
    spans = (found.span(name) if found[name] else None for name in ("host", "path", "query", "fragment"))
    return Parts(found["kind"], *spans)


def is_plain_text(text: str) -> bool:
    """Whether text is something that canonical text may hold between its structure tokens."""
    return bool(text) and _PLAIN_TEXT.fullmatch(text) is not None


def _is_canonical(text: str) -> bool:
    """Whether ``canonicalize`` writes this text for some URL."""
    parts = _CANONICAL.fullmatch(text)
    if parts is None:
        return False
    if parts["kind"]:
        host, kind = parts["host"], parts["kind"]
        if canonical_host(f"[{host}]" if kind == "IPv6" else host) != (host, kind):
            return False
        if parts["port"] is not None and _take_port(f"h:{parts['port']}") != ("h", parts["port"]):
            return False
        if parts["path"] is not None and _without_dots(f"/{parts['path']}") != f"/{parts['path']}":
            return False
    pieces = ((name, parts[name]) for name in ("path", "query", "fragment", "opaque"))
    return all(piece is None or (piece != "" and redact(piece, in_path=name == "path") == piece) for name, piece in pieces)


def _general(raw: str, *, keep_scheme: bool, keep_www: bool) -> str:
    text = _CONTROL.sub("", raw).strip()
    if not text.isascii():
        text = _LONE_SURROGATE.sub("\ufffd", text)
    if opaque_scheme(text):
        return f"[OPAQUE]{redact(_escaped(text))}"
    scheme, rest = _take_scheme(text.replace("[/]", "/"))
    cut = min((place for place in map(rest.find, "/\\?#") if place >= 0), default=len(rest))
    authority, rest = rest[:cut], rest[cut:]
    rest, _, fragment = rest.partition("#")
    path, _, query = rest.partition("?")
    userinfo, _, place = _AT.sub("@", _DOT.sub(".", authority)).rpartition("@")
    host, port = _take_port(place.strip())
    host, kind = canonical_host(host)
    if not keep_www and kind == "DOMAIN" and host.startswith("www.") and "." in host[4:]:
        host, kind = canonical_host(host[4:])  # what is left may be an address
    parts = [f"[SCHEME]{scheme}" if (keep_scheme and scheme) or scheme not in _WEB else "", "[USERINFO]" if userinfo else ""]
    parts.append(f"[{kind}]{host}")
    if port and port != _DEFAULT_PORTS.get(scheme or "http"):
        parts.append(f"[PORT]{port}")
    if path := redact(_without_dots(_escaped(path.replace("\\", "/"))).removeprefix("/"), in_path=True):
        parts.append(f"[PATH]{path}")
    if query := redact(_escaped(query)):
        parts.append(f"[QUERY]{query}")
    if fragment := redact(_escaped(fragment)):
        parts.append(f"[FRAGMENT]{fragment}")
    return "".join(parts)


def _take_scheme(text: str) -> tuple[str, str]:
    if found := _DEFANGED_SCHEME.match(text):
        scheme = found[1].lower().replace("xx", "tt").replace("**", "tt").replace("fxp", "ftp")
        return scheme, text[found.end() :].lstrip("/\\")
    if found := _SCHEME.match(text):
        return (found[1] or found[2]).lower(), text[found.end() :]
    return "", text[2:] if text[:2] in _NO_SCHEME else text


def _take_port(place: str) -> tuple[str, str]:
    """Host and port; what stands behind the last colon and is no port stays with the host."""
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        return place, ""
    if not port:
        return host, ""
    if not (port.isascii() and port.isdigit()):
        return place, ""
    number = port.lstrip("0") or "0"
    return (host, number) if len(number) <= len(str(_LARGEST_PORT)) and int(number) <= _LARGEST_PORT else (place, "")


def _without_dots(path: str) -> str:
    """A path without ``.`` and ``..`` segments (RFC 3986, section 5.2.4)."""
    if "/." not in path or not _DOT_SEGMENT.search(path):
        return path
    kept: list[str] = []
    *segments, last = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if last == ".." and len(kept) > 1:
        kept.pop()
    return "/".join([*kept, "" if last in (".", "..") else last])


def _escaped(text: str) -> str:
    """Path, query or fragment with its escapes in one form."""
    return _ESCAPE_OR_ODD.sub(_one_form, text)


def _one_form(match: re.Match[str]) -> str:
    found = match[0]
    if len(found) == 1:
        return "".join(f"%{byte:02X}" for byte in found.encode())
    character = chr(int(found[1:], 16))
    return character if _IS_UNRESERVED.match(character) else found.upper()
