"""Nothing unknown, nothing lost, structure whole, and the quick way is the same way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.urls import UrlsAdapter, tokenizer
from domainbert.adapters.urls.canonical import STRUCTURE
from domainbert.adapters.urls.options import BpeOptions, UrlsOptions
from domainbert.errors import TokenizerError
from domainbert.tokenization import words

ADAPTER = UrlsAdapter()


@pytest.fixture(scope="module")
def bpe():
    records = [Record("", ADAPTER.canonicalize(f"shop{n % 7}.example.com/products/item-{n}?page={n % 9}"), "") for n in range(500)]
    return ADAPTER.tokenizer("bpe", BpeOptions(vocabulary_size=700), records, model_max_length=128)


def ids(bpe, text):
    return bpe(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]


def test_structure_tokens_are_single_known_and_no_targets(bpe):
    for token in STRUCTURE:
        assert ids(bpe, token) == [bpe.get_vocab()[token]] != [bpe.unk_token_id]
        assert not ADAPTER.is_target(token)
    tokens = bpe.convert_ids_to_tokens(ids(bpe, ADAPTER.canonicalize("http://192.0.2.7:81/a?b#c")))
    assert [token for token in tokens if token in STRUCTURE] == ["[IP]", "[PORT]", "[PATH]", "[QUERY]", "[FRAGMENT]"]


def test_a_spelled_special_token_stays_text(bpe):
    text = ADAPTER.canonicalize("example.com/[MASK][CLS]/[IP]?<0x41>=<mask>")
    tokens = bpe.convert_ids_to_tokens(ids(bpe, text))
    assert [token for token in tokens if token in (*STRUCTURE, *tokenizer.SPECIAL_TOKENS, *tokenizer.BYTES)] == [
        "[DOMAIN]",
        "[PATH]",
        "[QUERY]",
    ]
    assert bpe.decode(ids(bpe, text)) == text


def test_escapes_are_one_piece(bpe):
    assert bpe.convert_ids_to_tokens(ids(bpe, ADAPTER.canonicalize("example.com/é%2f")))[-3:] == ["%C3", "%A9", "%2F"]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_whole(bpe, text):
    """Canonical or not: without byte fallback unknown characters vanish silently, and an unknown rate of 0 hides it."""
    quick = ADAPTER.fast_encoder(bpe)
    for spelled in (text, ADAPTER.canonicalize(text)):
        found = ids(bpe, spelled)
        assert bpe.unk_token_id not in found and bpe.decode(found) == spelled
        assert quick(spelled).tolist() == found


def test_only_a_tokenizer_cut_like_ours_has_a_quick_way(bpe):
    from tokenizers import normalizers, pre_tokenizers

    other = ADAPTER.tokenizer("bpe", BpeOptions(700), [Record("", "[DOMAIN]aaab.com", "")], model_max_length=8)
    other.backend_tokenizer.normalizer = normalizers.Lowercase()
    assert ADAPTER.fast_encoder(other) is None
    other = ADAPTER.tokenizer("bpe", BpeOptions(700), [Record("", "[DOMAIN]aaab.com", "")], model_max_length=8)
    other.backend_tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert ADAPTER.fast_encoder(other) is None


def test_the_table_of_words_is_bounded(bpe, monkeypatch):
    monkeypatch.setattr(words, "CACHED", 40)
    quick = ADAPTER.fast_encoder(bpe)
    for number in range(200):
        text = ADAPTER.canonicalize(f"name{'abcdefgh'[number % 8] * (number % 13)}.com/x{number}")
        assert quick(text).tolist() == ids(bpe, text)


def test_nothing_to_learn_from():
    with pytest.raises(TokenizerError, match="there is no text in it"):
        ADAPTER.tokenizer("bpe", None, [], model_max_length=8)
    with pytest.raises(TokenizerError, match="no tokenizer kind 'words'"):
        ADAPTER.tokenizer("words", None, [], model_max_length=8)


@pytest.mark.slow
def test_every_real_url_passes(shared_data):
    """Canonical text stays; no unknown token; every one comes back; drops have reasons."""
    path = shared_data / "urls" / "unlabeled_union_derived.tsv.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    adapter, drops = UrlsAdapter(UrlsOptions(column="2", kind_column="1")), Drops()
    records = list(adapter.records(str(path), drops=drops))
    print(dict(drops.counts))
    assert len(records) + drops.counts.total() == 434_851
    assert set(drops.counts) <= {"malformed_host", "no_host"} and drops.counts.total() < 100
    assert {record.meta["kind"] for record in records} >= {"alexa100k", "dga_rovnix", "pdd_phish"}
    texts = [adapter.canonicalize(record.text) for record in records]
    assert all(text.isascii() for text in texts)
    assert [text for text in texts if adapter.canonicalize(text) != text] == []
    built = adapter.tokenizer("bpe", None, (Record("", text, "") for text in texts[::20]), model_max_length=128)
    encoded = [encoding.ids for encoding in built.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    assert not any(built.unk_token_id in found for found in encoded)
    assert built.backend_tokenizer.decode_batch(encoded, skip_special_tokens=False) == texts
