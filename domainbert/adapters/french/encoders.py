"""Words looked up in a table that fills itself; the tokenizer stays the authority."""

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Encode
from domainbert.adapters.french import spelling
from domainbert.adapters.french.tokenizers import backend, in_bytes

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

CACHE_WORDS = 1 << 18
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
    words, model = spelling.word_pattern(""), tokenizer.model
    table: dict[str, tuple[int, ...]] = {}

    def encode(text: str) -> NDArray[np.integer[Any]]:
        if not spelling.is_latin(text):
            return np.array(tokenizer.encode(text, add_special_tokens=False).ids, np.uint32)
        found = words.findall(text)
        new = [word for word in set(found) if word not in table]
        if new:
            if len(table) > CACHE_WORDS:
                table.clear()
                new = list(set(found))
            # Not through the tokenizer: where a word ends depends on what follows it.
            table.update((word, tuple(token.id for token in model.tokenize(in_bytes(word)))) for word in new)
        return np.fromiter(chain.from_iterable(map(table.__getitem__, found)), np.uint32)

    return encode


def _decisive(tokenizer: "Tokenizer") -> dict[str, Any]:
    parts = json.loads(tokenizer.to_str())
    model = {name: value for name, value in parts["model"].items() if name != "vocab"}
    return {name: parts[name] for name in _DECISIVE} | {"model": model}
