"""The URL adapter."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter, Baseline, Drops, Encode, Record
from domainbert.adapters.urls import canonical
from domainbert.adapters.urls.options import BpeOptions, UrlsOptions
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE = "sample"
_REMEMBERED = 1 << 14  # more than a batch of a build, which asks for the group when it reads and for the text when it writes


class UrlsAdapter(Adapter):
    """URLs, host names and addresses."""

    name = "urls"
    summary = "URLs and domain names from lists, tables, JSON lines and proxy logs"
    canonical_version = canonical.CANONICAL_VERSION
    Options = UrlsOptions
    tokenizer_kinds: ClassVar = {"bpe": BpeOptions}
    view_names = ("spelling", "parameter_order")
    unit_names = ("word", "subdomain", "label", "tld", "path_segment", "parameter_name", "value")
    group_name = "registered domain"
    structure_tokens = canonical.STRUCTURE
    libraries = ("idna",)

    options: UrlsOptions

    def __init__(self, options: UrlsOptions | None = None) -> None:
        super().__init__(options)
        spell = partial(canonical.canonicalize, keep_scheme=self.options.keep_scheme, keep_www=self.options.keep_www)
        self._canonicalize = lru_cache(_REMEMBERED)(spell)

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the records of a path, glob, folder, ``hub:owner/name[:config][/split]`` or ``sample``.

        The group is the registered domain by the public suffix list, names under private suffixes (``github.io``) apart, or the
        network of an address (/24, /48). ``meta`` gives ``file``, and ``kind`` where ``kind_column`` is set.
        """
        from domainbert.adapters.urls import reading

        drops = Drops() if drops is None else drops
        if source == SAMPLE:
            return self._sample_records(drops)
        return reading.read_urls(source, self.options, drops, self.canonicalize)

    def files(self, source: str) -> list[Path]:
        """Of a folder, the lists and tables; of a glob or a path, all."""
        from domainbert.adapters.urls import reading

        return [] if source == SAMPLE or source.startswith("hub:") else reading.url_files(source, self.options)

    def group(self, text: str) -> str:
        """The registered domain, or the network of an address."""
        from domainbert.adapters.urls.host import group_of

        kind, host = canonical.host_of(text)
        return group_of(host, kind) if host else ""

    def baselines(self) -> tuple[Baseline, ...]:
        """TF-IDF of characters, and public suffix with lengths."""
        from domainbert.adapters.urls.baselines import suffix_and_lengths

        return (*super().baselines(), Baseline("public suffix and lengths", suffix_and_lengths))

    def canonicalize(self, text: str) -> str:
        """``[DOMAIN]host[PORT]8080[PATH]a/b[QUERY]x=1[FRAGMENT]f``; see ``domainbert.adapters.urls.canonical``."""
        return self._canonicalize(text)

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """Learned pieces of names and paths (``bpe``)."""
        from domainbert.adapters.urls.tokenizer import build_tokenizer

        if kind not in self.tokenizer_kinds:
            raise TokenizerError(f"adapter 'urls' has no tokenizer kind {kind!r}; it has {', '.join(self.tokenizer_kinds)}")
        return build_tokenizer(BpeOptions() if options is None else options, records, model_max_length=model_max_length)

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int:
        """What is asked for, which a small corpus may fall short of."""
        return int(options.vocabulary_size)

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """A table of words that have been met, for our own tokenizers."""
        from domainbert.adapters.urls.tokenizer import find_encoder

        return find_encoder(tokenizer)

    def is_target(self, token: str) -> bool:
        """Whether canonical text may hold an entry outside of structure tokens, behind a word marker (``Ġ``, ``▁``, ``##``) or not."""
        letters = token.removeprefix("Ġ").removeprefix("▁").removeprefix("##")
        return canonical.is_plain_text(letters)

    def sample(self) -> Iterator[Record]:
        """URLs made by a documented generator (data_cards/urls-sample.md)."""
        from domainbert.adapters.urls.sample import generate

        return generate()

    def _sample_records(self, drops: Drops) -> Iterator[Record]:
        for record in self.sample():
            drops.num_kept += 1
            yield record

    def probes(self) -> tuple[str, ...]:
        """Every part of a URL, every kind of host, escapes, redaction, defanged spellings, and text that spells structure."""
        return (
            "https://user:secret@WWW.Example.co.uk:8443/Shop/%7Euser/a%20b?q=1&session=abc&mail=jo@example.com#top",
            "xkqzvtw.example.net",
            "http://192.0.2.7/index.php?id=0x1F",
            "[2001:db8::7]:8080/status",
            "bücher.example/straße?q=größe",
            "xn--bcher-kva.example",
            "xn--zzzzzzz99999.example/100%",
            "hxxps[:]//login[.]example[.]org/a/../b",
            "example.com/http://example.org/?next=https%3A%2F%2Fexample.net%2F%3Ftoken%3Dabc",
            "example.com/[MASK]/?x=[DOMAIN]&y=<mask>",
            "javascript:alert('1 2')",
        )

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """Spans of ``word``, ``subdomain``, ``label``, ``tld`` (the public suffix), ``path_segment``, ``parameter_name`` or ``value``."""
        from domainbert.adapters.urls import parts

        return parts.unit_spans(text, unit) if unit in parts.UNITS else super().units(text, unit)

    def breakdown(self, text: str) -> Mapping[str, NDArray[np.int64]]:
        """``name`` (the host but its public suffix), ``suffix``, ``path``, ``query`` and ``fragment``."""
        from domainbert.adapters.urls import parts

        return parts.breakdown(text)

    def view(self, name: str, record: Record, rng: np.random.Generator) -> Record:
        """``spelling``: optional escapes written or left out. ``parameter_order``: the query's parameters shuffled."""
        from domainbert.adapters.urls.views import VIEWS

        if name not in self.view_names:
            return super().view(name, record, rng)
        text = VIEWS[name](record.text, rng)
        # An escape that is undone may complete what would be redacted; such a URL keeps its spelling.
        return replace(record, text=text) if self.canonicalize(text) == text else record
