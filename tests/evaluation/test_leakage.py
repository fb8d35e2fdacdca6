"""The share of held-out letters in repeats, against comparing strings one by one."""

import random

import pytest

from domainbert.evaluation import leakage
from domainbert.evaluation.leakage import repeat_share

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def mirror(text):
    return text.translate(COMPLEMENT)[::-1]


def direct_share(train, held_out, length, *, both):
    strings = {
        reading[at : at + length] for text in train for reading in ((text, mirror(text)) if both else (text,)) for at in range(len(text))
    }
    repeated = 0
    for text in held_out:
        begins = [at for at in range(len(text) - length + 1) if text[at : at + length] in strings]
        repeated += len({place for at in begins for place in range(at, at + length)})
    return repeated / sum(map(len, held_out))


def texts(rng, lengths, letters="ACGTN"):
    return ["".join(rng.choices(letters, k=length)) for length in lengths]


@pytest.mark.parametrize("length", [1, 2, 5, 6, 9])
@pytest.mark.parametrize("chunk", [16, 2**18])
def test_share_equals_comparing_strings(monkeypatch, length, chunk):
    monkeypatch.setattr(leakage, "CHUNK", chunk)
    rng = random.Random(length)
    train, held_out = texts(rng, [150, 3, 0, 90]), texts(rng, [70, 4, 0, 40])
    seen = repeat_share(iter(train), held_out, length=length, mirror=mirror)
    assert seen == pytest.approx(direct_share(train, held_out, length, both=True))
    assert repeat_share(train, held_out, length=length) == pytest.approx(direct_share(train, held_out, length, both=False))


def test_reverse_complements_count_as_seen():
    rng = random.Random(0)
    (repeat,) = texts(rng, [50], "ACGT")
    train = texts(rng, [500], "ACGT")[0] + repeat
    held_out = texts(rng, [400], "ACGT")[0] + mirror(repeat) + texts(rng, [50], "ACGT")[0]
    assert repeat_share([train], [held_out], mirror=mirror) == pytest.approx(50 / 500, abs=4 / 500)  # neighbours may agree by chance
    assert repeat_share([train], [held_out]) == 0.0


def test_texts_shorter_than_the_length_are_never_repeats():
    assert repeat_share(["ACGT" * 10], ["ACGT"], length=31, mirror=mirror) == 0.0
    assert repeat_share([], ["ACGT" * 20], length=31, mirror=mirror) == 0.0
    assert repeat_share(["ACGT" * 20], [], length=31) == 0.0


def test_any_letters_can_be_compared():
    sentence = "Les élèves œuvrent à Zürich, près du lac gelé."
    assert repeat_share([f"x{sentence}y"], [sentence + "!" * 40], length=31) == pytest.approx(len(sentence) / (len(sentence) + 40))


def test_hashes_differ_where_strings_differ():
    """All 4**8 strings of eight bases have different hashes, so a false match is not a matter of the letters' small range."""
    letters = "ACGT"
    strings = [f"{letters[n >> 6 & 3]}{letters[n >> 4 & 3]}{letters[n >> 2 & 3]}{letters[n & 3]}" for n in range(256)]
    hashes = {int(value[0]) for a in strings for b in strings for value in leakage.string_hashes(a + b, 8)}
    assert len(hashes) == 4**8
