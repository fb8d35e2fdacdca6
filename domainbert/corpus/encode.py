"""Canonical text to token ids, by the adapter's quick way where it has one."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.errors import TokenizerError
from domainbert.tokenization.spans import Vocabulary
from domainbert.tokenization.words import WordTable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CHECKED_RECORDS, CHECKED_CHARACTERS = 32, 2_000
CHUNK_CHARACTERS = 1 << 18  # tokenizers keeps some hundred bytes a token until a batch is read


class Encoder:
    """Encodes texts without special tokens.

    The first texts are encoded both ways; ``tokenizer.json`` is the authority.

    Args:
        adapter: may have a ``fast_encoder``.
        tokenizer: whose ids are wanted.
    """

    def __init__(self, adapter: Adapter, tokenizer: "PreTrainedTokenizerFast") -> None:
        from tokenizers import Tokenizer

        # A copy, because a base's tokenizer.json may truncate or pad.
        self._backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._backend.no_truncation()
        self._backend.no_padding()
        self._backend.encode_special_tokens = not adapter.structure_tokens  # a text that spells one stays text
        self.name = adapter.name
        self.size = len(tokenizer)
        self._fast = adapter.fast_encoder(tokenizer)
        self._checked = self._fast is None

    def __call__(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Ids of all texts end to end, and how many each has.

        Raises:
            TokenizerError: the quick way and the tokenizer disagree.
        """
        if self._fast is None:
            return self._by_tokenizer(texts)
        if not self._checked:
            self._check([text[:CHECKED_CHARACTERS] for text in texts[:CHECKED_RECORDS]])
        if isinstance(self._fast, WordTable):
            lots = [self._fast.together(chunk) for chunk in _chunks(texts)]
        else:
            parts = [self._fast(text) for text in texts]
            lots = [(np.concatenate(parts), np.fromiter(map(len, parts), np.int64, len(parts)))]
        ids, counts = (np.concatenate(each) for each in zip(*lots, strict=True))
        assert not len(ids) or int(ids.max()) < self.size, f"the quick encoder of {self.name} gave an id beyond the vocabulary"
        return ids, counts

    def with_spans(self, texts: Sequence[str], vocabulary: Vocabulary) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        """Ids of each text, and start and end character of each token, ``(n, 2)``.

        Args:
            texts: canonical text.
            vocabulary: of the tokenizer.
        """
        if self._fast is not None and vocabulary.concatenates:
            ids, counts = self(texts)
            ends = np.cumsum(counts)[:-1]
            each = np.split(ids.astype(np.int64), ends)
            widths = [vocabulary.widths[own] for own in each]
            spans = [np.stack((np.cumsum(own) - own, np.cumsum(own)), axis=1) for own in widths]
            if all(own.sum() == len(text) for own, text in zip(widths, texts, strict=True)):
                return each, spans
        encodings = self._backend.encode_batch(list(texts), add_special_tokens=False)
        offsets = [np.array(encoding.offsets, np.int64).reshape(-1, 2) for encoding in encodings]
        return [np.array(encoding.ids, np.int64) for encoding in encodings], offsets

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and end character of each of a text's tokens."""
        offsets: list[tuple[int, int]] = self._backend.encode(text, add_special_tokens=False).offsets
        return offsets

    def _by_tokenizer(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        ids: list[NDArray[np.uint32]] = []
        counts: list[int] = []
        for chunk in _chunks(texts):
            lists = [encoding.ids for encoding in self._backend.encode_batch_fast(chunk, add_special_tokens=False)]
            counts.extend(map(len, lists))
            ids.append(np.fromiter(chain.from_iterable(lists), np.uint32))
        return np.concatenate(ids), np.array(counts, np.int64)

    def _check(self, texts: Sequence[str]) -> None:
        assert self._fast is not None
        for text in texts:
            quick, exact = self._fast(text).tolist(), self._backend.encode(text, add_special_tokens=False).ids
            if quick != exact:
                same = [one == other for one, other in zip(quick, exact, strict=False)]
                place = same.index(False) if False in same else len(same)
                raise TokenizerError(
                    f"adapter {self.name!r}: its quick encoder and tokenizer.json differ at token {place} of {text[:60]!r}: "
                    f"{quick[place : place + 3]} against {exact[place : place + 3]}"
                )
        self._checked = True


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    begin = characters = 0
    for number, text in enumerate(texts):
        characters += len(text)
        if characters >= CHUNK_CHARACTERS:
            yield texts[begin : number + 1]
            begin, characters = number + 1, 0
    if begin < len(texts):
        yield texts[begin:]
