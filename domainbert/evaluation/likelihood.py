"""What a masked model says of whole texts: a bound on their code length, and pseudo-perplexity.

The bound is that of masked diffusion in the form of Ou et al. 2024 (arXiv 2406.03736, equation 3.8): of a text of L tokens a number k
of them, uniform in 1..L, is hidden at random, and L / k times what the hidden ones cost is on average no less than the text's code
length in any order. It is a bound for every model, tight only for one that was trained at all rates. Pseudo-perplexity (Salazar et al.
2020) hides one token at a time, with the later pieces of its word (Kauf and Ivanova 2023), which would give it away; it is no bound.
"""

# N windows, L target tokens of a window, S scored tokens

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.corruption.random_bits import key, uniform
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.order import Ints
from domainbert.evaluation.intrinsic import Flags, Window, hidden_batch, predictions, tally
from domainbert.tokenization.spans import Vocabulary

_SEED = 20_38  # fixed for good: every model meets the same draws
_SEQUENCES = 512  # whose batch is made at a time


@dataclass(frozen=True, slots=True)
class Bound:
    """Masked-diffusion bound.

    Args:
        bits: per letter; the code length is at most this on average over draws.
        standard_error: of that average.
        num_draws: of rates and positions, each on all windows.
        num_letters: of the windows.
        computed_tokens: that the model read for it.
    """

    bits: float
    standard_error: float
    num_draws: int
    num_letters: int
    computed_tokens: int


@dataclass(frozen=True, slots=True)
class Pseudo:
    """Pseudo-perplexity.

    Args:
        perplexity: per token, e to the mean cost; not comparable between tokenizers.
        bits: per letter; comparable, but no bound.
        num_scored: tokens that were hidden one at a time, spread evenly.
        num_tokens: that could have been.
        computed_tokens: that the model read for it.
        exact_tokens: that it would have to read for all.
    """

    perplexity: float
    bits: float
    num_scored: int
    num_tokens: int
    computed_tokens: int
    exact_tokens: int


def diffusion_bound(
    encoder: PackedEncoder, windows: Sequence[Window], vocabulary: Vocabulary, *, num_draws: int, micro_batch_tokens: int
) -> Bound:
    """Upper bound on the bits per letter of the windows' text.

    Rates are stratified: over all draws of a window each 1/``num_draws`` of the range is met once, and one draw meets all parts of it.
    """
    targets = [vocabulary.targets[window.ids] for window in windows]
    letters = int(tally(_all_hidden(windows, targets), "all")[0].sum())
    totals = []
    for draw in range(num_draws):
        hidden = [_drawn(target, number, draw, num_draws) for number, target in enumerate(targets)]
        nats_S, _ = predictions(encoder, hidden_batch(windows, vocabulary, hidden), micro_batch_tokens)
        weight_N = [target.sum() / max(1, masked.sum()) for target, masked in zip(targets, hidden, strict=True)]
        totals.append(float((nats_S * np.repeat(weight_N, [masked.sum() for masked in hidden])).sum()) / math.log(2) / letters)
    error = float(np.std(totals, ddof=1)) / math.sqrt(num_draws) if num_draws > 1 else math.nan
    tokens = num_draws * sum(len(window.ids) + vocabulary.num_special for window in windows)
    return Bound(float(np.mean(totals)), error, num_draws, letters, tokens)


def pseudo_perplexity(
    encoder: PackedEncoder, windows: Sequence[Window], vocabulary: Vocabulary, adapter: Adapter, *, num_scored: int, micro_batch_tokens: int
) -> Pseudo:
    """Cost of tokens that are hidden one at a time, of all or of ``num_scored`` spread evenly over the windows."""
    targets = [vocabulary.targets[window.ids] for window in windows]
    letters_S = tally(_all_hidden(windows, targets), "all")[0]
    place = [(number, token) for number, target in enumerate(targets) for token in np.flatnonzero(target).tolist()]
    chosen = np.unique(np.linspace(0, len(place) - 1, min(num_scored, len(place))).astype(np.int64))
    words = {number: _words(windows[number], adapter) for number in {place[each][0] for each in chosen.tolist()}}
    nats, tokens = [np.zeros(0)], 0
    for start in range(0, len(chosen), _SEQUENCES):
        rows = [place[each] for each in chosen[start : start + _SEQUENCES].tolist()]
        asked = [np.arange(len(windows[number].ids)) == token for number, token in rows]
        # A word's later pieces would give this one away.
        later = [(words[number] == words[number][token]) & (np.arange(len(words[number])) >= token) for number, token in rows]
        hidden = [one | (rest & targets[number]) for one, rest, (number, _) in zip(asked, later, rows, strict=True)]
        batch = hidden_batch([windows[number] for number, _ in rows], vocabulary, hidden, asked)
        nats.append(predictions(encoder, batch, micro_batch_tokens)[0])
        tokens += len(batch.input_ids_T)
    cost = np.concatenate(nats)
    exact = sum(int(target.sum()) * (len(target) + vocabulary.num_special) for target in targets)
    bits = float(cost.sum()) / math.log(2) / max(1, int(letters_S[chosen].sum()))
    return Pseudo(float(np.exp(cost.mean())), bits, len(chosen), len(place), tokens, exact)


def _drawn(target: Flags, number: int, draw: int, num_draws: int) -> Flags:
    """The tokens of a window that one draw hides."""
    places = np.flatnonzero(target)
    share = ((draw + number) % num_draws + uniform(key(_SEED, number, draw), 0)) / num_draws
    count = min(len(places), 1 + int(share * len(places)))
    hidden = np.zeros(len(target), bool)
    hidden[places[np.argsort(uniform(key(_SEED, number, draw, 1), places))[:count]]] = True
    return hidden


def _all_hidden(windows: Sequence[Window], targets: Sequence[Flags]) -> list[Window]:
    return [Window(window.text, window.ids, window.spans, {"all": target}) for window, target in zip(windows, targets, strict=True)]


def _words(window: Window, adapter: Adapter) -> Ints:
    """Number of the word that each token begins in; of an alphabet, and outside of words, its own."""
    own: NDArray[np.int64] = -1 - np.arange(len(window.ids))
    spans = adapter.units(window.text, adapter.evaluation_unit) if adapter.alphabet is None else np.zeros((0, 2), np.int64)
    if not len(spans):
        return own
    word = np.searchsorted(spans[:, 0], window.spans[:, 0], side="right") - 1
    inside = (word >= 0) & (window.spans[:, 0] < spans[np.maximum(word, 0), 1])
    return np.where(inside, word, own)
