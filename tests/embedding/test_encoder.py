"""Vectors against the library's own forward pass on each text alone."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

import domainbert
from domainbert.embedding.encoder import Encoder
from domainbert.errors import CorpusError, DomainBertError, ModelError

# Sums of 32 numbers in fp32 in another order differ by about 1e-6 of their size; a text that sees another by more than 1e-2.
TOLERANCE = 2e-5
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def texts(seed=0, lengths=(5, 40, 9, 9, 31, 1, 17, 40, 9)):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for length in lengths]


def alone(folder, text, pooling="mean", max_length=None):
    """What a user without domainbert gets for one canonical text."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
    special = encoded.pop("special_tokens_mask")[0].bool()
    encoded.pop("token_type_ids", None)
    with torch.no_grad():
        states = model(**encoded).last_hidden_state[0]
    return (states[~special].mean(0) if pooling == "mean" else states[0]).numpy()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("architecture", ["modernbert", "bert", "esm", "roberta", "deberta-v2", "delta-hybrid"])
def test_vectors_are_those_of_each_text_alone(folder, architecture, pooling):
    given = texts()
    vectors = Encoder.from_pretrained(folder(architecture)).encode(given, pooling=pooling, batch_tokens=60)
    assert vectors.dtype == np.float32
    wanted = np.stack([alone(folder(architecture), text, pooling) for text in given])
    np.testing.assert_allclose(vectors, wanted, atol=TOLERANCE * np.abs(wanted).max())
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-2


def test_public_name_run_folder_and_one_text(folder, tmp_path):
    shutil.copytree(folder(), tmp_path / "run" / "model")
    encoder = domainbert.Encoder.from_pretrained(tmp_path / "run")
    one = encoder.encode("ACGTTT")
    assert one.shape == (encoder.dimension,) == (32,)
    np.testing.assert_array_equal(encoder.encode(["ACGTTT"])[0], one)
    assert encoder.encode([]).shape == (0, 32)


def test_the_adapter_spells_texts(folder):
    lower, upper, rna = Encoder.from_pretrained(folder()).encode(["acgtnacgr", "ACGTNACGN", "ACGUNACGN"])
    np.testing.assert_array_equal(lower, upper)
    np.testing.assert_array_equal(rna, upper)


def test_mirror_averages_both_strands(folder):
    encoder = Encoder.from_pretrained(folder())
    given = texts(1)
    other = [text.translate(COMPLEMENT)[::-1] for text in given]
    both = encoder.encode(given, mirror=True)
    np.testing.assert_allclose(both, encoder.encode(other, mirror=True), atol=1e-6)
    np.testing.assert_allclose(both, (encoder.encode(given) + encoder.encode(other)) / 2, atol=1e-6)
    plain = Encoder.from_pretrained(folder(), adapter="dna")
    plain.adapter = domainbert.adapters.plain.PlainText()
    with pytest.raises(ModelError, match="no other reading"):
        plain.encode(["ACGT"], mirror=True)


def test_long_texts_are_averaged_over_windows_or_cut_and_that_is_said(folder, caplog):
    encoder = Encoder.from_pretrained(folder())
    capacity = encoder.max_length - encoder.vocabulary.num_special
    (long,) = texts(2, (capacity * 2 + 9,))
    pieces = [long[len(long) * part // 3 : len(long) * (part + 1) // 3] for part in range(3)]
    weights = np.array([len(piece) for piece in pieces]) / len(long)
    average, short = encoder.encode([long, "ACGT"])
    assert f"1 of 2 texts are longer than the {encoder.max_length} tokens of {folder()}: averaged over windows" in caplog.text
    np.testing.assert_allclose(average, weights @ encoder.encode(pieces), atol=1e-6)
    np.testing.assert_array_equal(short, encoder.encode("ACGT"))
    np.testing.assert_allclose(encoder.encode(long, long="truncate"), encoder.encode(long[:capacity]), atol=1e-6)
    assert ": cut" in caplog.text


def test_words_have_the_mean_of_their_pieces(folder):
    encoder = Encoder.from_pretrained(folder())
    sentences = [["ACG", "T", "GGA"], ["A" * 200, "CG"]]
    first, second = encoder.word_states(sentences, separator="", batch_tokens=80)
    tokens = np.concatenate([encoder.word_states([list("ACGTGGA")], separator="")[0]])
    np.testing.assert_allclose(first, [tokens[:3].mean(0), tokens[3], tokens[4:].mean(0)], atol=1e-6)
    assert second.shape == (2, 32)
    assert np.abs(second).sum(1).all()


def test_distinct_texts_are_computed_once(folder, monkeypatch):
    encoder = Encoder.from_pretrained(folder())
    given = texts(3)
    seen = []
    states = encoder._packed.states
    monkeypatch.setattr(encoder._packed, "states", lambda inputs: seen.append(len(inputs.input_ids_T)) or states(inputs))
    np.testing.assert_array_equal(encoder.encode([*given, *given])[len(given) :], encoder.encode(given))
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


def test_empty_text_is_named(folder):
    with pytest.raises(CorpusError, match=r"text 1 \(counted from 0\) is empty"):
        Encoder.from_pretrained(folder()).encode(["ACGT", ""])


def test_broken_contract_is_refused(folder, tmp_path):
    shutil.copytree(folder(), tmp_path / "model")
    path = tmp_path / "model" / "domainbert.json"
    content = json.loads(path.read_text())
    content["examples"][0]["ids"][3] = content["examples"][0]["ids"][3] % 4 + 5
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="come out differently"):
        Encoder.from_pretrained(tmp_path / "model")
    content["adapter"] = "rocks"
    path.write_text(json.dumps(content))
    with pytest.raises(DomainBertError, match="no adapter is called 'rocks'"):
        Encoder.from_pretrained(tmp_path / "model")


@pytest.fixture
def headless(tmp_path):
    """A plain folder of another library: an encoder without a masked-LM head, a WordPiece tokenizer that lowers case."""
    from transformers import BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(vocab=str(tmp_path / "vocab.txt"), model_max_length=32).save_pretrained(tmp_path)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=32, initializer_range=0.2,
    )  # fmt: skip
    torch.manual_seed(0)
    BertModel(config).save_pretrained(tmp_path)
    return tmp_path


def test_plain_folders_need_no_adapter_and_no_head(headless, caplog):
    encoder = Encoder.from_pretrained(headless)
    given = ["Some words", "of plain text", "a"]
    np.testing.assert_allclose(encoder.encode(given), [alone(headless, text) for text in given], atol=TOLERANCE)
    assert encoder.adapter.name == "plain"
    assert not caplog.records
    spelled = Encoder.from_pretrained(headless, adapter="dna").encode("acgu")
    np.testing.assert_allclose(spelled, alone(headless, "ACGT"), atol=TOLERANCE)
    assert "does not fit adapter 'dna'" in caplog.text


def test_weights_of_another_model_are_refused(headless):
    from safetensors.torch import load_file, save_file

    weights = load_file(headless / "model.safetensors")
    weights.pop(next(name for name in weights if "layer.1" in name))
    save_file(weights, headless / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="1 weights of BertForMaskedLM are not in its files"):
        Encoder.from_pretrained(headless)


def test_length_beyond_the_positions_is_refused(headless):
    with pytest.raises(ModelError, match="max_length = 33, but the model has 32 positions"):
        Encoder.from_pretrained(headless, max_length=33)
