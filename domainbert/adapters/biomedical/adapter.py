"""The biomedical adapter."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Baseline, Drops, Record, word_tfidf
from domainbert.adapters.biomedical import cleaning
from domainbert.adapters.biomedical.options import BiomedicalOptions, BpeOptions, MorphemeOptions, WordPieceOptions
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"

# Words joined by hyphens, slashes and primes without a blank between them, and the charge or sign behind: IL-2, TNF-α, CD4+, 5'-UTR.
_TERM = re.compile(r"[^\W_]+(?:(?:['\u2019\u2032]?[/\u2010\u2011-]|['\u2019\u2032]|,(?=\d))[^\W_]+)*(?:[+⁺⁻](?![^\W_]))?|\S")
_SENTENCE_END = re.compile(r"(?:(?<=[.?!])|(?<=[.?!][\"')\]]))\s+(?=[\"'(\[]?[A-Z0-9\u0391-\u03a9])|\n+")
# What continued models call their special and unused entries.
_SPECIAL = re.compile(r"\[(?:PAD|UNK|CLS|SEP|MASK|BOS|EOS|unused\d+)\]|<(?:s|/s|pad|unk|mask|cls|sep|bos|eos)>|<\|.*\|>|\|\|\|.*\|\|\|")


class BiomedicalAdapter(Adapter):
    """Biomedical text: PubMed abstracts, sentences, clinical notes."""

    name = "biomedical"
    summary = "biomedical text from PubMed and MEDLINE XML, MEDLINE text (.nbib), JSON lines, CSV, Parquet and plain lines"
    canonical_version = cleaning.CANONICAL_VERSION
    Options = BiomedicalOptions
    tokenizer_kinds: ClassVar = {"bpe": BpeOptions, "wordpiece": WordPieceOptions, "morpheme": MorphemeOptions}
    unit_names = ("word", "term", "sentence")
    group_name = "article"
    max_pieces_per_word = 3.0

    options: BiomedicalOptions

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the records of a path, glob, folder, ``hub:owner/name[:config][/split]`` or ``sample``.

        The PMID is id and group where there is one. ``meta`` gives ``file`` and ``line``, and ``abstract`` for one in another language.
        """
        from domainbert.adapters.biomedical import reading

        drops = Drops() if drops is None else drops
        return self._sample(drops) if source == SAMPLE else reading.read_biomedical(source, self.options, drops)

    def _sample(self, drops: Drops) -> Iterator[Record]:
        for record in self.sample():
            drops.num_kept += 1
            yield record

    def files(self, source: str) -> list[Path]:
        """Of a folder, those with a suffix that is read; of a glob or a path, all."""
        from domainbert.adapters.biomedical import reading
        from domainbert.corpus.open import expand

        return [] if source == SAMPLE or source.startswith("hub:") else expand(source, suffixes=reading.SUFFIXES)

    def canonicalize(self, text: str) -> str:
        """NFC with every character kept; blanks, entities, e-mail addresses and placeholders of withheld data in one form."""
        return cleaning.canonicalize(text)

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """Byte-level pieces, learned by merging (``bpe``), as longest pieces (``wordpiece``), or from word parts (``morpheme``)."""
        from domainbert.adapters.biomedical.tokenizers import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'biomedical' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        options = self.tokenizer_kinds[kind]() if options is None else options
        return build_tokenizer(options, records, model_max_length=model_max_length)

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """What is asked for, which a small corpus may fall short of."""
        return int(options.vocabulary_size)

    def is_target(self, token: str) -> bool:
        """Every entry but the special and unused ones of the usual vocabularies."""
        return not _SPECIAL.fullmatch(token)

    def sample(self) -> Iterator[Record]:
        """Abstracts made by a documented grammar (data_cards/biomedical-sample.md)."""
        from domainbert.adapters.biomedical.sample import generate

        return generate()

    def probes(self) -> tuple[str, ...]:
        """Greek letters, signs, raised and lowered figures, hyphenated names, accents, placeholders, entities, spelled special tokens."""
        return (
            "The patients received 25 mg of the drug twice daily for six weeks and were followed for two years after treatment.",
            "TNF-α and IL-1β levels were ≥2.5-fold higher (p < 0.001; 95% CI, 1.4–3.2) in CD4+ T cells.",
            "Serum 25(OH)D<sub>3</sub> was 30 ± 5 µg/L and eGFR < 60 mL/min per 1.73 m<sup>2</sup>.",
            "Ca²⁺-dependent acetylcholinesterase inhibition in Sjögren's and Guillain–Barré syndromes at 37 °C",
            "BACKGROUND: Beta-blockers &amp; statins.\nMETHODS: A double-blind, placebo-controlled trial.",
            "Mr. [**Known lastname 1234**] was seen on [**2119-5-4**]; write to jane.doe@example.org.",
            "The sequence GAATTC was masked as [MASK] and <mask> between [CLS] and [SEP].",
            "e\u0301tude de l'he\u0301patite",
        )

    def baselines(self) -> tuple[Baseline, ...]:
        """TF-IDF of words, and of strings of characters."""
        return (Baseline("TF-IDF of words and pairs of words", word_tfidf), *super().baselines())

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """Spans of ``word``; of ``term``, words joined without a blank (``IL-2``, ``CD4+``); of ``sentence``."""
        if unit == "term":
            return np.array([match.span() for match in _TERM.finditer(text)], np.int64).reshape(-1, 2)
        if unit == "sentence":
            return _sentences(text)
        return super().units(text, unit)


def _sentences(text: str) -> NDArray[np.int64]:
    """From one end of a sentence to the next, without the blanks between."""
    gaps = [match.span() for match in _SENTENCE_END.finditer(text)]
    starts = [0, *(end for _, end in gaps)]
    ends = [*(begin for begin, _ in gaps), len(text)]
    return np.array([(start, end) for start, end in zip(starts, ends, strict=True) if end > start], np.int64).reshape(-1, 2)
