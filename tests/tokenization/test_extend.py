"""More pieces for tokenizers of several kinds, and rows for them: old tokens keep their ids, new pieces save tokens, rows are means."""

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from domainbert.errors import TokenizerError
from domainbert.tokenization.extend import extend_tokenizer, tokens_per_thousand
from domainbert.tokenization.transfer import row_weights, sparsemax, static_vectors, surfaces
from tests.engine.words import TOKENIZERS, sentences, wrapped


def unigram() -> Tokenizer:
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    backend.train_from_iterator(
        sentences(), trainers.UnigramTrainer(vocab_size=45, special_tokens=special, unk_token="[UNK]", show_progress=False)
    )
    backend.add_special_tokens(["[BEHIND]"])  # stands behind the pieces, as XLM-R's mask does
    return backend


def spelled(tokenizer, text):
    return tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True).replace(" ", "").replace("##", "")


KINDS = {**TOKENIZERS, "Unigram": unigram}


@pytest.mark.parametrize("kind", KINDS)
def test_new_pieces_save_tokens_and_old_ones_keep_their_meaning(kind):
    old = wrapped(KINDS[kind]())
    new = extend_tokenizer(old, sentences(), 15)
    assert 0 < len(new) - len(old) <= 15
    before, after = old.get_vocab(), new.get_vocab()
    moved = {token for token in before if before[token] != after[token]}
    assert moved <= {"[BEHIND]"}
    assert tokens_per_thousand(new, sentences()) < 0.9 * tokens_per_thousand(old, sentences())
    for text in sentences()[:20]:
        assert spelled(new, text) == spelled(old, text)
    assert new("")["input_ids"] == old("")["input_ids"] == [2, 3]
    assert new.special_tokens_map == old.special_tokens_map and new.model_max_length == old.model_max_length


def test_the_pieces_of_the_most_frequent_words_come_first():
    new = extend_tokenizer(wrapped(TOKENIZERS["WordPiece"]()), ["kato kato kato remi", "remi suka"], 3)
    assert new.tokenize("kato") == ["kato"]


def test_single_letters_have_no_pieces_to_join():
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    with pytest.raises(TokenizerError, match=r"WordLevel tokenizer has no pieces to join; use tokenizer.mode = keep or replace"):
        extend_tokenizer(wrapped(backend), ["aa"], 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("init", ["mean", "focus"])
def test_rows_are_shared_or_means_of_old_rows(kind, init):
    """transformers 33325 draws new rows at random, after which they did not learn (axolotl 2000)."""
    old = wrapped(KINDS[kind]())
    new = extend_tokenizer(old, sentences(), 15)
    weights = row_weights(old, new, num_old_rows=len(old) + 3, init=init, texts=sentences()).toarray()
    assert weights.shape == (len(new), len(old) + 3)
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert (weights >= 0).all()
    before, after = old.get_vocab(), new.get_vocab()
    for token, index in before.items():
        assert weights[after[token], index] == 1.0
    if init == "mean":
        fresh = min(token for token in after if token not in before)
        surface = surfaces(new)[after[fresh]][1]
        pieces = [index for index, (_, text) in surfaces(old).items() if text and (text in surface or text == "\u2581")]
        assert set(np.flatnonzero(weights[after[fresh]])) <= set(pieces)


def test_vocabularies_of_two_kinds_meet_in_their_text():
    old, new = wrapped(TOKENIZERS["WordPiece"]()), wrapped(TOKENIZERS["byte-level"]())
    known = {surface: index for index, surface in surfaces(old).items()}
    weights = row_weights(old, new, num_old_rows=len(old), init="mean").toarray()
    shared = {index: known[surface] for index, surface in surfaces(new).items() if surface in known}
    assert ("word", "ka") in surfaces(new).values() and ("inside", "né") in surfaces(new).values()
    assert len(shared) > 15
    assert all(weights[index, row] == 1.0 for index, row in shared.items())
    assert weights[new.mask_token_id, old.mask_token_id] == 1.0


def test_sparsemax_against_its_definition():
    scores = np.random.default_rng(0).normal(size=(50, 9))
    weights = sparsemax(scores)
    assert weights.sum(axis=1) == pytest.approx(1.0)
    for row, weight in zip(scores, weights, strict=True):
        # The projection: no other point of the simplex is nearer.
        others = np.random.default_rng(1).dirichlet(np.ones(9) * 0.3, 200)
        assert ((others - row) ** 2).sum(axis=1).min() >= ((weight - row) ** 2).sum() - 1e-12
    assert (weights == 0).mean() > 0.4


def test_static_vectors_know_what_stands_in_the_same_places():
    rng = np.random.default_rng(0)
    texts = [f"ka {rng.choice(['to', 'né'])} re" if rng.random() < 0.5 else f"su {rng.choice(['lo', 'vi'])} da" for _ in range(600)]
    tokenizer = wrapped(TOKENIZERS["WordPiece"]())
    vectors = static_vectors(tokenizer, texts)
    to, ne, lo = (vectors[tokenizer.convert_tokens_to_ids(word)] for word in ("to", "né", "lo"))
    assert to @ ne > 0.9 > to @ lo + 0.5
