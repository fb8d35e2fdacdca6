"""Held-out scores: the same letters for every tokenizer, right to the last digit, never a hidden letter in sight."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from domainbert.adapters.registry import load_adapter
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.model import build_model
from domainbert.evaluation.intrinsic import MASK_RATE, held_out_windows, kinds, score
from domainbert.recipe.schema import Corpus, Model, Scratch
from domainbert.tokenization.spans import Vocabulary, read_vocabulary

ADAPTER = load_adapter("dna")
KINDS = {"character": {}, "kmer": {"k": 6}, "bpe": {"vocabulary_size": 60}}


def store_of(kind: str, folder: Path) -> TokenStore:
    rng = np.random.default_rng(0)
    genome = "".join(rng.choice(list("ACGT"), 30_000))
    genome = genome[:29_000] + "NNN" + genome[29_003:]
    source = folder / "genome.fa"
    source.write_text(f">one\n{genome}\n")
    options = type(ADAPTER).tokenizer_kinds[kind](**KINDS[kind])
    return build_store(
        ADAPTER, Corpus(sources=(str(source),), validation_fraction=0.3), folder / "store",
        make_tokenizer=lambda records: ADAPTER.tokenizer(kind, options, records, model_max_length=64), seed=0,
    )  # fmt: skip


def windows_of(store: TokenStore, vocabulary: Vocabulary, *, max_letters: int = 10**9, max_length: int = 64) -> list:
    return held_out_windows(store, vocabulary, ADAPTER, max_length=max_length, max_letters=max_letters)


@pytest.mark.parametrize("kind", list(KINDS))
def test_windows_cover_held_out_text_once(kind: str, tmp_path: Path) -> None:
    store = store_of(kind, tmp_path)
    windows = windows_of(store, read_vocabulary(store.tokenizer, ADAPTER))
    assert "".join(window.text for window in windows) == "".join(store.text(int(i)) for i in store.indexes("validation"))
    for window in windows:
        assert store.tokenizer.convert_tokens_to_string(store.tokenizer.convert_ids_to_tokens(window.ids.tolist())) == window.text


@pytest.mark.parametrize("kind", list(KINDS))
def test_blocks_are_hidden_whole_and_nothing_unknown_is(kind: str, tmp_path: Path) -> None:
    store = store_of(kind, tmp_path)
    vocabulary = read_vocabulary(store.tokenizer, ADAPTER)
    assert kinds(vocabulary, ADAPTER) == (("single", "block") if kind == "character" else ("block",))
    windows = windows_of(store, vocabulary)
    hidden = [(window.text, window.hidden_letters("block")) for window in windows]
    assert not any("N" in text[place] for text, mask in hidden for place in np.flatnonzero(mask))
    share = sum(mask.sum() for _, mask in hidden) / sum(len(text) for text, _ in hidden)
    if kind == "character":
        assert all((mask[: len(mask) // 6 * 6].reshape(-1, 6).sum(1) % 6 == 0).all() for _, mask in hidden)
    if kind in {"character", "kmer"}:
        assert share == pytest.approx(MASK_RATE, abs=0.03)
    else:  # pieces that straddle the border of a block are hidden with it
        assert MASK_RATE < share < 2 * MASK_RATE


def test_a_cap_spreads_windows_evenly(tmp_path: Path) -> None:
    store = store_of("character", tmp_path)
    vocabulary = read_vocabulary(store.tokenizer, ADAPTER)
    every, some = windows_of(store, vocabulary), windows_of(store, vocabulary, max_letters=3000)
    assert 2500 < sum(len(window.text) for window in some) <= 3000
    assert some[0].text == every[0].text and some[-1].text == every[-1].text
    # The same window hides the same letters, however many there are beside it.
    assert some[-1].hidden["single"].tolist() == every[-1].hidden["single"].tolist()


@pytest.mark.parametrize(("kind", "figure"), [("character", "single"), ("character", "block"), ("kmer", "block"), ("bpe", "block")])
def test_bits_against_the_library_one_window_at_a_time(kind: str, figure: str, tmp_path: Path) -> None:
    store = store_of(kind, tmp_path)
    vocabulary = read_vocabulary(store.tokenizer, ADAPTER)
    windows = windows_of(store, vocabulary)[:40]
    shape = Scratch("bert", 32, 2, 2, config={"initializer_range": 0.3})
    model, *_ = build_model(Model(scratch=shape), vocabulary, max_length=64, seed=0)
    plain = build_model(Model(scratch=shape), vocabulary, max_length=64, seed=0)[0].eval()
    nats, letters = 0.0, 0
    for window in windows:
        hidden = window.hidden[figure]
        ids = [*vocabulary.prefix, *np.where(hidden, vocabulary.mask_id, window.ids).tolist(), *vocabulary.suffix]
        with torch.no_grad():
            logits = plain(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        for place in np.flatnonzero(hidden):
            nats -= float(logits[place + len(vocabulary.prefix), window.ids[place]])
        letters += int(window.hidden_letters(figure).sum())
    seen = score(PackedEncoder(model), windows, vocabulary, figure, micro_batch_tokens=500)
    assert seen.num_letters == letters
    assert seen.bits == pytest.approx(nats / math.log(2) / letters, rel=1e-5)


def test_a_model_that_knows_nothing_scores_the_vocabulary(tmp_path: Path) -> None:
    store = store_of("character", tmp_path)
    vocabulary = read_vocabulary(store.tokenizer, ADAPTER)
    model, *_ = build_model(Model(scratch=Scratch("bert", 16, 1, 1)), vocabulary, max_length=64, seed=0)
    for parameter in model.parameters():
        parameter.data.zero_()
    windows = windows_of(store, vocabulary)
    bits = score(PackedEncoder(model), windows, vocabulary, "single", micro_batch_tokens=4096).bits
    assert bits == pytest.approx(math.log2(11), rel=1e-5)
