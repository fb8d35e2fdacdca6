"""The three tokenizers: whole for any text, and cut where their kind says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from domainbert.adapters.biomedical import BiomedicalAdapter
from domainbert.adapters.biomedical.morphemes import segment
from domainbert.adapters.biomedical.options import BpeOptions, MorphemeOptions, WordPieceOptions
from domainbert.errors import TokenizerError
from domainbert.tokenization.check import measure_fit

SIZE = 3000
KINDS = {"bpe": BpeOptions(SIZE), "wordpiece": WordPieceOptions(SIZE), "morpheme": MorphemeOptions(SIZE)}


@pytest.fixture(scope="module")
def tokenizers():
    adapter = BiomedicalAdapter()
    records = [record for number, record in enumerate(adapter.sample()) if number % 8 == 0]
    return {kind: adapter.tokenizer(kind, options, records, model_max_length=128) for kind, options in KINDS.items()}


@pytest.mark.invariant
@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["##", "#", "Ġ", "hepat", "itis", " ", "  ", "\n", "α", "😀", "漢字", "[", "MASK", "]", "1987"])).map(
        "".join
    )
)
def test_every_text_comes_back(tokenizers, text):
    canonical = BiomedicalAdapter().canonicalize(text)
    for tokenizer in tokenizers.values():
        encoded = tokenizer(canonical, add_special_tokens=False, return_offsets_mapping=True)
        assert tokenizer.unk_token_id not in encoded["input_ids"]
        assert not set(encoded["input_ids"]) & set(tokenizer.all_special_ids)
        assert tokenizer.decode(encoded["input_ids"]) == canonical
        covered = {place for start, end in encoded["offset_mapping"] for place in range(start, end)}
        assert covered == set(range(len(canonical)))


@pytest.mark.parametrize("text", ["on 2013-10-23 (n = 12)", "1,25(OH)2D3\u20095 mg\u2003b.i.d.", "IL-2/IL-15Rα: p<0.05"])
def test_words_have_pieces_of_their_own(tokenizers, text):
    """BioBERT issues 5, 12, 107, 109: pieces without ## (of a date), or unusual blanks, moved the labels of words."""
    adapter = BiomedicalAdapter()
    canonical = adapter.canonicalize(text)
    for tokenizer in tokenizers.values():
        offsets = tokenizer(canonical, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        for start, end in adapter.units(canonical, "word").tolist():
            own = [piece for piece in offsets if piece[0] < end and piece[1] > start]
            assert own and all(piece[1] <= end and not canonical[piece[0] : start].strip() for piece in own)


def test_long_words_and_numbers(tokenizers):
    for tokenizer in tokenizers.values():
        for text in ("ACGT" * 5000, "7" * 5000, "α" * 5000, "#" * 5000):
            assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_sizes_and_fit(tokenizers):
    for kind, tokenizer in tokenizers.items():
        assert isinstance(tokenizer, PreTrainedTokenizerFast)
        assert 600 < len(tokenizer) <= SIZE
        fit = measure_fit(tokenizer, BiomedicalAdapter())
        assert (fit.unknown_rate, fit.problem, fit.folded) == (0, "", ""), kind
        assert 1 < fit.pieces_per_word < BiomedicalAdapter.max_pieces_per_word


def test_morphemes_are_pieces(tokenizers):
    pieces = [tokenizers["morpheme"].tokenize(word) for word in (" hepatitis", " gastroscopy")]
    assert pieces[0][-1] == "##itis"
    assert pieces[1][-1] == "##scopy"


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("electrophoresis", "electro phoresis"),
        ("cardiotoxic", "cardio toxic"),
        ("lymphadenitis", "lymphaden itis"),
        ("Gastroenteritis", "Gastro enter itis"),
        ("nonrotational", "non rot ation al"),
        ("swabs", "swabs"),
        ("IL2", "IL2"),
    ],
)
def test_segments(word, parts):
    assert segment(word) == parts.split()


def test_nothing_to_learn_from():
    with pytest.raises(TokenizerError, match="no text in it"):
        BiomedicalAdapter().tokenizer("bpe", BpeOptions(), [], model_max_length=64)
