"""An adapter of made-up sentences, and every way in which tokenizers mark where words begin."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter, Drops, Record
from domainbert.adapters.dna.options import CharacterOptions
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.recipe.schema import Corpus

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SYLLABLES = ["ka", "to", "mi", "re", "su", "né", "lo", "vi", "œu", "da"]


def sentences() -> list[str]:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(SYLLABLES, rng.integers(1, 6))) for _ in range(60)]
    return [" ".join(rng.choice(words, 12)) + rng.choice([".", ", «etc».", " !"]) for _ in range(80)]


class Sentences(Adapter):
    name = "sentences"
    summary = "a test's own"
    canonical_version = "1"
    Options = CharacterOptions
    tokenizer_kinds: ClassVar = {}
    unit_names = ("word",)

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        drops = Drops() if drops is None else drops
        for number, text in enumerate(sentences()):
            drops.num_kept += 1
            yield Record(str(number), text, str(number))

    def files(self, source: str) -> list[Path]:
        return []

    def canonicalize(self, text: str) -> str:
        return text

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> PreTrainedTokenizerFast:
        raise NotImplementedError

    def is_target(self, token: str) -> bool:
        return True

    def sample(self) -> Iterator[Record]:
        return self.records("sample")

    def probes(self) -> tuple[str, ...]:
        return tuple(sentences()[:3])


def word_piece() -> Tokenizer:
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.train_from_iterator(sentences(), trainers.WordPieceTrainer(vocab_size=70, special_tokens=SPECIAL, show_progress=False))
    return backend


def byte_level(*, trims: bool) -> Tokenizer:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=trims)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=310, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(sentences(), trainer)
    return backend


def sentence_piece() -> Tokenizer:
    backend = Tokenizer(models.BPE(byte_fallback=False, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.train_from_iterator(sentences(), trainers.BpeTrainer(vocab_size=80, special_tokens=SPECIAL, show_progress=False))
    return backend


TOKENIZERS = {
    "WordPiece": word_piece,
    "byte-level": lambda: byte_level(trims=True),
    "byte-level, blanks in the offsets": lambda: byte_level(trims=False),
    "Metaspace": sentence_piece,
}


def wrapped(backend: Tokenizer) -> PreTrainedTokenizerFast:
    template = [("[CLS]", 2), ("[SEP]", 3)]
    backend.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=template)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **names)


def store(folder: Path, backend: Tokenizer) -> TokenStore:
    tokenizer = wrapped(backend)
    corpus = Corpus(sources=("test",), validation_fraction=0.0)
    return build_store(Sentences(), corpus, folder / "store", make_tokenizer=lambda _: tokenizer, seed=0)
