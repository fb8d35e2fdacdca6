"""WordPiece for French: nothing unknown, nothing lost, numbers in pairs, the same from its folder alone, and as quick as it claims."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.adapters.base import Record
from domainbert.adapters.french import FrenchAdapter
from domainbert.adapters.french.options import WordPieceOptions
from domainbert.adapters.french.sample import generate
from domainbert.errors import TokenizerError
from domainbert.tokenization.check import check_tokenizer, save_tokenizer

ADAPTER = FrenchAdapter()


def records(count=300):
    texts = (ADAPTER.canonicalize(record.text) for record, _ in zip(generate(), range(count), strict=False))
    return [Record(str(number), text, str(number)) for number, text in enumerate(texts)]


@pytest.fixture(scope="module")
def tokenizer():
    return ADAPTER.tokenizer("wordpiece", WordPieceOptions(4096, emoji=False), records(), model_max_length=512)


def pieces(tokenizer, text):
    return tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"])


def squeezed(text):
    return "".join(text.split())


def encoded(tokenizer, text):
    return tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)


ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(deadline=None, max_examples=300)
@given(ANYTHING)
def test_nothing_is_unknown_and_everything_comes_back(tokenizer, raw):
    text = ADAPTER.canonicalize(raw)
    if "[" in text:
        return
    found = encoded(tokenizer, text)
    assert tokenizer.unk_token_id not in found["input_ids"]
    assert squeezed(tokenizer.decode(found["input_ids"])) == squeezed(text)
    covered = {place for start, end in found["offset_mapping"] for place in range(start, end)}
    assert all(place in covered or character.isspace() for place, character in enumerate(text))


@pytest.mark.parametrize(
    "text", ["😀👩‍🚀", "Привет, мир", "中文", "ع", "x²+√2", "a" * 500, "9" * 301, "\x0b\u2028", "ﬁn", "\u0301seul", "##a # ##"]
)
def test_what_the_alphabet_lacks_is_bytes(tokenizer, text):
    found = encoded(tokenizer, text)["input_ids"]
    assert tokenizer.unk_token_id not in found
    assert squeezed(tokenizer.decode(found)) == squeezed(text)


def test_numbers_are_read_in_pairs_and_runs_differ(tokenizer):
    assert pieces(tokenizer, "1987") == ["19", "##87"]
    assert pieces(tokenizer, "19 87") == ["19", "87"]
    assert pieces(tokenizer, "12345") == ["12", "##34", "##5"]
    vocabulary = tokenizer.get_vocab()
    assert all(f"{prefix}{number:02d}" in vocabulary for number in range(100) for prefix in ("", "##"))
    assert not [token for token in vocabulary if sum(letter.isascii() and letter.isdigit() for letter in token) > 2]


def test_newlines_and_tabs_are_tokens(tokenizer):
    found = tokenizer("un\n\ndeux\ttrois", add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(found).replace(" ", "") == "un\n\ndeux\ttrois"
    assert Counter(found).most_common(1)[0][1] == 2


def test_clitics_are_words_and_lexical_apostrophes_are_not(tokenizer):
    """recasepunc issue 1: a word was cut behind its apostrophe and not joined again."""
    assert pieces(tokenizer, "l'ami") == ["l'", "ami"]
    assert pieces(tokenizer, "L’homme")[0] == "L'"  # the normalizer in tokenizer.json folds apostrophes too
    big = ADAPTER.tokenizer(
        "wordpiece", WordPieceOptions(2000, emoji=False), [Record("a", "aujourd'hui l'an " * 50, "a")], model_max_length=9
    )
    assert pieces(big, "aujourd'hui") == ["aujourd'hui"]


def test_raw_and_canonical_text_give_the_same_ids(tokenizer):
    """spaCy issue 6769: what has been trained on ASCII apostrophes alone fails on typographic ones."""
    assert tokenizer("l’homme d\u02bcici")["input_ids"] == tokenizer("l'homme d'ici")["input_ids"]
    for raw in (*ADAPTER.probes(), "l`arbre 5′ `x`\r\nfin\u00a0!"):
        assert tokenizer(raw)["input_ids"] == tokenizer(ADAPTER.canonicalize(raw))["input_ids"]


def test_its_size_is_what_was_asked_for_and_emoji_are_entries(tokenizer):
    assert len(tokenizer) == 4096 == len(set(tokenizer.get_vocab().values()))
    whole = ADAPTER.tokenizer("wordpiece", WordPieceOptions(6000), records(), model_max_length=512)
    assert len(pieces(whole, "😀")) == len(pieces(whole, "🥐")) == 1
    assert len(pieces(tokenizer, "😀")) == 4
    check_tokenizer(whole, ADAPTER)


def test_no_piece_ends_inside_a_character(tokenizer):
    from domainbert.adapters.french.tokenizers import from_bytes

    halves = [token for token in tokenizer.get_vocab() if from_bytes(token.removeprefix("##")) is None]
    assert all(len(token.removeprefix("##")) == 1 for token in halves)
    assert len(halves) == 2 * 128


def test_special_tokens_have_no_place_in_the_text(tokenizer):
    """huggingface/transformers issue 2904: special tokens had moved the offsets that answers are cut out by."""
    text = "L'été, 1987 œufs."
    encoded = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
    places = list(zip(encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True))
    assert [place for place, special in places if special] == [(0, 0)] * 2
    assert "".join(text[slice(*place)] for place, special in places if not special) == text.replace(" ", "")


def test_alone_from_its_folder(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    save_tokenizer(tokenizer, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in [*ADAPTER.probes(), "😀\n\tПривет 1987"]:
        assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert json.loads((tmp_path / "tokenizer.json").read_text())["model"]["type"] == "WordPiece"


def test_the_quick_encoder_gives_the_same_ids(tokenizer):
    encode = ADAPTER.fast_encoder(tokenizer)
    texts = [record.text for record in records(40)] + [ADAPTER.canonicalize(probe) for probe in ADAPTER.probes()]
    texts += [
        "presqu'une ennemie",
        "QU'IL",
        "rock'n'roll 'n'",
        "x" * 200 + "'a",
        "Привет l'été",
        "½² ªº µ\u0301",
        "",
        " ",
        "l' arbre",
        "\n\n",
    ]
    for text in texts:
        assert encode(text).tolist() == tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids, text[:60]
    assert encode(texts[0]).dtype == np.uint32


def test_the_quick_encoder_knows_its_own_tokenizer_only(tokenizer):
    from tokenizers import Tokenizer, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    other = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    other.pre_tokenizer = pre_tokenizers.Whitespace()
    assert ADAPTER.fast_encoder(PreTrainedTokenizerFast(tokenizer_object=other)) is None


@pytest.mark.invariant
def test_text_that_spells_a_special_token_stays_text(tokenizer, tmp_path):
    from domainbert.corpus.build import build_store
    from domainbert.recipe.schema import Corpus
    from domainbert.tokenization.spans import read_vocabulary, token_spans

    text = "Un [MASK] et [CLS][SEP] dans le texte, Привет [PAD]."
    (tmp_path / "a.txt").write_text(text)
    store = build_store(
        ADAPTER,
        Corpus(sources=(str(tmp_path / "a.txt"),), validation_fraction=0.0),
        tmp_path / "store",
        make_tokenizer=lambda _: tokenizer,
        seed=0,
    )
    assert not set(store.tokens.tolist()) & set(tokenizer.all_special_ids)
    assert squeezed(tokenizer.decode(store.tokens)) == squeezed(text)
    spans = token_spans(store.tokenizer, text, store.tokens.astype(np.int64), read_vocabulary(store.tokenizer, ADAPTER))
    assert [text[start:end] for start, end in spans[:4].tolist()][:2] == ["Un", "["]


def test_special_tokens_are_no_targets(tokenizer):
    for token in ("[CLS]", "[MASK]", "[unused12]", "<s>", "</s>", "<mask>", "<pad>", "<|endoftext|>", ""):
        assert not ADAPTER.is_target(token)
    for token in ("Ã©tÃ©", "##s", "▁été", "Ġété", "[", "<", "<0xE9>", "l'", "19", "Ċ", "..."):
        assert ADAPTER.is_target(token)


def test_nothing_to_learn_from():
    with pytest.raises(TokenizerError, match="there is no text in it"):
        ADAPTER.tokenizer("wordpiece", None, [], model_max_length=512)
    with pytest.raises(TokenizerError, match="has no tokenizer kind 'bpe'"):
        ADAPTER.tokenizer("bpe", None, [], model_max_length=512)
    with pytest.raises(ValueError, match="set emoji = false"):
        WordPieceOptions(2000)


def camembert(vocabulary, tmp_path):
    """A Unigram tokenizer as CamemBERT has one, saved and loaded."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", pad_token="<pad>", mask_token="<mask>", model_max_length=512
    )
    save_tokenizer(wrapped, tmp_path)
    return PreTrainedTokenizerFast.from_pretrained(str(tmp_path))


def test_stripped_accents_are_named(tokenizer, caplog):
    """BERT's uncased tokenizers merge ``a`` and ``à``, ``ou`` and ``où``: a fifth of French words."""
    from tokenizers import Tokenizer, normalizers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]", mask_token="[MASK]", model_max_length=512
    )
    assert check_tokenizer(wrapped, ADAPTER).folded
    assert "what it folds is lost to the model" in caplog.text


def test_single_characters_are_refused_as_camembert_in_transformers_5(tmp_path):
    """huggingface/transformers issue 45701: the vocabulary is ignored without a word, and each character is a token."""
    letters = sorted(set("".join(map(ADAPTER.canonicalize, ADAPTER.probes()))) - {" "})
    wrapped = camembert([("<unk>", 0.0), ("▁", -1.0), *((letter, -2.0) for letter in letters)], tmp_path)
    with pytest.raises(TokenizerError, match="come out as single characters"):
        check_tokenizer(wrapped, ADAPTER)


def test_a_tokenizer_that_lacks_letters_of_french_is_refused(tmp_path):
    probes = [ADAPTER.canonicalize(probe) for probe in ADAPTER.probes()]
    words = {word for probe in probes for word in probe.split()} | {letter for probe in probes for letter in probe}
    known = sorted(word for word in words if "œ" not in word and " " not in word)
    wrapped = camembert([("<unk>", 0.0), ("▁", -1.0), *((f"▁{word}", -2.0) for word in known), *((word, -3.0) for word in known)], tmp_path)
    with pytest.raises(TokenizerError, match="is unknown to it"):
        check_tokenizer(wrapped, ADAPTER)
