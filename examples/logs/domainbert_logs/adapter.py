"""Log lines: one record a line, lines of one template in one group."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter, Drops, Record
from domainbert.corpus.documents import read_documents
from domainbert.corpus.open import open_source
from domainbert.recipe.schema import number
from domainbert_logs.sample import generate

SPECIAL = ("<pad>", "<unk>", "<cls>", "<sep>", "<mask>")
VARIABLE = re.compile(r"\b(?=\w*\d)\w+\b")  # what differs between lines of one template: words with a digit in them


@dataclass(frozen=True, slots=True)
class LogsOptions:
    """``[corpus.options]``: how files are read."""

    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class BpeOptions:
    """``[tokenizer.options]`` of ``kind = "bpe"``."""

    vocabulary_size: int = number(2048, low=300, high=65536)


class LogsAdapter(Adapter):
    """Lines of log files, plain or compressed."""

    name, summary, canonical_version = "logs", "log lines from plain text", "logs-1"
    Options = LogsOptions
    tokenizer_kinds = {"bpe": BpeOptions}
    unit_names = ("field",)

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        drops = Drops() if drops is None else drops
        for record in self.sample() if source == "sample" else self._read(source, drops):
            drops.num_kept += 1
            yield record

    def canonicalize(self, text: str) -> str:
        text = " ".join(text.split())
        for token in SPECIAL:  # a line that spells a special token stays text
            text = text.replace(token, f"< {token[1:]}")
        return text

    def tokenizer(self, kind: str, options: BpeOptions, records: Iterable[Record], *, model_max_length: int) -> PreTrainedTokenizerFast:
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        letters = pre_tokenizers.ByteLevel.alphabet()  # every byte: no line is unknown
        trainer = trainers.BpeTrainer(vocab_size=options.vocabulary_size, special_tokens=list(SPECIAL), initial_alphabet=letters)
        backend.train_from_iterator((record.text for record in islice(records, 100_000)), trainer)
        backend.post_processor = processors.TemplateProcessing(single="<cls> $A <sep>", special_tokens=[("<cls>", 2), ("<sep>", 3)])
        names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
        return PreTrainedTokenizerFast(
            tokenizer_object=backend, model_max_length=model_max_length, clean_up_tokenization_spaces=False, **dict(zip(names, SPECIAL))
        )

    def is_target(self, token: str) -> bool:
        return token not in SPECIAL

    def sample(self) -> Iterator[Record]:
        return (self._record(f"sample:{number}", line) for number, line in enumerate(generate(), start=1))

    def probes(self) -> tuple[str, ...]:
        return ("Jan  3 07:00:01 web1 sshd[12]: Failed password for <mask> from 10.0.0.1", "GET /índice?q=1&r=%20 200\t1.5ms", "a")

    def units(self, text: str, unit: str) -> np.ndarray:
        if unit != "field":
            return super().units(text, unit)
        return np.array([match.span() for match in re.finditer(r"\S+", text)], np.int64).reshape(-1, 2)

    def _read(self, source: str, drops: Drops) -> Iterator[Record]:
        for path in self.files(source):
            with open_source(path) as file:
                for document in read_documents(file, drops, format="lines", encoding=self.options.encoding):
                    yield self._record(document.id, document.text)

    def _record(self, name: str, line: str) -> Record:
        return Record(name, line, group=VARIABLE.sub("#", line))
