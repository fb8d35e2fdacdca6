"""Count baselines for text: character n-grams with back-off, for alphabets too large for tables.

A letter's probability after its last n letters is interpolated with the shorter contexts by the rule of Witten and Bell 1991 (IEEE Trans.
Inf. Theory 37, 1085-1094, method C): a context that was followed by T different letters in N places gives T / (N + T) of its
probability to the next shorter one. The shortest is the frequency of letters by the add-half rule; letters that training never held
share one entry of it evenly, as if there were ``UNSEEN_LETTERS`` of them.

Contexts reach over everything to the left, the hidden letters too: what a model has to guess around it, the counts may read.
"""

# L letters of a text, H letters to score

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_ORDER = 6
MAX_LETTERS = 1 << 23  # of training text that is counted: about 1.5 GB while they are sorted
UNSEEN_LETTERS = 1 << 12
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, 2**64 / golden ratio
_START = 0x110000  # stands before every text; no code point

Hashes = NDArray[np.uint64]
Codes = NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class TextCounts:
    """How often letters follow contexts of 0 to ``MAX_ORDER`` letters.

    Args:
        letters: the code points that training text holds, ascending.
        frequencies: how often each occurs.
        orders: for each order from 1 on, its tables.
    """

    letters: Codes
    frequencies: NDArray[np.int64]
    orders: "tuple[_Order, ...]"

    def bits(self, texts: Sequence[str], wanted: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
        """Bits of some letters of some texts, by order.

        Args:
            texts: each read by itself.
            wanted: for each text, which of its letters to score.

        Returns:
            ``(MAX_ORDER + 1, H)``, letters in the order of the texts.
        """
        codes_L, letter_L = _laid_out([code_points(text) for text in texts])
        places_H = np.flatnonzero(letter_L)[np.concatenate([np.zeros(0, np.bool_), *wanted])]
        codes_H = codes_L[places_H]
        probability_H = self._unconditional(codes_H)
        bits = [-np.log2(probability_H)]
        for order, contexts_L in zip(self.orders, _contexts(codes_L), strict=True):
            probability_H = order.refine(probability_H, contexts_L[places_H], codes_H)
            bits.append(-np.log2(probability_H))
        return np.stack(bits)

    def _unconditional(self, codes_H: Codes) -> NDArray[np.float64]:
        size = len(self.letters) + 1
        total = self.frequencies.sum() + size / 2
        place_H = np.minimum(np.searchsorted(self.letters, codes_H), len(self.letters) - 1)
        known = self.letters[place_H] == codes_H
        found: NDArray[np.float64] = np.where(known, self.frequencies[place_H] + 0.5, 0.5 / UNSEEN_LETTERS) / total
        return found


@dataclass(frozen=True, eq=False)
class _Order:
    """Contexts of one length: how often each occurs, how many letters follow it, and how often each of them does."""

    contexts: Hashes
    num_places: NDArray[np.int64]
    num_followers: NDArray[np.int64]
    strings: Hashes
    counts: NDArray[np.int64]

    def refine(self, shorter_H: NDArray[np.float64], contexts_H: Hashes, codes_H: Codes) -> NDArray[np.float64]:
        """Probabilities with this context, from those with the next shorter one."""
        places = _looked_up(self.contexts, self.num_places, contexts_H)
        followers = _looked_up(self.contexts, self.num_followers, contexts_H)
        count = _looked_up(self.strings, self.counts, _joined(contexts_H, codes_H))
        with np.errstate(invalid="ignore"):
            refined: NDArray[np.float64] = (count + followers * shorter_H) / (places + followers)
        return np.where(places > 0, refined, shorter_H)


def count_text(train: Iterable[str]) -> TextCounts:
    """Count contexts and letters of training texts; strings do not run from one text into another.

    Args:
        train: canonical text, at least one letter; what lies beyond ``MAX_LETTERS`` is not counted.
    """
    codes_L, letter_L = _laid_out(_collect(train))
    letters, frequencies = np.unique(codes_L[letter_L], return_counts=True)
    orders = tuple(_count_order(contexts_L[letter_L], codes_L[letter_L]) for contexts_L in _contexts(codes_L))
    return TextCounts(letters, frequencies, orders)


def code_points(text: str) -> Codes:
    """The letters of a text as numbers."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _collect(train: Iterable[str]) -> list[Codes]:
    """Texts as code points, up to ``MAX_LETTERS``."""
    collected, size = [], 0
    for text in train:
        collected.append(code_points(text[: MAX_LETTERS - size]))
        size += len(collected[-1])
        if size >= MAX_LETTERS:
            break
    return collected


def _laid_out(texts: Sequence[Codes]) -> tuple[Codes, NDArray[np.bool_]]:
    """Texts end to end with so many starts before each that no context reaches across, and which places are letters."""
    size = sum(map(len, texts)) + MAX_ORDER * len(texts)
    codes, letter, place = np.full(size, _START, np.uint32), np.zeros(size, np.bool_), 0
    for text in texts:
        place += MAX_ORDER
        codes[place : place + len(text)], letter[place : place + len(text)] = text, True
        place += len(text)
    return codes, letter


def _contexts(codes_L: Codes) -> Iterator[Hashes]:
    """For each order from 1 on, a hash of the letters before each place."""
    size = len(codes_L)
    padded = np.concatenate([np.full(MAX_ORDER, _START, np.uint64), codes_L.astype(np.uint64)])
    contexts = np.zeros(size, np.uint64)
    for order in range(1, MAX_ORDER + 1):
        contexts = _mixed(contexts * _MULTIPLIER + padded[MAX_ORDER - order : MAX_ORDER - order + size] + np.uint64(order))
        yield contexts


def _joined(contexts: Hashes, codes: Codes) -> Hashes:
    return _mixed(contexts ^ (codes.astype(np.uint64) * _MULTIPLIER))


def _mixed(values: Hashes) -> Hashes:
    """Spread the bits: the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _count_order(contexts_L: Hashes, codes_L: Codes) -> _Order:
    strings, first, counts = np.unique(_joined(contexts_L, codes_L), return_index=True, return_counts=True)
    contexts, places = np.unique(contexts_L, return_counts=True)
    owner = np.searchsorted(contexts, contexts_L[first])
    return _Order(contexts, places, np.bincount(owner, minlength=len(contexts)), strings, counts)


def _looked_up(keys: Hashes, values: NDArray[np.int64], wanted: Hashes) -> NDArray[np.int64]:
    """The value of each key; 0 where there is none."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
