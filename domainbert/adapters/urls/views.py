"""Other spellings of a URL that mean the same."""

import re

import numpy as np

from domainbert.adapters.urls.canonical import split

# What RFC 3986 lets a path or a query hold plain, and many programs escape; never what separates parts.
_EITHER = {character: f"%{ord(character):02X}" for character in "!$'()*,;:@"}
_PLAIN = {escape: character for character, escape in _EITHER.items()}
_TOGGLED = re.compile(r"[!$'()*,;:@]|%(?:2[1478-9AC]|3[AB]|40)|\+|%20")
_SHARE = 0.5  # of the characters that may be spelled either way


def spelling(text: str, rng: np.random.Generator) -> str:
    """Optional escapes written or left out, blanks of the query as ``+`` or ``%20``; each by a coin."""
    parts = split(text)
    pieces, done = [], 0
    for span in (parts.path, parts.query, parts.fragment):
        if span:
            in_query = span == parts.query
            spelled = _TOGGLED.sub(lambda found, blank=in_query: _other(found[0], blank, rng), text[slice(*span)])  # type: ignore[misc]
            pieces += [text[done : span[0]], spelled]
            done = span[1]
    return "".join([*pieces, text[done:]])


def parameter_order(text: str, rng: np.random.Generator) -> str:
    """The parameters of the query in random order."""
    query = split(text).query
    if not query or "&" not in text[slice(*query)]:
        return text
    parameters = text[slice(*query)].split("&")
    order = rng.permutation(len(parameters)).tolist()
    return text[: query[0]] + "&".join(parameters[place] for place in order) + text[query[1] :]


def _other(found: str, in_query: bool, rng: np.random.Generator) -> str:
    if found in ("+", "%20"):
        return rng.choice(["+", "%20"]).item() if in_query else found
    return found if rng.random() < _SHARE else _EITHER.get(found) or _PLAIN[found]


VIEWS = {"spelling": spelling, "parameter_order": parameter_order}
