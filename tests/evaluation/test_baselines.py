"""Count baselines against direct counting, and against the figures known for E. coli."""

import gzip
import itertools
import math
import re
from collections import Counter

import numpy as np
import pytest

from domainbert.errors import CorpusError
from domainbert.evaluation import baselines
from domainbert.evaluation.baselines import best_one_sided, best_two_sided, count_tables, hidden_scores, visible_scores

UNKNOWN_SHARE = 0.05


def sequences(rng, num_letters, lengths):
    """Random codes with some unknown letters and enough repetition that counts matter."""
    motif = rng.integers(0, num_letters, 9)
    made = []
    for length in lengths:
        codes = np.where(rng.random(length) < 0.6, np.resize(motif, length), rng.integers(0, num_letters, length))
        made.append(np.where(rng.random(length) < UNKNOWN_SHARE, num_letters, codes).astype(np.uint8))
    return made


def runs(train, num_letters):
    """Maximal stretches of known letters."""
    for codes in train:
        for known, group in itertools.groupby(codes.tolist(), key=lambda letter: letter < num_letters):
            if known:
                yield tuple(group)


class DirectCounts:
    """Counts of a letter between two visible runs, straight from the text."""

    def __init__(self, train, num_letters):
        self.runs = list(runs(train, num_letters))
        self.num_letters = num_letters
        self.patterns = {}

    def probabilities(self, before, left_gap, right_gap, after):
        """What add-half counting gives to each letter."""
        pattern = (len(before), left_gap, right_gap, len(after))
        if pattern not in self.patterns:
            self.patterns[pattern] = self._count(*pattern)
        found = np.array([self.patterns[pattern][before, letter, after] for letter in range(self.num_letters)]) + 0.5
        return found / found.sum()

    def _count(self, left, left_gap, right_gap, right):
        width = left + left_gap + 1 + right_gap + right
        target = left + left_gap
        return Counter(
            (run[at : at + left], run[at + target], run[at + target + 1 + right_gap : at + width])
            for run in self.runs
            for at in range(len(run) - width + 1)
        )


def direct_bits(direct, span, codes, visible, place, left, right):
    """Bits of one letter by the rules of the docstrings, one letter at a time."""

    def look(step, most):
        at, gap = place + step, 0
        while 0 <= at < len(codes) and not visible[at]:
            at, gap = at + step, gap + 1
        found = []
        while 0 <= at < len(codes) and visible[at] and len(found) < most and gap + 1 + len(found) + 1 <= span:
            found.append(int(codes[at]))
            at += step
        return (tuple(found[::step]) if step > 0 else tuple(reversed(found))), gap if found else 0

    before, left_gap = look(-1, left)
    after, right_gap = look(1, right)
    if len(before) + left_gap + 1 + right_gap + len(after) <= span:
        shares = direct.probabilities(before, left_gap, right_gap, after)
    else:
        shares = direct.probabilities(before, left_gap, 0, ()) * direct.probabilities((), 0, right_gap, after)
        shares = shares / direct.probabilities((), 0, 0, ())
        shares = shares / shares.sum()
    return -math.log2(shares[codes[place]])


def sides(name):
    numbers = [int(number) for number in re.findall(r"\d+", name)]
    return (numbers[0], 0) if name.startswith("order") else (numbers[0], numbers[1])


@pytest.mark.parametrize(("num_letters", "span"), [(4, 5), (3, 6), (2, 4)])
@pytest.mark.parametrize("batch", [7, 2**22])
def test_tables_hold_every_string_of_every_length(monkeypatch, num_letters, span, batch):
    monkeypatch.setattr(baselines, "BATCH", batch)
    train = sequences(np.random.default_rng(0), num_letters, [0, 1, 2, 3, 40, 200, 5, 33])
    counts = count_tables(iter(train), num_letters=num_letters, span=span)
    assert counts.tables[0].tolist() == [sum(map(len, runs(train, num_letters)))]
    for length in range(1, span + 1):
        direct = Counter(run[at : at + length] for run in runs(train, num_letters) for at in range(len(run) - length + 1))
        expected = [direct[string] for string in itertools.product(range(num_letters), repeat=length)]
        assert counts.tables[length].tolist() == expected


@pytest.mark.parametrize("batch", [50, 2**20])
def test_visible_scores_equal_direct_counting(monkeypatch, batch):
    monkeypatch.setattr(baselines, "SCORED_CELLS", 4 * batch)
    rng = np.random.default_rng(1)
    train, held_out = sequences(rng, 4, [300, 80, 7]), sequences(rng, 4, [120, 1, 30])
    scores = visible_scores(count_tables(train, num_letters=4, span=5), held_out)
    assert [score.name for score in scores] == [*(f"order {k}" for k in range(5)), "two-sided 1+1", "two-sided 2+2"]
    direct = DirectCounts(train, 4)
    for score in scores:
        bits = [
            direct_bits(direct, 5, codes, codes < 4, place, *sides(score.name)) for codes in held_out for place in np.flatnonzero(codes < 4)
        ]
        assert score.num_letters == len(bits)
        assert score.bits == pytest.approx(np.mean(bits), rel=1e-12)  # the same sums in float64, in another order


@pytest.mark.parametrize("batch", [50, 2**20])
def test_hidden_scores_equal_direct_counting(monkeypatch, batch):
    monkeypatch.setattr(baselines, "SCORED_CELLS", 4 * batch)
    rng = np.random.default_rng(2)
    train, windows = sequences(rng, 4, [400, 90]), sequences(rng, 4, [60, 41, 3, 60])
    hidden = [rng.random(codes.size) < 0.3 for codes in windows]
    hidden[1][12:24] = True  # a block longer than the span
    scores = hidden_scores(count_tables(train, num_letters=4, span=6), windows, hidden)
    assert [score.name for score in scores if score.name.startswith("two")] == [f"two-sided {k}+{k}" for k in range(1, 6)]
    direct = DirectCounts(train, 4)
    for score in scores:
        bits = [
            direct_bits(direct, 6, codes, ~mask & (codes < 4), place, *sides(score.name))
            for codes, mask in zip(windows, hidden, strict=True)
            for place in np.flatnonzero(mask & (codes < 4))
        ]
        assert score.num_letters == len(bits)
        assert score.bits == pytest.approx(np.mean(bits), rel=1e-12)


def test_hidden_letters_never_help_to_predict_each_other():
    rng = np.random.default_rng(3)
    counts = count_tables(sequences(rng, 4, [2000]), num_letters=4, span=7)
    window = rng.integers(0, 4, 30).astype(np.uint8)
    hidden = np.zeros(30, np.bool_)
    places = [10, 11, 15]  # two in a block, one near it
    hidden[places] = True

    def bits(letters):
        changed = window.copy()
        changed[places] = letters
        return np.array([3 * score.bits for score in hidden_scores(counts, [changed], [hidden])])

    base = bits((0, 0, 0))
    alone = np.array([[bits([letter if place == own else 0 for own in range(3)]) for letter in range(4)] for place in range(3)]) - base
    for letters in itertools.product(range(4), repeat=3):
        together = base + sum(alone[place, letter] for place, letter in enumerate(letters))
        np.testing.assert_allclose(bits(letters), together, rtol=1e-12)
    # and the probabilities of a letter's four values sum to 1: the common offset of each is the bits of letter 0
    offsets = np.log2((2.0**-alone).sum(axis=1)).sum(axis=0)
    np.testing.assert_allclose(offsets, base, rtol=1e-12)


def test_windows_do_not_see_each_other():
    rng = np.random.default_rng(4)
    counts = count_tables(sequences(rng, 4, [500]), num_letters=4, span=5)
    windows = sequences(rng, 4, [25, 31, 18])
    hidden = [rng.random(codes.size) < 0.3 for codes in windows]
    together = hidden_scores(counts, windows, hidden)
    apart = [hidden_scores(counts, [codes], [mask]) for codes, mask in zip(windows, hidden, strict=True)]
    for number, score in enumerate(together):
        total = sum(scores[number].bits * scores[number].num_letters for scores in apart)
        assert score.bits == pytest.approx(total / score.num_letters, rel=1e-12)


def test_large_alphabets_shorten_the_span():
    counts = count_tables([np.arange(20, dtype=np.uint8)] * 3, num_letters=20)
    assert counts.span == 5
    assert counts.tables[5].size == 20**5 <= baselines.MAX_ENTRIES
    assert counts.tables[5].sum() == 3 * 16


def test_nothing_to_score_is_an_error():
    counts = count_tables([np.zeros(9, np.uint8)], num_letters=4, span=3)
    with pytest.raises(CorpusError, match="no known letter"):
        visible_scores(counts, [np.full(9, 4, np.uint8)])


def test_best_scores_are_the_lowest_of_their_family():
    train = sequences(np.random.default_rng(5), 4, [4000])
    scores = visible_scores(count_tables(train, num_letters=4, span=7), sequences(np.random.default_rng(6), 4, [500]))
    one, two = best_one_sided(scores), best_two_sided(scores)
    assert one.bits == min(score.bits for score in scores if score.name.startswith("order"))
    assert two.bits == min(score.bits for score in scores if "+" in score.name)


@pytest.fixture(scope="module")
def coli(shared_data):
    """Codes of E. coli K-12: what is trained on in both readings, and the held-out last fifth."""
    path = shared_data / "dna" / "genomes" / "escherichia_coli" / "NC_000913.gbk.gz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    text = gzip.decompress(path.read_bytes())
    sequence = text[text.rindex(b"ORIGIN") + 6 :].translate(None, b" 0123456789\r\n/").upper()
    table = np.full(256, 4, np.uint8)
    table[np.frombuffer(b"ACGT", np.uint8)] = np.arange(4)
    codes = table[np.frombuffer(sequence, np.uint8)]
    assert codes.size == 4_641_652
    cut = codes.size - codes.size // 5
    train = codes[:cut]
    return count_tables([train, (3 - train)[::-1]], num_letters=4), codes[cut:]


def test_figures_of_e_coli(coli):
    counts, held_out = coli
    bits = {score.name: score.bits for score in visible_scores(counts, [held_out])}
    orders = {0: 2.000, 2: 1.964, 5: 1.937, 7: 1.931, 9: 1.973}  # counted by a program of its own, with the same smoothing
    pairs = {1: 1.954, 2: 1.906, 3: 1.867, 4: 1.849, 5: 1.957}
    known = {f"order {k}": value for k, value in orders.items()} | {f"two-sided {k}+{k}": value for k, value in pairs.items()}
    assert {name: round(bits[name], 3) for name in known} == known


def test_hidden_neighbours_make_e_coli_harder(coli):
    counts, held_out = coli
    windows = [held_out[at : at + 254] for at in range(0, 200_000, 254)]
    rng = np.random.default_rng(0)
    single = hidden_scores(counts, windows, [rng.random(254) < 0.15 for _ in windows])
    blocks = [np.append(np.repeat(rng.random(42) < 0.15, 6), [False, False]) for _ in windows]
    block = hidden_scores(counts, windows, blocks)
    visible = visible_scores(counts, [held_out[:200_000]])
    assert best_two_sided(visible).bits < best_two_sided(single).bits - 0.02
    assert best_two_sided(single).bits < best_two_sided(block).bits - 0.04
    assert best_two_sided(block).bits < best_one_sided(block).bits < 2.0


def test_hidden_scores_of_parts_add_up_to_the_whole():
    """Letters of either half, weighted by their number, give the figure of all; 1e-12 is rounding."""
    from domainbert.evaluation.baselines import count_tables, hidden_scores

    rng = np.random.default_rng(0)
    counts = count_tables([rng.integers(0, 20, 5000).astype(np.uint8)], num_letters=20)
    assert counts.span == 5  # 20**5 entries fit, 20**6 do not
    window, hidden = rng.integers(0, 20, 400).astype(np.uint8), rng.random(400) < 0.2
    left = np.arange(400) < 150
    whole = hidden_scores(counts, [window], [hidden])
    parts = [hidden_scores(counts, [window], [hidden], wanted=[half]) for half in (left, ~left)]
    for score, first, second in zip(whole, *parts, strict=True):
        total = first.bits * first.num_letters + second.bits * second.num_letters
        assert score.bits == pytest.approx(total / score.num_letters, rel=1e-12)
