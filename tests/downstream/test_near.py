"""Near duplicates against comparing every pair."""

import random

from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.plain import PlainText
from domainbert.downstream.near import THRESHOLD, nearest, string_length

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def mirror(text):
    return text.translate(COMPLEMENT)[::-1]


def strings(text, length):
    length = min(length, max(1, len(text)))
    return {text[at : at + length] for at in range(len(text) - length + 1)}


def share(one, other, length):
    a, b = strings(one, length), strings(other, length)
    return len(a & b) / len(a | b)


def mutated(rng, text, count):
    letters = list(text)
    for place in rng.sample(range(len(text)), count):
        letters[place] = rng.choice("ACGT")
    return "".join(letters)


def test_every_pair_above_the_threshold_is_found():
    rng = random.Random(0)
    left = ["".join(rng.choices("ACGT", k=rng.randint(80, 400))) for _ in range(150)]
    right = [mutated(rng, left[number], rng.randint(0, 6)) for number in range(0, 150, 2)]
    right += ["".join(rng.choices("ACGT", k=200)) for _ in range(20)]
    found = nearest(left, right, length=12)
    wanted = {}
    for number, text in enumerate(right):
        best = max(range(len(left)), key=lambda at, text=text: share(left[at], text, 12))
        if share(left[best], text, 12) >= THRESHOLD:
            wanted[number] = best
    assert len(wanted) > 20
    assert {number: pair[0] for number, pair in found.items()} == wanted
    assert all(abs(value - share(left[at], right[number], 12)) < 1e-12 for number, (at, value) in found.items())


def test_other_strands_and_short_texts():
    text = "ACGTTGCATTGACCATGATTACAGGCATTA"
    assert nearest([text], [mirror(text)], length=12, mirror=mirror) == {0: (0, 1.0)}
    assert nearest([text], [mirror(text)], length=12) == {}
    assert nearest(["abc", ""], ["abc", "xyz"], length=5) == {0: (0, 1.0)}


def test_string_length_follows_the_alphabet():
    assert string_length(DnaAdapter()) == 12
    assert string_length(PlainText()) == 5
