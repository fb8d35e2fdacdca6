"""Held-out figures of text: whole words hidden whatever the tokenizer, parts apart, and counts that are a probability."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter, Record, word_spans
from domainbert.corpus.build import build_store
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.model import build_model
from domainbert.evaluation.held_out import HeldOut, evaluation
from domainbert.evaluation.intrinsic import MASK_RATE, held_out_windows, kinds, score
from domainbert.evaluation.report import render
from domainbert.evaluation.text_counts import MAX_ORDER, UNSEEN_LETTERS, count_text
from domainbert.recipe.schema import Corpus, Model, Scratch
from domainbert.tokenization.spans import read_vocabulary

WORDS = ("gène", "protéine", "of", "the", "βcatenin", "cell", "12", "🧬", "mutation")


@dataclass(frozen=True)
class Options:
    pass


class Text(Adapter):
    """Numbered sentences, tokenized into letters or into pieces of two."""

    name, summary, canonical_version, Options = "text", "text", "text-1", Options
    tokenizer_kinds: ClassVar = {}

    def records(self, source, *, drops=None):
        rng = np.random.default_rng(3)
        for number in range(400):
            text = " ".join(rng.choice(WORDS, 12)) + "."
            yield Record(f"r{number}", text, f"g{number}", {"kind": "even" if number % 2 == 0 else "odd"})

    def files(self, source):
        return []

    def canonicalize(self, text):
        return text

    def tokenizer(self, kind, options, records, *, model_max_length):
        width = int(kind)
        pattern = (
            pre_tokenizers.Split(Regex("[ .]"), "isolated"),
            pre_tokenizers.Split(Regex(f"[^ ]{{1,{width}}}"), "isolated"),
        )
        pieces = {word[at : at + width] for word in WORDS for at in range(0, len(word), width)}
        vocabulary = {token: number for number, token in enumerate(["[PAD]", "[MASK]", "[UNK]", " ", *sorted(pieces), "."])}
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(list(pattern))
        tokenizer.decoder = decoders.Fuse()
        return PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="[PAD]", mask_token="[MASK]", unk_token="[UNK]", model_max_length=model_max_length
        )

    def is_target(self, token):
        return token != " "

    def sample(self):
        return iter(())

    def probes(self):
        return ("of the cell",)

    def breakdown(self, text):
        spans = word_spans(text)
        digits = np.array([text[start].isdigit() for start, _ in spans])
        return {"numbers": spans[digits], "others": spans[~digits]}


@pytest.fixture
def store_of(tmp_path):
    def build(kind):
        adapter = Text()
        return build_store(
            adapter, Corpus(sources=("all",), validation_fraction=0.4), tmp_path / kind,
            make_tokenizer=lambda records: adapter.tokenizer(kind, None, records, model_max_length=64), seed=0,
        )  # fmt: skip

    return build


def windows_of(store, max_length=64):
    vocabulary = read_vocabulary(store.tokenizer, Text())
    assert kinds(vocabulary, Text()) == ("unit",)
    return held_out_windows(store, vocabulary, Text(), max_length=max_length, max_letters=10**9), vocabulary


def hidden_letters(windows):
    return ["".join(c if h else "~" for c, h in zip(w.text, w.hidden_letters("unit"), strict=True)) for w in windows]


def test_the_same_words_are_hidden_whatever_the_tokenizer_and_the_window(store_of):
    texts = {}
    for kind, max_length in (("1", 200), ("2", 200), ("1", 40)):
        store = store_of(kind) if (kind, 200) not in texts else texts[kind, 200][0]
        windows, _ = windows_of(store, max_length)
        texts[kind, max_length] = store, "".join(hidden_letters(windows)), "".join(window.text for window in windows)
    assert len({(hidden, text) for _, hidden, text in texts.values()}) == 1
    _, hidden, text = texts["1", 200]
    words = Counter("hidden" if set(hidden[start:end]) == set(text[start:end]) else hidden[start:end] for start, end in word_spans(text))
    share = words.pop("hidden") / (sum(words.values()) + words["hidden"] + 1)
    assert set("".join(words)) == {"~"}  # no word is hidden in part
    assert share == pytest.approx(MASK_RATE / (1 - MASK_RATE), abs=0.04)


@pytest.mark.parametrize("kind", ["1", "2"])
def test_bits_and_parts_against_the_library_one_window_at_a_time(kind, store_of):
    store = store_of(kind)
    windows, vocabulary = windows_of(store)
    shape = Scratch("bert", 32, 2, 2, config={"initializer_range": 0.3})
    model, *_ = build_model(Model(scratch=shape), vocabulary, max_length=64, seed=0)
    plain = build_model(Model(scratch=shape), vocabulary, max_length=64, seed=0)[0].eval()
    nats, letters = Counter(), Counter()
    for window in windows:
        hidden = window.hidden["unit"]
        ids = torch.from_numpy(np.where(hidden, vocabulary.mask_id, window.ids))[None]
        with torch.no_grad():
            logits = plain(input_ids=ids).logits[0].log_softmax(-1)
        for place in np.flatnonzero(hidden):
            start, end = window.spans[place]
            part = "numbers" if window.text[start].isdigit() else "others"
            for name in ("all", part, *(name for name in window.parts if name.startswith("kind"))):
                nats[name] -= float(logits[place, window.ids[place]])
                letters[name] += int(end - start)
    seen = score(PackedEncoder(model), windows, vocabulary, "unit", micro_batch_tokens=500)
    assert set(seen.parts) == {"numbers", "others", "kind even", "kind odd"}
    for name, bits in {"all": seen, **seen.parts}.items():
        assert bits.num_letters == letters[name]
        assert bits.bits == pytest.approx(nats[name] / math.log(2) / letters[name], rel=1e-5)


def test_the_evaluation_of_text_is_shown_with_its_parts(store_of):
    store = store_of("1")
    vocabulary = read_vocabulary(store.tokenizer, Text())
    model, *_ = build_model(Model(scratch=Scratch("bert", 32, 2, 2)), vocabulary, max_length=64, seed=0)
    held_out = HeldOut([store], Text(), vocabulary, max_length=64, micro_batch_tokens=4096)
    assert held_out.num_letters() == sum(len(store.text(int(index))) for index in store.indexes("validation"))
    encoder = PackedEncoder(model)
    result = evaluation(held_out, held_out.rough(encoder), held_out.full(encoder), base="scratch", seed=0)
    counts = result["baselines"]["same_letters_hidden"]["unit"]
    assert [score["name"] for score in counts] == [f"order {order}" for order in range(MAX_ORDER + 1)]
    assert {score["num_letters"] for score in counts} == {result["after"]["unit"]["num_letters"]}
    assert counts[3]["bits"] < counts[0]["bits"] < result["after"]["unit"]["bits"]  # the model is untrained
    shown = render(result)
    assert "whole words hidden" in shown and "order 3 counts" in shown
    assert {line.split("  ")[1] for line in shown.splitlines() if line.startswith("  ")} >= {"numbers", "others", "kind even", "kind odd"}


def test_counts_are_a_probability_over_all_letters():
    counts = count_text(["abracadabra", "cadabré", "", "🧬"])
    letters = [*map(chr, counts.letters.tolist())]
    for before in ("", "abra", "zzz", "cadabr"):
        texts = [before + letter for letter in [*letters, "\u4e00"]]
        bits = counts.bits(texts, [np.arange(len(text)) == len(before) for text in texts])
        shares = 2.0**-bits
        assert (shares[:, :-1].sum(1) + UNSEEN_LETTERS * shares[:, -1]).tolist() == pytest.approx([1.0] * (MAX_ORDER + 1))


def test_counts_of_the_first_orders_by_hand():
    counts = count_text(["aab", "ac"])
    bits = counts.bits(["ab"], [np.array([False, True])])[:, 0]
    order0 = (1 + 0.5) / (5 + 4 / 2)
    order1 = (1 + 3 * order0) / (3 + 3)  # a is followed by a, b, c, once each
    order2 = (0 + 2 * order1) / (2 + 2)  # "^a" by a and c
    assert (2.0 ** -bits[:3]).tolist() == pytest.approx([order0, order1, order2])
    assert np.diff(2.0 ** -bits[2:]).max() < 0


def test_counts_do_not_reach_across_texts():
    counts = count_text(["x", "y"] * 50)
    apart, joined = (counts.bits(texts, [np.arange(len(text)) == len(text) - 1 for text in texts]) for texts in (["y"], ["xy"]))
    assert apart[2, 0] < joined[2, 0]
