"""How well a model predicts held-out text: bits per letter at fixed masks, comparable between tokenizers.

Letters are hidden in text, not in tokens, by a rule that depends on nothing but the text's place in the corpus: the same letters for
every model. Where a domain has an alphabet there are two figures: single letters (tokenizers of one letter a token) and aligned blocks
of letters hidden as a whole (every tokenizer). Text has one: whole units, such as words. A token that touches a hidden letter is masked,
and all its letters then count as hidden; blanks never count.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Alphabet
from domainbert.corpus.store import TokenStore
from domainbert.corruption.random_bits import key, uniform
from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.order import Ints
from domainbert.engine.packing import Batch, micro_batches, ranges
from domainbert.tokenization.spans import Vocabulary, token_spans

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MASK_RATE = 0.15
KIND = "kind"
"""The key of ``Record.meta`` under which a record's kind stands (its feed, its section): figures are given for each kind apart."""
_MANY_RECORDS = 200  # fewer may be so long that one of them is more than is asked for
_SEED = 20_15  # fixed for good: scores of different runs must hide the same letters
_BLANKS = np.array([ord(character) for character in map(chr, range(0x3001)) if character.isspace()], np.uint32)

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of held-out text and what is hidden of it.

    Args:
        text: canonical text of the window.
        ids: its tokens, without special ones.
        spans: start and end character of each token in ``text``.
        hidden: whether each token is masked, by kind (``"single"``, ``"block"``, ``"unit"``).
        parts: by name, which characters belong to a part that is reported apart.
    """

    text: str
    ids: Ints
    spans: Ints
    hidden: dict[str, Flags]
    parts: dict[str, Flags] = field(default_factory=dict)

    def hidden_letters(self, kind: str) -> Flags:
        """Whether each character of ``text`` is hidden and counts; blanks do not."""
        letters = np.zeros(len(self.text), bool)
        spans = self.spans[self.hidden[kind]]
        letters[ranges(spans[:, 0], spans[:, 1] - spans[:, 0])] = True
        return letters & ~np.isin(_characters(self.text), _BLANKS)


@dataclass(frozen=True, slots=True)
class Bits:
    """A model's score on one kind of hidden letters.

    Args:
        bits: per hidden letter.
        accuracy: share of masked tokens whose likeliest id is right.
        num_letters: hidden letters that were scored.
        parts: the same for each part of the text that is reported apart.
    """

    bits: float
    accuracy: float
    num_letters: int
    parts: "Mapping[str, Bits]" = field(default_factory=dict)


def held_out_windows(
    store: TokenStore,
    vocabulary: Vocabulary,
    adapter: Adapter,
    *,
    max_length: int,
    max_letters: int,
    tokenizer: "PreTrainedTokenizerFast | None" = None,
    letters: int = 0,
) -> list[Window]:
    """Windows of the store's validation records, spread evenly over them when they hold more than ``max_letters``.

    Of text, whole records are chosen, by their number alone: the same ones for every tokenizer and every ``max_length``,
    except that records which must stay whole and do not fit are left out.

    Args:
        store: of the run.
        vocabulary: of the tokenizer.
        adapter: whose units or letters are hidden.
        max_length: tokens of a window, special tokens included.
        max_letters: of all windows, about.
        tokenizer: reads the text anew; by default the store's tokens are taken.
        letters: of an alphabet, windows of so many letters, whatever their tokens: the same ones for every tokenizer.
    """
    if letters and adapter.alphabet is not None:
        return list(_lettered(_Reading(store, vocabulary, adapter, tokenizer or store.tokenizer), letters, max_letters))
    capacity = max_length - vocabulary.num_special
    records = store.indexes("validation")
    if adapter.alphabet is None and len(records) >= _MANY_RECORDS:
        records = records[:: max(1, -(-store.num_characters("validation") // max_letters))]
    reading = _Reading(store, vocabulary, adapter, tokenizer)
    if tokenizer is None:
        lengths = store.num_tokens(records)
    else:
        lengths = np.array([len(reading.tokens(int(index))[0]) for index in records], np.int64)
    if adapter.whole_records:
        records, lengths = records[lengths <= capacity], lengths[lengths <= capacity]
    counts = -(-lengths // capacity)
    record = np.repeat(records, counts)
    start = ranges(np.zeros_like(counts), counts) * capacity
    letters = store.num_bytes(records).sum()
    keep = max(1, min(len(record), math.floor(len(record) * max_letters / max(1, letters))))
    chosen = np.unique(np.linspace(0, len(record) - 1, keep).astype(np.int64)) if len(record) else np.empty(0, np.int64)
    windows: list[Window] = []
    source: _Source | None = None
    for number in chosen.tolist():
        index = int(record[number])
        if source is None or source.index != index:
            source = _Source(reading, index)
        windows.append(source.window(int(start[number]), capacity, number))
    return windows


def score(encoder: PackedEncoder, windows: Sequence[Window], vocabulary: Vocabulary, kind: str, *, micro_batch_tokens: int) -> Bits:
    """Bits per hidden letter of one kind.

    Args:
        encoder: the model; put into evaluation mode for the while.
        windows: held-out text.
        vocabulary: of the tokenizer that made the windows' ids.
        kind: ``"single"``, ``"block"`` or ``"unit"``.
        micro_batch_tokens: memory bound.
    """
    nats_S, hit_S = predictions(encoder, hidden_batch(windows, vocabulary, [window.hidden[kind] for window in windows]), micro_batch_tokens)
    letters_S, part_SP, names = tally(windows, kind)
    parts = {name: _bits(nats_S, hit_S, letters_S, part_SP[:, column]) for column, name in enumerate(names)}
    whole = _bits(nats_S, hit_S, letters_S, np.ones(len(nats_S), bool))
    return Bits(whole.bits, whole.accuracy, whole.num_letters, {name: bits for name, bits in parts.items() if bits.num_letters})


def _lettered(reading: "_Reading", letters: int, max_letters: int) -> Iterator[Window]:
    """Stretches of so many letters, spread evenly over the validation records."""
    assert reading.adapter.alphabet is not None and reading.tokenizer is not None  # of the caller
    records = reading.store.indexes("validation")
    counts = -(-reading.store.num_bytes(records) // letters)
    record, place = np.repeat(records, counts), ranges(np.zeros_like(counts), counts) * letters
    keep = max(1, min(len(record), max_letters // letters))
    chosen = np.unique(np.linspace(0, len(record) - 1, keep).astype(np.int64)) if len(record) else np.empty(0, np.int64)
    text, held = "", -1
    for number in chosen.tolist():
        if record[number] != held:
            held = int(record[number])
            text = reading.store.text(held)
        stretch = text[int(place[number]) : int(place[number]) + letters]
        encoded = reading.tokenizer.backend_tokenizer.encode(stretch, add_special_tokens=False)
        ids, spans = np.asarray(encoded.ids, np.int64), np.asarray(encoded.offsets, np.int64).reshape(-1, 2)
        target = reading.vocabulary.targets[ids]
        hidden = {
            kind: _touched(_hidden_blocks(stretch, reading.adapter.alphabet, kind, number), spans) & target
            for kind in kinds(reading.vocabulary, reading.adapter)
        }
        yield Window(stretch, ids, spans, hidden)


def kinds(vocabulary: Vocabulary, adapter: Adapter) -> tuple[str, ...]:
    """Which figures a tokenizer can give: single letters need tokens of one letter."""
    if adapter.alphabet is None:
        return ("unit",)
    has_single = int(vocabulary.widths[vocabulary.targets].max()) == 1
    if adapter.alphabet.block == 1:
        return ("single",) if has_single else ("block",)
    return ("single", "block") if has_single else ("block",)


@dataclass(frozen=True)
class _Reading:
    """How records become tokens: the store's own, or those of another tokenizer."""

    store: TokenStore
    vocabulary: Vocabulary
    adapter: Adapter
    tokenizer: "PreTrainedTokenizerFast | None"

    def tokens(self, index: int) -> tuple[Ints, Ints]:
        """Ids and spans of a record."""
        if self.tokenizer is not None:
            encoded = self.tokenizer.backend_tokenizer.encode(self.store.text(index), add_special_tokens=False)
            return np.asarray(encoded.ids, np.int64), np.asarray(encoded.offsets, np.int64).reshape(-1, 2)
        ids = np.asarray(self.store.tokens[int(self.store.offsets[index]) : int(self.store.offsets[index + 1])], np.int64)
        return ids, token_spans(self.store.tokenizer, self.store.text(index), ids, self.vocabulary)


class _Source:
    """One record, cut into windows."""

    def __init__(self, reading: _Reading, index: int) -> None:
        self.index, self.vocabulary, self.adapter = index, reading.vocabulary, reading.adapter
        store, adapter = reading.store, reading.adapter
        self.text = store.text(index)
        self.ids, self.spans = reading.tokens(index)
        self.parts = {name: _inside(spans, len(self.text)) for name, spans in (adapter.breakdown(self.text) or {}).items()}
        meta = dict(store.table["meta"][index].as_py() or ())
        if KIND in meta:
            self.parts[f"{KIND} {meta[KIND]}"] = np.ones(len(self.text), bool)
        self.units = None if adapter.alphabet else self._hidden_units()

    def window(self, start: int, capacity: int, number: int) -> Window:
        """The window that begins at a token. ``number``, among all windows, chooses what of an alphabet's letters is hidden."""
        ids, spans = self.ids[start : start + capacity], self.spans[start : start + capacity]
        first, last = int(spans[0, 0]), int(spans[-1, 1])
        text, own, target = self.text[first:last], spans - first, self.vocabulary.targets[ids]
        parts = {name: inside[first:last] for name, inside in self.parts.items()}
        if self.adapter.alphabet is None:
            assert self.units is not None
            return Window(text, ids, own, {"unit": _touched(self.units[first:last], own) & target}, parts)
        hidden = {
            kind: _touched(_hidden_blocks(text, self.adapter.alphabet, kind, number), own) & target
            for kind in kinds(self.vocabulary, self.adapter)
        }
        return Window(text, ids, own, hidden, parts)

    def _hidden_units(self) -> Flags:
        """Each unit of the record is hidden by its own number, whatever the windows."""
        spans = self.adapter.units(self.text, self.adapter.evaluation_unit)
        return _inside(spans[uniform(key(_SEED, self.index), np.arange(len(spans))) < MASK_RATE], len(self.text))


def _hidden_blocks(text: str, alphabet: Alphabet, kind: str, number: int) -> Flags:
    """Letters that are hidden; blocks that hold anything but letters stay visible."""
    size = 1 if kind == "single" else alphabet.block
    letter = np.isin(_characters(text), _characters(alphabet.letters))
    num_blocks = len(text) // size
    whole = letter[: num_blocks * size].reshape(num_blocks, size).all(1)
    hidden = np.zeros(len(text), bool)
    hidden[: num_blocks * size] = np.repeat(whole & (uniform(key(_SEED, size, number), np.arange(num_blocks)) < MASK_RATE), size)
    return hidden


def _touched(hidden: Flags, spans: Ints) -> Flags:
    """Tokens that hold a hidden letter."""
    before = np.concatenate(([0], np.cumsum(hidden)))
    touched: Flags = before[spans[:, 1]] > before[spans[:, 0]]
    return touched


def _inside(spans: Ints, length: int) -> Flags:
    """Characters that lie in one of the spans."""
    inside = np.zeros(length, bool)
    inside[ranges(spans[:, 0], spans[:, 1] - spans[:, 0])] = True
    return inside


def _characters(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def predictions(encoder: PackedEncoder, batch: Batch, micro_batch_tokens: int) -> tuple[NDArray[np.float64], Flags]:
    """Nats of each masked token, and whether it was guessed right, in the order of the batch."""
    was_training = encoder.model.training
    encoder.model.train(False)
    number_T = np.cumsum(batch.labels_T >= 0) - 1
    starts = np.cumsum(batch.length_N) - batch.length_N
    nats, hit = np.zeros(batch.num_selected), np.zeros(batch.num_selected, bool)
    with torch.inference_mode():
        for rows in micro_batches(batch, budget=micro_batch_tokens)[0]:
            part = batch.take(rows)
            if not part.num_selected:
                continue
            inputs = PackedInput.of(part).to(encoder.model.device)
            logits_SV = encoder.logits(inputs).float()
            place_S = ranges(starts[rows], batch.length_N[rows])[part.labels_T >= 0]
            nats[number_T[place_S]] = F.cross_entropy(logits_SV, inputs.labels_S, reduction="none").double().cpu().numpy()
            hit[number_T[place_S]] = (logits_SV.argmax(-1) == inputs.labels_S).cpu().numpy()
    encoder.model.train(was_training)
    return nats, hit


def tally(windows: Sequence[Window], kind: str) -> tuple[Ints, Flags, tuple[str, ...]]:
    """For each masked token the letters that it adds to those before it, and which parts (columns) it lies in by its first letter."""
    names = tuple(dict.fromkeys(name for window in windows for name in window.parts))
    letters, parts = [np.zeros(0, np.int64)], [np.zeros((0, len(names)), bool)]
    for window in windows:
        start, end = window.spans[window.hidden[kind]].T
        before = np.concatenate(([0], np.cumsum(window.hidden_letters(kind))))
        # Tokens of one letter's bytes share its span: the first of them adds the letter.
        new = np.minimum(np.maximum(start, np.concatenate(([0], end))[:-1]), end)
        letters.append(before[end] - before[new])
        first = np.minimum(np.searchsorted(before, before[start], side="right") - 1, end - 1)
        inside = np.zeros((len(start), len(names)), bool)
        for column, name in enumerate(names):
            if name in window.parts:
                inside[:, column] = window.parts[name][first]
        parts.append(inside)
    return np.concatenate(letters), np.concatenate(parts), names


def _bits(nats_S: NDArray[np.float64], hit_S: Flags, letters_S: Ints, chosen_S: Flags) -> Bits:
    num_letters = int(letters_S[chosen_S].sum())
    return Bits(
        float(nats_S[chosen_S].sum()) / math.log(2) / max(1, num_letters),
        float(hit_S[chosen_S].sum()) / max(1, int(chosen_S.sum())),
        num_letters,
    )


def hidden_batch(windows: Sequence[Window], vocabulary: Vocabulary, hidden: Sequence[Flags], asked: Sequence[Flags] | None = None) -> Batch:
    """Windows as the model reads them: what is hidden is masked, and what is asked for, all of it by default, has a label."""
    prefix, suffix = np.array(vocabulary.prefix, np.int64), np.array(vocabulary.suffix, np.int64)
    quiet_prefix, quiet_suffix = np.full(len(prefix), -100), np.full(len(suffix), -100)
    ids: list[Ints] = []
    labels: list[Ints] = []
    for window, masked, wanted in zip(windows, hidden, asked or hidden, strict=True):
        ids += [prefix, np.where(masked, vocabulary.mask_id, window.ids), suffix]
        labels += [quiet_prefix, np.where(wanted, window.ids, -100), quiet_suffix]
    length_N = np.array([len(window.ids) for window in windows], np.int64) + vocabulary.num_special
    return Batch(np.concatenate(ids), np.concatenate(labels), ranges(np.zeros_like(length_N), length_N), length_N)
