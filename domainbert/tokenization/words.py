"""Ids from a table of words that fills itself, for tokenizers whose model sees one word at a time; the tokenizer stays the authority."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CACHED = 1 << 18  # words; names of generated domains never come back
SEPARATOR = "\0"  # between texts that are looked up together; no word of any pattern holds it
_BREAK = np.uint32(0xFFFFFFFF)

Ids = NDArray[np.uint32]


class WordTable:
    """A quick way to the ids of a tokenizer, without special tokens.

    Args:
        backend: gets the texts that are not plain.
        words: gives the words of a plain text, each of which the tokenizer's model would see alone; ``SEPARATOR`` is one.
        is_plain: whether ``words`` finds the words of a text as the tokenizer does.
        tokenize: the model's tokens of one word.
        always: ids of words that are not the model's to decide.
    """

    def __init__(
        self,
        backend: "Tokenizer",
        words: Callable[[str], list[str]],
        *,
        is_plain: Callable[[str], bool],
        tokenize: Callable[[str], Sequence[Any]],
        always: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        self._backend, self._words, self._is_plain = backend, words, is_plain
        self._ids = _Known(tokenize, {SEPARATOR: (int(_BREAK),)} | dict(always or {})).__getitem__

    def __call__(self, text: str) -> Ids:
        """Ids of one text."""
        return self.together([text])[0]

    def together(self, texts: Sequence[str]) -> tuple[Ids, NDArray[np.int64]]:
        """Ids of texts end to end, and how many each has."""
        joined = SEPARATOR.join((*texts, ""))
        if joined.count(SEPARATOR) != len(texts) or not self._is_plain(joined):
            parts = [self(text) for text in texts] if len(texts) > 1 else list(map(self._by_tokenizer, texts))
            return np.concatenate([np.empty(0, np.uint32), *parts]), np.fromiter(map(len, parts), np.int64, len(parts))
        ids = np.fromiter(chain.from_iterable(map(self._ids, self._words(joined))), np.uint32)
        is_break = ids == _BREAK
        return ids[~is_break], np.diff(np.flatnonzero(is_break), prepend=-1) - 1

    def _by_tokenizer(self, text: str) -> Ids:
        return np.array(self._backend.encode(text, add_special_tokens=False).ids, np.uint32)


class _Known(dict[str, tuple[int, ...]]):
    """The ids of words that have been met; ``always`` stay."""

    def __init__(self, tokenize: Callable[[str], Sequence[Any]], always: dict[str, tuple[int, ...]]) -> None:
        super().__init__(always)
        self._tokenize, self._always = tokenize, always

    def __missing__(self, word: str) -> tuple[int, ...]:
        if len(self) >= CACHED:
            self.clear()
            self.update(self._always)
        ids = self[word] = tuple([token.id for token in self._tokenize(word)])
        return ids
