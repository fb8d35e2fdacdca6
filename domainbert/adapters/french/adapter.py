"""The French adapter."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Baseline, Drops, Encode, Record, word_tfidf
from domainbert.adapters.french import spelling
from domainbert.adapters.french.options import FrenchOptions, WordPieceOptions
from domainbert.adapters.french.variants import VARIANTS
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"
# [CLS], [unused7], <s>, <|endoftext|>; the single bytes of SentencePiece (<0xE9>) are text
_STRUCTURE = re.compile(r"\[[A-Za-z]+\d*\]|<(?!0x[0-9A-F]{2}>)[^<>]+>")


class FrenchAdapter(Adapter):
    """French text, of the web as well as of old books."""

    name = "french"
    summary = "French text from plain text, JSON lines, CSV, Parquet and CoNLL-U"
    canonical_version = spelling.CANONICAL_VERSION
    Options = FrenchOptions
    tokenizer_kinds: ClassVar = {"wordpiece": WordPieceOptions}
    view_names = tuple(VARIANTS)
    unit_names = ("word", "elided")
    group_name = "author"

    options: FrenchOptions

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the records of a path, glob, folder, ``hub:owner/name[:config][/split]`` or ``sample``.

        A long text is as many records as it has windows; ``meta`` gives ``start`` (characters before it in the text) and ``file``.
        """
        from domainbert.adapters.french import reading

        drops = Drops() if drops is None else drops
        if source == SAMPLE:
            return reading.cut_sample(self.sample(), self.options, drops)
        return reading.read_french(source, self.options, drops)

    def files(self, source: str) -> list[Path]:
        """Of a folder, those with a suffix of text, and the metadata tables that name authors."""
        from domainbert.adapters.french import reading

        return [] if source == SAMPLE or source.startswith("hub:") else reading.all_files(source, self.options)

    def canonicalize(self, text: str) -> str:
        """NFC, one apostrophe, no-break spaces as blanks, LF line ends; accents, case and ligatures stay."""
        return spelling.canonicalize(text)

    def align(self, raw: str) -> spelling.Aligned:
        """Canonical text with the raw place of each of its characters, for labels that count in the raw text."""
        return spelling.align(raw)

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """``wordpiece``: learned on the records, with bytes for what they lack."""
        from domainbert.adapters.french.tokenizers import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'french' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        options = self.tokenizer_kinds[kind]() if options is None else options
        return build_tokenizer(options, records, model_max_length=model_max_length)

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """What is asked for; a small corpus may fall short of it."""
        return int(options.vocabulary_size)

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """Each word's ids looked up, for the tokenizers of this adapter."""
        from domainbert.adapters.french.encoders import find_encoder

        return find_encoder(tokenizer)

    def is_target(self, token: str) -> bool:
        """Whether an entry is text: all but special tokens and those that name themselves unused."""
        return bool(token) and _STRUCTURE.fullmatch(token) is None

    def sample(self) -> Iterator[Record]:
        """Texts written by grammars (data_cards/french-sample.md)."""
        from domainbert.adapters.french.sample import generate

        return generate()

    def probes(self) -> tuple[str, ...]:
        """Accents, ligatures, quotation marks, elisions with every apostrophe, no-break spaces, numbers, decomposed accents."""
        return (
            "Cette année-là, l'été fut très sec et les récoltes souffrirent beaucoup de la chaleur.",
            "L\u2019\u0153uvre de ma s\u0153ur n\u02bca pas plu aujourd\u2019hui\u00a0: d`où vient qu\u2032on l\u2019ignore\u202f?",
            "«\u00a0Où êtes-vous\u00a0?\u00a0» demanda-t-elle. Ç'aurait été, dès l'aube, un château, une forêt, des maïs ambigus.",
            "En 1987, 19 87 ou 12345 habitants payaient 3,50 € — soit 1 250 francs.",
            "E\u0301te\u0301, franc\u0327ais, cou\u0302t, nai\u0308f.",
            "ÉCOLE NATIONALE : L'ÂGE D'OR, Cœur, Ægypte.",
        )

    def baselines(self) -> tuple[Baseline, ...]:
        """TF-IDF of words, and of strings of characters."""
        return (Baseline("TF-IDF of words and pairs of words", word_tfidf), *super().baselines())

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """``word``: an elided word apart from the next one (``l'`` + ``arbre``); ``elided``: both as one."""
        if unit not in self.unit_names:
            return super().units(text, unit)
        return spelling.words(text, with_elided=unit == "elided")

    def view(self, name: str, record: Record, rng: np.random.Generator) -> Record:
        """The same text in another hand: see ``variants``. Its apostrophes and spaces are canonical again."""
        if name not in self.view_names:
            return super().view(name, record, rng)
        return replace(record, text=spelling.canonicalize(VARIANTS[name](record.text, rng)))
