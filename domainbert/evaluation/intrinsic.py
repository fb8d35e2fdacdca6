"""How well a model predicts held-out text: bits per letter at fixed masks, comparable between tokenizers.

Letters are hidden in text, not in tokens, by a rule that depends on nothing but the window's number: the same letters for every
model with the same windows. Two figures: single letters (tokenizers of one letter a token) and aligned blocks of letters hidden
as a whole (every tokenizer). A token that touches a hidden letter is masked, and all its letters then count as hidden.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from domainbert.adapters.base import Alphabet
from domainbert.corpus.store import TokenStore
from domainbert.corruption.random_bits import key, uniform
from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.order import Ints
from domainbert.engine.packing import Batch, micro_batches, ranges
from domainbert.tokenization.spans import Vocabulary, token_spans

MASK_RATE = 0.15
_SEED = 20_15  # fixed for good: scores of different runs must hide the same letters


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of held-out text and what is hidden of it.

    Args:
        text: canonical text of the window.
        ids: its tokens, without special ones.
        spans: start and end character of each token in ``text``.
        hidden: whether each token is masked, by kind (``"single"``, ``"block"``).
    """

    text: str
    ids: Ints
    spans: Ints
    hidden: dict[str, NDArray[np.bool_]]

    def hidden_letters(self, kind: str) -> NDArray[np.bool_]:
        """Whether each character of ``text`` is hidden."""
        letters = np.zeros(len(self.text), bool)
        spans = self.spans[self.hidden[kind]]
        letters[ranges(spans[:, 0], spans[:, 1] - spans[:, 0])] = True
        return letters


@dataclass(frozen=True, slots=True)
class Bits:
    """A model's score on one kind of hidden letters.

    Args:
        bits: per hidden letter.
        accuracy: share of masked tokens whose likeliest id is right.
        num_letters: hidden letters that were scored.
    """

    bits: float
    accuracy: float
    num_letters: int


def held_out_windows(
    store: TokenStore, vocabulary: Vocabulary, alphabet: Alphabet, *, max_length: int, max_letters: int
) -> list[Window]:
    """Windows of the store's validation records, spread evenly over them when they hold more than ``max_letters``."""
    capacity = max_length - vocabulary.num_special
    records = store.indexes("validation")
    lengths = store.num_tokens(records)
    counts = -(-lengths // capacity)
    record = np.repeat(records, counts)
    start = ranges(np.zeros_like(counts), counts) * capacity
    letters = store.num_bytes(records).sum()
    keep = max(1, min(len(record), math.floor(len(record) * max_letters / max(1, letters))))
    chosen = np.unique(np.linspace(0, len(record) - 1, keep).astype(np.int64)) if len(record) else np.empty(0, np.int64)
    spans: dict[int, Ints] = {}
    windows = []
    for number in chosen.tolist():
        index = int(record[number])
        if index not in spans:
            spans = {index: _record_spans(store, index, vocabulary)}
        windows.append(_window(store, spans[index], index, int(start[number]), capacity, vocabulary, alphabet, number))
    return windows


def score(
    encoder: PackedEncoder, windows: Sequence[Window], vocabulary: Vocabulary, kind: str, *, micro_batch_tokens: int
) -> Bits:
    """Bits per hidden letter of one kind.

    Args:
        encoder: the model; put into evaluation mode for the while.
        windows: held-out text.
        vocabulary: of the tokenizer that made the windows' ids.
        kind: ``"single"`` or ``"block"``.
        micro_batch_tokens: memory bound.
    """
    batch = _masked(windows, vocabulary, kind)
    was_training = encoder.model.training
    encoder.model.train(False)
    nats, hits = 0.0, 0
    with torch.inference_mode():
        for rows in micro_batches(batch, budget=micro_batch_tokens)[0]:
            inputs = PackedInput.of(batch.take(rows)).to(encoder.model.device)
            logits_SV = encoder.logits(inputs).float()
            nats += float(F.cross_entropy(logits_SV, inputs.labels_S, reduction="sum"))
            hits += int((logits_SV.argmax(-1) == inputs.labels_S).sum())
    encoder.model.train(was_training)
    num_letters = int(sum(window.hidden_letters(kind).sum() for window in windows))
    return Bits(nats / math.log(2) / max(1, num_letters), hits / max(1, batch.num_selected), num_letters)


def kinds(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Which figures a tokenizer can give: single letters need tokens of one letter."""
    return ("single", "block") if int(vocabulary.widths[vocabulary.targets].max()) == 1 else ("block",)


def _record_spans(store: TokenStore, index: int, vocabulary: Vocabulary) -> Ints:
    begin, end = int(store.offsets[index]), int(store.offsets[index + 1])
    return token_spans(store.tokenizer, store.text(index), np.asarray(store.tokens[begin:end], np.int64), vocabulary)


def _window(
    store: TokenStore, spans: Ints, index: int, start: int, capacity: int, vocabulary: Vocabulary, alphabet: Alphabet, number: int
) -> Window:
    begin = int(store.offsets[index]) + start
    ids = np.asarray(store.tokens[begin : min(begin + capacity, int(store.offsets[index + 1]))], np.int64)
    own = spans[start : start + len(ids)]
    text = store.text(index)[int(own[0, 0]) : int(own[-1, 1])]
    own = own - own[0, 0]
    hidden = {kind: _hide(text, own, vocabulary.targets[ids], alphabet, kind, number) for kind in kinds(vocabulary)}
    return Window(text, ids, own, hidden)


def _hide(text: str, spans: Ints, target: NDArray[np.bool_], alphabet: Alphabet, kind: str, number: int) -> NDArray[np.bool_]:
    """Tokens that touch a hidden letter; blocks that hold anything but letters stay visible."""
    size = 1 if kind == "single" else alphabet.block
    characters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    letter = np.isin(characters, np.frombuffer(alphabet.letters.encode("utf-32-le"), np.uint32))
    num_blocks = len(text) // size
    whole = letter[: num_blocks * size].reshape(num_blocks, size).all(1)
    block = whole & (uniform(key(_SEED, size, number), np.arange(num_blocks)) < MASK_RATE)
    hidden = np.zeros(len(text) + 1, np.int64)
    hidden[1 : num_blocks * size + 1] = np.repeat(block, size)
    before = np.cumsum(hidden)
    touched: NDArray[np.bool_] = (before[spans[:, 1]] > before[spans[:, 0]]) & target
    return touched


def _masked(windows: Sequence[Window], vocabulary: Vocabulary, kind: str) -> Batch:
    prefix, suffix = np.array(vocabulary.prefix, np.int64), np.array(vocabulary.suffix, np.int64)
    quiet_prefix, quiet_suffix = np.full(len(prefix), -100), np.full(len(suffix), -100)
    ids: list[Ints] = []
    labels: list[Ints] = []
    for window in windows:
        hidden = window.hidden[kind]
        ids += [prefix, np.where(hidden, vocabulary.mask_id, window.ids), suffix]
        labels += [quiet_prefix, np.where(hidden, window.ids, -100), quiet_suffix]
    length_N = np.array([len(window.ids) for window in windows], np.int64) + vocabulary.num_special
    return Batch(np.concatenate(ids), np.concatenate(labels), ranges(np.zeros_like(length_N), length_N), length_N)
