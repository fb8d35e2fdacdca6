"""Character, k-mer and BPE tokenizers: the published ids, the rule, the fast way, and other programs' way of loading them."""

import json
import random

import numpy as np
import pytest

from domainbert.adapters.base import Record
from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.dna.options import BpeOptions, KmerOptions
from domainbert.errors import TokenizerError
from domainbert.tokenization.check import check_tokenizer, save_tokenizer

ADAPTER = DnaAdapter()
SPECIAL = ["<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>"]


def build(kind, options=None, texts=()):
    records = [Record(str(number), text, "g") for number, text in enumerate(texts)]
    return ADAPTER.tokenizer(kind, options, records, model_max_length=512)


@pytest.fixture(scope="module")
def kmer():
    return build("kmer")


@pytest.fixture(scope="module")
def character():
    return build("character")


@pytest.fixture(scope="module")
def bpe():
    return build("bpe", BpeOptions(vocabulary_size=300), [repetitive(30_000, seed) for seed in range(3)])


def repetitive(length: int, seed: int) -> str:
    rng = random.Random(seed)
    words = ["TATAAT", "TTGACA", "AGGAGG", "ATG", "GAA", "CTG"]
    return "".join(rng.choice([*words, rng.choice("ACGTN")]) for _ in range(length // 3))[:length]


def ids(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]


def tokens(tokenizer, text: str) -> list[str]:
    return tokenizer.convert_ids_to_tokens(ids(tokenizer, text))


def test_six_mers_have_the_published_vocabulary(kmer):
    """Nucleotide Transformer v2: 4,107 entries, alphabet order A T C G; ids by hand from that order."""
    vocabulary = kmer.get_vocab()
    assert len(vocabulary) == len(kmer) == 4107
    assert [vocabulary[token] for token in SPECIAL] == [0, 1, 2, 3, 4, 5]
    assert (vocabulary["AAAAAA"], vocabulary["AAAAAT"], vocabulary["AAAAAC"], vocabulary["AAAAAG"], vocabulary["AAAATA"]) == (
        6,
        7,
        8,
        9,
        10,
    )
    assert vocabulary["GGGGGG"] == 4101
    assert [vocabulary[letter] for letter in "ATCGN"] == [4102, 4103, 4104, 4105, 4106]


def test_character_vocabulary(character):
    assert character.get_vocab() == {token: index for index, token in enumerate([*SPECIAL, *"ATCGN"])}


@pytest.mark.parametrize("k", [2, 3, 4, 5, 7])
def test_other_lengths_of_k_mers(k):
    tokenizer = build("kmer", KmerOptions(k))
    assert len(tokenizer) == 4**k + 11
    text = "ACGTTGCAACGTNACGTAGGAT"
    assert tokens(tokenizer, text) == nucleotide_transformer_rule(text, k)
    assert ADAPTER.fast_encoder(tokenizer)(text).tolist() == ids(tokenizer, text)


def nucleotide_transformer_rule(text: str, k: int) -> list[str]:
    """Left to right: k bases are one token; where N or the end comes sooner, single letters."""
    found = []
    for run in text.replace("N", " N ").split():
        whole = len(run) // k * k if run != "N" else 0
        found += [run[at : at + k] for at in range(0, whole, k)] + list(run[whole:])
    return found


def random_texts(count: int) -> list[str]:
    rng = random.Random(0)
    letters = ["ACGT", "ACGT" * 20 + "N", "acgtACGT", "ACGTUacgtuNn", "ACGTRYSWKMBDHVNXU", "acgtryswkmbdhvnxuACGTRYSWKMBDHVNXU"]
    return ["".join(rng.choices(rng.choice(letters), k=rng.randrange(120))) for _ in range(count)]


@pytest.mark.parametrize("raw", [True, False])
def test_three_thousand_random_texts_follow_the_rule(kmer, character, raw):
    """Raw text too: tokenizer.json spells it like ``canonicalize``."""
    for text in random_texts(3000):
        canonical = ADAPTER.canonicalize(text)
        given = text if raw else canonical
        assert tokens(kmer, given) == nucleotide_transformer_rule(canonical, 6)
        assert tokens(character, given) == list(canonical)


def test_published_example(kmer):
    """From the Nucleotide Transformer's documentation of its tokenizer."""
    assert tokens(kmer, "ACGTGTACNTGCACG") == ["ACGTGT", "A", "C", "N", "TGCACG"]


def test_fast_encoders_agree_on_random_and_real_sequence(kmer, character, shared_data):
    texts = [ADAPTER.canonicalize(text) for text in random_texts(3000)] + ["", "A", "N", "ACGTAC", "N" * 40]
    genomes = shared_data / "dna" / "genomes"
    real = [record.text for record in ADAPTER.records(f"{genomes}/*/NC_0[0-3]*.gbk.gz")][::12] + [
        record.text[:20_000] for record in ADAPTER.records(f"{genomes}/pyani/NC_*.fna.gz")
    ][::10]
    assert len(real) > 10
    for tokenizer in (kmer, character):
        encode = ADAPTER.fast_encoder(tokenizer)
        for text in texts + [ADAPTER.canonicalize(text) for text in real]:
            assert np.array_equal(encode(text), np.array(ids(tokenizer, text), np.int64))


def test_fast_encoders_agree_on_text_that_is_not_dna(kmer, character):
    for tokenizer in (kmer, character):
        for text in ("ACGT-ACGTACGT", "ACG TACGTACG", "éACGTACGT", "ACGTAC*"):
            assert ADAPTER.fast_encoder(tokenizer)(text).tolist() == ids(tokenizer, text)


def test_only_our_own_tokenizers_have_a_fast_encoder(kmer, bpe):
    from tokenizers import pre_tokenizers

    assert ADAPTER.fast_encoder(bpe) is None
    other = build("kmer")
    other.backend_tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert ADAPTER.fast_encoder(other) is None
    other = build("kmer")
    other.add_tokens(["GATTACA"])
    assert ADAPTER.fast_encoder(other) is None


def test_bpe_learns_pieces_and_keeps_every_base(bpe):
    assert [bpe.get_vocab()[token] for token in SPECIAL] == [0, 1, 2, 3, 4, 5]
    assert len(bpe) == 300
    text = repetitive(5000, 9)
    pieces = tokens(bpe, text)
    assert "".join(pieces) == text and bpe.decode(ids(bpe, text)) == text
    assert "TATAAT" in bpe.get_vocab() and len(pieces) < len(text) / 2.5
    assert all(piece == "N" or "N" not in piece for piece in pieces)


def test_bpe_is_the_same_each_time_and_needs_text(bpe):
    again = build("bpe", BpeOptions(vocabulary_size=300), [repetitive(30_000, seed) for seed in range(3)])
    assert again.get_vocab() == bpe.get_vocab()
    with pytest.raises(TokenizerError, match="learns its pieces on the corpus, and there is no text"):
        build("bpe")


def test_bpe_takes_a_bounded_even_sample(monkeypatch):
    from domainbert.adapters.dna import tokenizers

    monkeypatch.setattr(tokenizers, "BPE_BASES", 20_000)
    rich, poor = repetitive(400_000, 1), "A" * 400_000
    vocabulary = build("bpe", BpeOptions(vocabulary_size=60), [poor, rich]).get_vocab()
    assert "TATAAT" in vocabulary and "AAAA" in vocabulary


def test_bpe_of_a_chromosome_is_quick_and_whole(bpe):
    text = repetitive(300_000, 5).replace("N", "A")
    assert bpe.decode(ids(bpe, text)) == text


@pytest.mark.parametrize("kind", ["kmer", "character", "bpe"])
def test_check_accepts_ours(kind, request):
    check_tokenizer(request.getfixturevalue(kind), ADAPTER)


@pytest.mark.parametrize("kind", ["kmer", "character", "bpe"])
@pytest.mark.parametrize("model_type", ["modernbert", "bert", "esm"])
def test_auto_tokenizer_loads_the_same_beside_a_model(kind, model_type, request, tmp_path):
    """Without the class name, a BERT folder loads another tokenizer without a word, and an ESM folder fails."""
    from transformers import AutoConfig, AutoTokenizer

    tokenizer = request.getfixturevalue(kind)
    save_tokenizer(tokenizer, tmp_path)
    AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in random_texts(50):
        assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert loaded("ACGTACGT")["input_ids"][0] == loaded.cls_token_id == 3
    assert (loaded.model_max_length, loaded.padding_side, loaded.mask_token) == (512, "right", "<mask>")
    assert loaded.decode(ids(loaded, "ACGTACGTNA")) == "ACGTACGTNA"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "tokenizer.json", "tokenizer_config.json"]
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_targets_are_pieces_of_bases(kmer, bpe):
    for tokenizer in (kmer, bpe):
        refused = {token for token in tokenizer.get_vocab() if not ADAPTER.is_target(token)}
        assert refused == {*SPECIAL, "N"}
    assert ADAPTER.is_target("ĠACGT") and ADAPTER.is_target("▁acg") and ADAPTER.is_target("##A")
    assert not any(map(ADAPTER.is_target, ["", "Ġ", "##", "ACGN", "[MASK]", "U", "A C"]))


def test_unknown_kind():
    with pytest.raises(TokenizerError, match="no tokenizer kind 'words'; it has character, kmer, bpe"):
        build("words")
