"""What counting reaches on the letters that a model has to predict: the opponents that stand beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Alphabet
from domainbert.evaluation.baselines import Codes, Counts, Score, count_tables, hidden_scores, visible_scores
from domainbert.evaluation.intrinsic import Window
from domainbert.evaluation.text_counts import MAX_ORDER, count_text


@dataclass(frozen=True, slots=True)
class CountScore:
    """How well one way of counting predicts.

    Args:
        name: ``"order 3"`` (three letters to the left) or ``"two-sided 4+4"``.
        bits: per scored letter.
        num_letters: letters scored.
        parts: bits of each part of the text that is reported apart.
    """

    name: str
    bits: float
    num_letters: int
    parts: Mapping[str, float] = field(default_factory=dict)


def letter_opponents(
    alphabet: Alphabet, train: Iterable[str], held_out: Sequence[str], windows: Sequence[Window], kinds: Sequence[str]
) -> tuple[list[CountScore], dict[str, list[CountScore]]]:
    """Scores with every neighbour visible, and by kind with the windows' letters hidden, for a domain of few letters."""
    counts = count_tables((_codes(text, alphabet) for text in train), num_letters=len(alphabet.letters))
    codes = [_codes(window.text, alphabet) for window in windows]
    hidden = {kind: _letter_scores(counts, codes, windows, kind) for kind in kinds}
    return _plain(visible_scores(counts, [_codes(text, alphabet) for text in held_out])), hidden


def _letter_scores(counts: Counts, codes: Sequence[Codes], windows: Sequence[Window], kind: str) -> list[CountScore]:
    """Scores of the windows' hidden letters, and of those of each part."""
    hidden = [window.hidden_letters(kind) for window in windows]
    parts: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(name for window in windows for name in window.parts):
        wanted = [window.parts.get(name, np.zeros(len(window.text), bool)) for window in windows]
        if any((mask & inside).any() for mask, inside in zip(hidden, wanted, strict=True)):
            parts[name] = {score.name: score.bits for score in hidden_scores(counts, codes, hidden, wanted=wanted)}
    scores = hidden_scores(counts, codes, hidden)
    return [CountScore(s.name, s.bits, s.num_letters, {name: bits[s.name] for name, bits in parts.items()}) for s in scores]


def text_opponents(train: Iterable[str], windows: Sequence[Window], kind: str) -> list[CountScore]:
    """Scores of the windows' hidden letters for text: each letter after everything to its left, hidden letters too."""
    counts, hidden = count_text(train), [window.hidden_letters(kind) for window in windows]
    bits = counts.bits([window.text for window in windows], hidden)
    parts = {name: _part(windows, hidden, name) for name in dict.fromkeys(name for window in windows for name in window.parts)}
    return [
        CountScore(
            f"order {order}",
            float(bits[order].mean()),
            bits.shape[1],
            {name: float(bits[order][inside].mean()) for name, inside in parts.items() if inside.any()},
        )
        for order in range(MAX_ORDER + 1)
    ]


def _part(windows: Sequence[Window], hidden: Sequence[NDArray[np.bool_]], name: str) -> NDArray[np.bool_]:
    """Whether each hidden letter lies in a part."""
    none: list[NDArray[np.bool_]] = [np.zeros(int(mask.sum()), bool) for mask in hidden]
    found = [window.parts[name][mask] if name in window.parts else no for window, mask, no in zip(windows, hidden, none, strict=True)]
    return np.concatenate(found)


def _plain(scores: Iterable[Score]) -> list[CountScore]:
    return [CountScore(score.name, score.bits, score.num_letters) for score in scores]


def _codes(text: str, alphabet: Alphabet) -> NDArray[np.uint8]:
    table = np.full(256, len(alphabet.letters), np.uint8)
    table[np.frombuffer(alphabet.letters.encode("ascii"), np.uint8)] = np.arange(len(alphabet.letters))
    return table[np.frombuffer(text.encode("ascii", "replace"), np.uint8)]
