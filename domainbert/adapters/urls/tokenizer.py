"""Pieces of names and paths learned by BPE, complete in ``tokenizer.json``.

Words are runs of letters, runs of digits, escapes (``%C3``) and single other characters. Structure tokens are special, every escape is one
piece, and whatever canonical text cannot hold falls back to bytes, so that nothing is unknown.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from domainbert.adapters.base import Encode, Record
from domainbert.adapters.urls.canonical import ESCAPE, STRUCTURE, VISIBLE
from domainbert.adapters.urls.options import BpeOptions
from domainbert.errors import TokenizerError
from domainbert.tokenization.build import wrapped
from domainbert.tokenization.words import WordTable

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]")
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
ESCAPES = tuple(escape for escape in (f"%{byte:02X}" for byte in range(256)) if re.fullmatch(ESCAPE, escape))
CHARACTERS = tuple(character for character in map(chr, range(0x21, 0x7F)) if re.fullmatch(f"[{VISIBLE}]", character))
WORD = r"%[0-9A-Fa-f]{2}|[A-Za-z]+|\d+|[^A-Za-z\d%]|%"
FIXED = (*SPECIAL_TOKENS, *STRUCTURE, *BYTES, *ESCAPES)

_LEARNED_FROM = re.compile(r"\[[A-Za-z0-9]+\]|%[0-9A-F]{2}|([A-Za-z]+|[0-9]+)")
_DECISIVE = ("normalizer", "pre_tokenizer", "truncation", "padding")


def build_tokenizer(options: BpeOptions, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
    """The tokenizer for canonical text like that of ``records``."""
    names = ("unk_token", "pad_token", "cls_token", "sep_token", "mask_token")
    return wrapped(
        _backend(options, records),
        model_max_length=model_max_length,
        **dict(zip(names, SPECIAL_TOKENS, strict=True)),
    )


def _backend(options: BpeOptions, records: Iterable[Record]) -> "Tokenizer":
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors

    vocabulary, merges = _learn(options.vocabulary_size - len(FIXED), records)
    entries = [*FIXED, *(token for token in vocabulary if token not in FIXED)]
    model = models.BPE(
        {token: index for index, token in enumerate(entries)}, merges, unk_token="[UNK]", byte_fallback=True, ignore_merges=True
    )
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (*SPECIAL_TOKENS, *STRUCTURE)])
    special_ids = [(token, SPECIAL_TOKENS.index(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A", pair="[CLS] $A [SEP] $B:1", special_tokens=special_ids)
    return tokenizer


def _learn(size: int, records: Iterable[Record]) -> tuple[list[str], list[tuple[str, str]]]:
    """Pieces and merges of the runs of letters and digits."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=list(CHARACTERS), show_progress=False)
    tokenizer.train_from_iterator(_words(records), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    if not model["merges"]:
        raise TokenizerError("tokenizer kind 'bpe' learns its pieces on the corpus, and there is no text in it")
    return sorted(model["vocab"], key=model["vocab"].__getitem__), [tuple(merge) for merge in model["merges"]]


def _words(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        yield " ".join(filter(None, _LEARNED_FROM.findall(record.text)))


def find_encoder(tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
    """The same ids from a table of words that have been met; ``None`` for a tokenizer that is not cut into words as ours are.

    In canonical text each word stands alone for BPE, so its ids never change.
    """
    backend = tokenizer.backend_tokenizer
    parts = json.loads(backend.to_str())
    ours = {"type": "Split", "pattern": {"Regex": WORD}, "behavior": "Isolated", "invert": False}
    if {name: parts[name] for name in _DECISIVE} != dict.fromkeys(_DECISIVE) | {"pre_tokenizer": ours}:
        return None
    added: dict[str, tuple[int, ...]] = {token["content"]: (token["id"],) for token in parts["added_tokens"]}
    words = re.compile("|".join([*map(re.escape, sorted(added, key=len, reverse=True)), WORD])).findall
    # Digits and letters of other scripts are cut by the tokenizer's own rules.
    return WordTable(backend, words, is_plain=str.isascii, tokenize=backend.model.tokenize, always=added)
