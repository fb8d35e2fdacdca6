"""An adapter of made-up pairs with labels: how many letters of the first text are a's."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter, Drops, Record

SPECIAL = ["[PAD]", "[CLS]", "[MASK]", "[UNK]"]


@dataclass(frozen=True, slots=True)
class Options:
    """``labelled``: 0 for pairs without labels; ``whole``: 0 for first texts alone."""

    labelled: int = 1
    whole: int = 1


class Pairs(Adapter):
    name = "pairs"
    summary = "a test's own"
    canonical_version = "1"
    Options = Options
    tokenizer_kinds: ClassVar = {"letters": Options}
    structure_tokens = ("|",)
    separator = "|"
    max_pieces_per_word = 0.0

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        drops = Drops() if drops is None else drops
        rng = random.Random(0)
        for number in range(400):
            drops.num_kept += 1
            first = "".join(rng.choices("abcd", k=rng.randint(5, 20)))
            second = Record(f"target {number % 7}", "".join(rng.choices("efgh", k=rng.randint(5, 60))), "t")
            label = float(first.count("a")) if self.options.labelled and number % 4 else None
            yield Record(str(number), first, str(number % 40), second=second if self.options.whole else None, label=label)

    def files(self, source: str) -> list[Path]:
        return []

    def join(self, first: str, second: str) -> str:
        return f"{first}|{second}"

    def canonicalize(self, text: str) -> str:
        return text

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> PreTrainedTokenizerFast:
        vocabulary = {token: number for number, token in enumerate([*SPECIAL, *"abcdefgh|"])}
        backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
        backend.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
        backend.decoder = decoders.Fuse()
        backend.post_processor = processors.TemplateProcessing("[CLS] $A", special_tokens=[("[CLS]", 1)])
        names = dict(zip(("pad_token", "cls_token", "mask_token", "unk_token"), SPECIAL, strict=True))
        return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=model_max_length, **names)

    def is_target(self, token: str) -> bool:
        return len(token) == 1 and token != "|"

    def sample(self) -> Iterator[Record]:
        return self.records("sample")

    def probes(self) -> tuple[str, ...]:
        return ("abcd|efgh", "a|h")
