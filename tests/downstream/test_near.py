"""Near duplicates against comparing every pair."""

import random

from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.plain import PlainText
from domainbert.downstream.near import THRESHOLD, clusters, nearest, string_length

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


def test_clusters_are_what_chains_of_near_duplicates_link():
    rng = random.Random(1)
    texts = ["".join(rng.choices("ACGT", k=300)) for _ in range(20)]
    for _ in range(60):
        copy = mutated(rng, rng.choice(texts), rng.randint(0, 3))
        texts.append(mirror(copy) if rng.random() < 0.5 else copy)
    linked = {number: {number} for number in range(len(texts))}
    for one in range(len(texts)):
        for other in range(one):
            near = max(share(texts[one], reading, 12) for reading in (texts[other], mirror(texts[other])))
            if near >= THRESHOLD and linked[one] is not linked[other]:
                linked[one] |= linked[other]
                for number in linked[other]:
                    linked[number] = linked[one]
    names = clusters(texts, length=12, mirror=mirror)
    assert {frozenset(at for at, name in enumerate(names) if name == wanted) for wanted in names} == set(map(frozenset, linked.values()))
    assert len(set(names)) < 60
