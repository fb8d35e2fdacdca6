"""The tokenizer check refuses what would lose the domain's text."""

import pytest

from domainbert.adapters.dna import DnaAdapter
from domainbert.errors import TokenizerError
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
