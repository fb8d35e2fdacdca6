"""What every domain adapter provides: records, canonical text, a tokenizer, units and views."""

import math
import re
import sys
import tomllib
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Encode = Callable[[str], NDArray[np.integer[Any]]]
_MOST_STRINGS = 4096  # strings of the longest length that a letter baseline counts


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of a corpus, or one piece of a long entry.

    Pieces of one entry share ``id`` and ``group`` and follow each other; ``meta["start"]`` says where a piece begins.

    Args:
        id: the entry's name in its source.
        text: the raw text, before ``canonicalize``.
        group: what must not straddle training and validation (chromosome, scaffold, author, ...).
        meta: where the text comes from, as short strings. Where it has a ``kind``, held-out figures are given for each kind apart.
        second: the other half of a pair.
        label: the label of a labelled source.
    """

    id: str
    text: str
    group: str
    meta: Mapping[str, str] = field(default_factory=dict)
    second: "Record | None" = None
    label: float | str | None = None


@dataclass
class Drops:
    """Entries left out of a corpus, counted by reason, with the first place of each reason.

    ``num_kept`` counts the entries that stay (not their pieces): the two give the drop rate. ``trimmed`` counts the
    characters cut from entries that stay, by reason; ``altered`` counts entries that stay but were normalised, by what.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    num_kept: int = 0
    trimmed: Counter[str] = field(default_factory=Counter)
    altered: Counter[str] = field(default_factory=Counter)

    def add(self, reason: str, place: str) -> None:
        """Count one entry dropped for ``reason`` at ``place`` (file and line, byte or record)."""
        self.counts[reason] += 1
        self.first.setdefault(reason, place)

    @property
    def rate(self) -> float:
        """Share of entries dropped, 0..1."""
        total = self.num_kept + self.counts.total()
        return self.counts.total() / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The characters of canonical text that count baselines and base-space masks work on.

    Args:
        letters: every character that may be hidden and predicted, ASCII, without ``?``; e.g. ``"ACGT"``.
        unit: what one character is called in reports, e.g. ``"base"``.
        block: length in characters of the aligned block hidden as a whole (6 for DNA, a 6-mer); 1 where none is natural.
    """

    letters: str
    unit: str
    block: int = 1


@dataclass(frozen=True, slots=True)
class Baseline:
    """A trivial opponent on labelled tasks: features that need no encoder, and what learns from them.

    Args:
        name: for tables.
        features: makes an unfitted scikit-learn transformer of canonical texts.
        learner: ``linear`` (logistic or ridge regression) or ``forest``.
        products: of pairs, pairs are compared by the product of what the features of either half have in common, and ``learner`` is
            kernel ridge regression.
    """

    name: str
    features: Callable[[], Any]
    learner: str = "linear"
    products: bool = False


def _character_tfidf() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char", ngram_range=(3, 5), lowercase=False, sublinear_tf=True, max_features=200_000)


def word_tfidf() -> Any:
    """An unfitted transformer: words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\w+", sublinear_tf=True, max_features=200_000)


def string_counts(longest: int) -> Any:
    """An unfitted transformer: how often each string of up to so many letters stands in a text."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    # Frequencies, not counts: a long text is no other class for being long.
    return TfidfVectorizer(analyzer="char", ngram_range=(1, longest), lowercase=False, use_idf=False)


def word_spans(text: str) -> NDArray[np.int64]:
    """Words: runs of letters, digits and combining marks; any other character that is not blank is a word of its own.

    Returns:
        ``(N, 2)`` start and end characters, ascending, not overlapping.
    """
    pattern = _ASCII_WORDS if text.isascii() else _unicode_words()
    return np.array([match.span() for match in pattern.finditer(text)], np.int64).reshape(-1, 2)


_ASCII_WORDS = re.compile(r"[A-Za-z0-9]+|\S")


@cache
def _unicode_words() -> re.Pattern[str]:
    r"""As above with every mark of Unicode, which ``\w`` leaves out (0.1 s to find them, so only once they are needed)."""
    marks = "".join(character for character in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(character)[0] == "M")
    return re.compile(rf"(?:[^\W_]++|[{re.escape(marks)}]++)++|\S")


class Adapter(ABC):
    """A domain: turns its own files into canonical text and a tokenizer.

    Args:
        options: an instance of ``Options``; the defaults when absent.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    canonical_version: ClassVar[str]
    Options: ClassVar[type[Any]]
    tokenizer_kinds: ClassVar[Mapping[str, type[Any]]]
    """Tokenizer algorithms by name, each with the frozen dataclass of its ``[tokenizer.options]``."""
    view_names: ClassVar[tuple[str, ...]] = ()
    unit_names: ClassVar[tuple[str, ...]] = ()
    alphabet: ClassVar[Alphabet | None] = None
    """Where a domain has few letters, evaluation hides letters and blocks of them; ``None`` for text, where it hides whole units."""
    evaluation_unit: ClassVar[str] = "word"
    """The unit that evaluation hides as a whole in text."""
    max_pieces_per_word: ClassVar[float] = 4.0
    """Pieces that a tokenizer may need for a word of the probes, on average; 0 for no bound."""
    group_name: ClassVar[str] = "group"
    """What ``group`` gives is called; ``evaluate --split`` knows it by that name too."""
    structure_tokens: ClassVar[tuple[str, ...]] = ()
    """Tokens that ``canonicalize`` itself writes; every other special token that a text spells stays text."""
    whole_records: ClassVar[bool] = False
    """Whether a record means something only as a whole: those longer than ``max_length`` are then left out and counted, never cut."""
    separator: ClassVar[str] = ""
    """What ``join`` writes before the second text of a pair, a token of its own that neither text holds; empty without pairs."""
    libraries: tuple[str, ...] = ()
    """Distributions that ``canonicalize`` relies on, with the options at hand; their versions stand in the model's contract."""

    def __init__(self, options: Any = None) -> None:
        self.options = self.Options() if options is None else options

    @abstractmethod
    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """Stream the records of a source string (path, glob, folder, ``hub:...`` or ``sample``).

        Bad entries are counted in ``drops``; a source that cannot be trusted as a whole raises ``CorpusError``.
        """

    def files(self, source: str) -> list[Path]:
        """The files that ``records`` reads for a source; none for ``sample`` and ``hub:``.

        Raises:
            CorpusError: the source does not exist, or no file of it is the domain's.
        """
        from domainbert.corpus.open import expand

        return [] if source == "sample" or source.startswith("hub:") else expand(source)

    @abstractmethod
    def canonicalize(self, text: str) -> str:
        """The one spelling of ``text`` that tokenizers, masks and evaluation see. Idempotent."""

    @abstractmethod
    def tokenizer(
        self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int
    ) -> "PreTrainedTokenizerFast":
        """A tokenizer that is complete in ``tokenizer.json``; ``records`` hold canonical text to learn from."""

    @abstractmethod
    def is_target(self, token: str) -> bool:
        """Whether a vocabulary entry, as spelled in the vocabulary, may be predicted and may replace another one."""

    @abstractmethod
    def sample(self) -> Iterator[Record]:
        """The built-in corpus: deterministic, without a network."""

    @abstractmethod
    def probes(self) -> tuple[str, ...]:
        """A few raw texts with the domain's difficult spellings, for the tokenizer check and the model's contract."""

    def units(self, text: str, unit: str) -> NDArray[np.int64]:
        """Spans of canonical text that masking may treat as one; ``"word"`` is known to every adapter.

        Returns:
            ``(N, 2)`` start and end characters, ascending, not overlapping.
        """
        if unit == "word":
            return word_spans(text)
        raise ValueError(f"{self.name} has no unit {unit!r}; it has {', '.join(self.unit_names) or 'none'}")

    def breakdown(self, text: str) -> Mapping[str, NDArray[np.int64]] | None:
        """Parts of canonical text that evaluation reports apart, by name (host, path, query); ``None`` for none.

        Returns:
            for each name spans as ``units`` gives them; spans of two names do not overlap either.
        """
        return None

    def view(self, name: str, record: Record, rng: np.random.Generator) -> Record:
        """One label-preserving rewrite of a record of canonical text. ``rng`` drives the random ones."""
        raise ValueError(f"{self.name} has no view {name!r}; it has {', '.join(self.view_names) or 'none'}")

    def views(self, record: Record, rng: np.random.Generator) -> dict[str, Record]:
        """Every view of a record, by name."""
        return {name: self.view(name, record, rng) for name in self.view_names}

    def mirror(self, text: str) -> str | None:
        """Another spelling of the same entry, read backwards.

        It holds that ``mirror(a + b) == mirror(b) + mirror(a)``. Duplicate removal and leak figures treat both as one. ``None`` where a
        domain has none.
        """
        return None

    def join(self, first: str, second: str) -> str:
        """One text of the two raw texts of a pair, with structure tokens between them; ``canonicalize`` keeps its form."""
        raise ValueError(f"{self.name} has no pairs")

    def whole(self, record: Record) -> Record:
        """A record of one text: a pair's two are joined."""
        if record.second is None:
            return record
        return replace(record, text=self.join(record.text, record.second.text), second=None)

    @classmethod
    def tokenizer_problem(cls, kind: str, options: Any) -> str:
        """Why a kind does not read what these options write, as a message goes on behind ``tokenizer.kind``; empty where it does."""
        return ""

    @classmethod
    def vocabulary_size(cls, kind: str, options: Any) -> int | None:
        """Entries of a tokenizer of that kind before it is made, for ``plan``; ``None`` where only the corpus decides."""
        return None

    def fast_encoder(self, tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
        """A quicker way to the same ids as ``tokenizer`` on canonical text, without special tokens; ``None`` if none."""
        return None

    def entries(self, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Canonical text of entries as a table's cells hold them, each with the reason why it cannot be used, empty for none.

        By default each is canonicalised; a domain whose files hold another form than its text, or invalid entries, says so here.
        """
        return ((self.canonicalize(text), "") for text in texts)

    def group(self, text: str) -> str:
        """What must not straddle splits with canonical ``text``: its registered domain, scaffold, composition; empty for nothing."""
        return ""

    def tasks(self) -> tuple[str, ...]:
        """Names of the domain's downstream tasks."""
        return tuple(self.task_tables())

    def task_tables(self) -> Mapping[str, Mapping[str, Any]]:
        """Tables of the built-in tasks by name, as ``downstream.task`` reads them; their files lie in a folder of the user's."""
        path = Path(__file__).parent / "tasks" / f"{self.name}.toml"
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def baselines(self) -> "tuple[Baseline, ...]":
        """Trivial opponents of an encoder on labelled tasks.

        By default counts of strings of letters where the domain has an alphabet (six bases, three residues), else TF-IDF of strings of
        three to five characters.
        """
        if self.alphabet is None:
            return (Baseline("TF-IDF of 3 to 5 characters", _character_tfidf),)
        longest = max(1, round(math.log(_MOST_STRINGS, len(self.alphabet.letters))))
        return (Baseline(f"counts of 1 to {longest} {self.alphabet.unit}s", partial(string_counts, longest)),)
