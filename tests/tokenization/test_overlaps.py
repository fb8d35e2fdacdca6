"""Which tokens of two tokenizations share characters, against a count of every character."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.tokenization.overlaps import overlaps


@st.composite
def tokenization(draw: st.DrawFn, length: int) -> np.ndarray:
    """Tokens of a text of ``length`` characters: gaps between them, tokens without characters, several for one character."""
    spans, place = [], 0
    while place < length:
        place += draw(st.integers(0, 2))
        end = min(length, place + draw(st.integers(0, 4)))
        spans += [(min(place, end), end)] * draw(st.integers(1, 3 if end - place == 1 else 1))
        place = max(end, place)
        if draw(st.booleans()):
            place += 1
    return np.array(spans, np.int64).reshape(-1, 2)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_pairs_are_those_that_share_characters(data: st.DataObject) -> None:
    length = data.draw(st.integers(0, 25))
    spans, others = data.draw(tokenization(length)), data.draw(tokenization(length))
    wanted = {
        (i, j): shared
        for i, (a, b) in enumerate(spans.tolist())
        for j, (c, d) in enumerate(others.tolist())
        if (shared := len(set(range(a, b)) & set(range(c, d))))
    }
    token, other, characters = (part.tolist() for part in overlaps(spans, others))
    assert dict(zip(zip(token, other, strict=True), characters, strict=True)) == wanted
    assert token == sorted(token)
