"""Words looked up in a table that fills itself; the tokenizer stays the authority."""

import json
from typing import TYPE_CHECKING, Any

from domainbert.adapters.base import Encode
from domainbert.adapters.french import spelling
from domainbert.adapters.french.tokenizers import backend, in_bytes
from domainbert.tokenization.words import WordTable

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

_DECISIVE = ("added_tokens", "normalizer", "pre_tokenizer")  # the parts of tokenizer.json that, with the model, decide ids


def find_encoder(tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
    """The look-up for a tokenizer that is, part by part, one of ours; ``None`` for any other."""
    own = tokenizer.backend_tokenizer
    vocabulary = own.get_vocab(with_added_tokens=False)
    if type(own.model).__name__ != "WordPiece" or "[SEP]" not in vocabulary or _decisive(own) != _decisive(backend(vocabulary)):
        return None
    return word_encoder(own)


def word_encoder(tokenizer: "Tokenizer") -> Encode:
    """Ids of words by a table; text beyond Latin script goes to the tokenizer. Text that spells a special token stays text."""
    tokenizer = type(tokenizer).from_str(tokenizer.to_str())
    tokenizer.encode_special_tokens = True
    model = tokenizer.model
    # Not through the tokenizer: where a word ends depends on what follows it.
    return WordTable(
        tokenizer, spelling.word_pattern("").findall, is_plain=spelling.is_latin, tokenize=lambda word: model.tokenize(in_bytes(word))
    )


def _decisive(tokenizer: "Tokenizer") -> dict[str, Any]:
    parts = json.loads(tokenizer.to_str())
    model = {name: value for name, value in parts["model"].items() if name != "vocab"}
    return {name: parts[name] for name in _DECISIVE} | {"model": model}
