"""Hosts: names in their ASCII form, IPv4 and IPv6 addresses, and what they belong to."""

import ipaddress
import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_PLAIN = re.compile(r"[a-z0-9._-]+")
_LAST_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_ODD = re.compile(r"[^a-z0-9._-]")
_MAX_PARTS = 4
_MAX_NAME = 253  # characters; a label has at most 63: RFC 1035, section 2.3.4
_LABELS = re.compile(r"(?:[^.%]{1,63}\.)*[^.%]{1,63}")
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))  # UTS 46, section 2.3: full stops of other scripts


def canonical_host(host: str) -> tuple[str, str]:
    """A host in its one spelling, and what it is: ``DOMAIN``, ``IP`` or ``IPv6``.

    Lower case, without a last dot; every label in its ASCII form, so that ``bücher.de`` and ``xn--bcher-kva.de`` are one host.
    A label that is no valid IDNA, whichever way it is spelled, stays as near to what was written as ASCII allows; nothing raises.
    """
    host = host.lower()
    if not _PLAIN.fullmatch(host):
        if host.startswith("[") and host.endswith("]") and (address := _ipv6(host[1:-1])):
            return address
        host = _to_ascii(_unquoted(host).lower())
    host = host.strip(".")
    if _LAST_NUMBER.fullmatch(host) and (ipv4 := _ipv4(host)):
        return ipv4, "IP"
    return host, "DOMAIN"


def is_name(host: str) -> bool:
    """Whether a name could be looked up: no characters that hosts do not have, no empty label, not too long."""
    return len(host) <= _MAX_NAME and _LABELS.fullmatch(host) is not None


def group_of(host: str, kind: str) -> str:
    """What must not straddle training and validation: the registered domain, or the network of an address (/24, /48).

    Under suffixes where anyone may register (``github.io``), each name is its own.
    """
    if kind == "IP":
        return f"{host.rpartition('.')[0]}.0/24"
    if kind == "IPv6":
        return str(ipaddress.ip_network(f"{host}/48", strict=False))
    return registered_domain(host)


def registered_domain(host: str) -> str:
    """The name that somebody registered: one label more than the public suffix; a suffix itself stays as it is."""
    # Of two labels, whichever way the list has them, nothing can be left out.
    return _registered(host) if host.count(".") > 1 else host


@lru_cache(maxsize=1 << 16)
def _registered(host: str) -> str:
    return str(suffixes().privatesuffix(host) or host)


def public_suffix(host: str) -> str:
    """What names are registered under: ``co.uk``, ``github.io``; the last label where the list knows none."""
    return str(suffixes().publicsuffix(host) or "")


@cache
def suffixes() -> "PublicSuffixList":
    """The public suffix list that the installed package carries; nothing is fetched."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _unquoted(host: str) -> str:
    try:
        return unquote_to_bytes(host).decode() if "%" in host else host
    except UnicodeDecodeError:
        return host


def _to_ascii(host: str) -> str:
    labels = host.translate(_DOTS).split(".")
    return ".".join(_ODD.sub(_escaped, _label(label)) for label in labels)


def _label(label: str) -> str:
    if label.isascii():
        return label
    import idna

    try:
        # As browsers do: mapped by UTS 46, not transitional; without the strict rules that real names break.
        mapped = idna.uts46_remap(label, std3_rules=False, transitional=False)
    except idna.IDNAError:
        mapped = unicodedata.normalize("NFKC", label).lower()
    return mapped if mapped.isascii() else f"xn--{mapped.encode('punycode').decode('ascii')}"


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def _ipv6(text: str) -> tuple[str, str] | None:
    try:
        address = ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return None
    # Versions of Python write an IPv4 address inside an IPv6 one in different ways; it is the IPv4 host either way.
    return (str(address.ipv4_mapped), "IP") if address.ipv4_mapped else (str(address), "IPv6")


def _ipv4(host: str) -> str:
    """Dotted decimal of every spelling that browsers take for an address (WHATWG URL, IPv4 parser); empty if it is none.

    A single number without dots is left alone: in lists it is a name more often than an address.
    """
    parts = host.split(".")
    if not 1 < len(parts) <= _MAX_PARTS:
        return ""
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return ""
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):  # noqa: PLR2004  # bytes
        return ""
    value = last + sum(number << (8 * (3 - place)) for place, number in enumerate(first))
    return str(ipaddress.IPv4Address(value))


def _number(part: str) -> int:
    if not part.isascii() or not part[:1].isdigit():
        raise ValueError(part)
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if part.startswith("0") and part != "0" else int(part)
