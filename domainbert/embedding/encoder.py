"""Texts to vectors with a trained encoder, in the spelling that it was trained on.

T tokens of a micro-batch, W windows of texts, N texts, D hidden size.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter
from domainbert.adapters.plain import PlainText
from domainbert.corpus.encode import Encoder as Encode
from domainbert.embedding.loading import adapter_for, longest, model_folder, quiet_transformers, warn_misfit
from domainbert.embedding.windows import Ints, Long, Pooling, Windows, contents, pool
from domainbert.engine.attention import Group
from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.families import family_of
from domainbert.engine.linear import quick_linear
from domainbert.engine.model import load_base, load_base_tokenizer
from domainbert.engine.packing import Batch, micro_batches
from domainbert.engine.proof import proven_layout
from domainbert.errors import CorpusError, ModelError, TokenizerError
from domainbert.publishing.contract import Contract, check_contract
from domainbert.tokenization.spans import read_vocabulary

Vectors = NDArray[np.float32]

BATCH_TOKENS = 2048  # measured on two cores: more leave the caches
CHUNK_CHARACTERS = 1 << 22  # texts that are sorted by length together
log = logging.getLogger(__name__)


class Encoder:
    """An encoder with its tokenizer and its spelling.

    Args:
        model: a masked language model; only the encoder below its head is used.
        tokenizer: the model's.
        adapter: spells texts; plain text by default.
        name: for messages.
        max_length: tokens of a window, special ones included; by default what model and tokenizer take.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        adapter: Adapter | None = None,
        *,
        name: str = "the model",
        max_length: int = 0,
    ) -> None:
        self.model, self.tokenizer, self.adapter, self.name = model.train(False), tokenizer, adapter or PlainText(), name
        self.vocabulary = read_vocabulary(tokenizer, self.adapter)
        self.max_length = longest(model, tokenizer, wanted=max_length, name=name)
        layout = None if family_of(model.config).known else proven_layout(model, self.vocabulary, max_length=self.max_length)
        self._packed = PackedEncoder(model, layout=layout)
        self._encode = Encode(self.adapter, tokenizer)

    @classmethod
    def from_pretrained(
        cls, path: str | Path, *, adapter: str | Adapter = "", revision: str = "", max_length: int = 0, device: str = ""
    ) -> "Encoder":
        """Load a model folder, a run folder, or a model of the Hub.

        A folder with ``domainbert.json`` names its adapter, whose spelling is checked against the folder's examples. Any other folder is
        read as it is, or with the ``adapter`` that is named.

        Args:
            path: a folder or a Hub id.
            adapter: a name or an instance; by default the folder's own.
            revision: of the Hub's repository.
            max_length: tokens of a window; by default what model and tokenizer take.
            device: such as ``cuda:1``; by default a GPU if there is one.

        Raises:
            DomainBertError: it cannot be loaded, was made for another adapter, or would see other input than it was trained on.
        """
        folder = model_folder(path)
        spelling = adapter_for(folder, adapter)
        tokenizer = load_base_tokenizer(str(folder), revision=revision)
        if Contract.read(folder) is not None:
            check_contract(folder, spelling, tokenizer)
        elif spelling.name != PlainText.name:
            warn_misfit(tokenizer, spelling, str(folder))
        with quiet_transformers():
            model = load_base(str(folder), revision=revision, needs_head=False)
        encoder = cls(model, tokenizer, spelling, name=str(path), max_length=max_length)
        model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))  # type: ignore[arg-type]  # wrapped by transformers
        return encoder

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        return int(self.model.config.hidden_size)

    def encode(
        self,
        texts: Sequence[str] | str,
        *,
        pooling: Pooling = "mean",
        long: Long = "windows",
        mirror: bool = False,
        normalize: bool = False,
        batch_tokens: int = BATCH_TOKENS,
    ) -> Vectors:
        """One vector a text.

        Args:
            texts: raw; the adapter spells them. A single string gives a single vector.
            pooling: ``mean`` over a text's own tokens, without special ones and padding; ``cls`` for the first special token.
            long: what becomes of a text longer than ``max_length``: the average of its ``windows``, each token counting once, or
                ``truncate``. A log line says how many texts that concerns.
            mirror: average with the vector of the adapter's other reading (the reverse complement of DNA).
            normalize: to length 1.
            batch_tokens: computed at a time.

        Returns:
            ``(N, D)`` float32, or ``(D,)``.

        Raises:
            DomainBertError: a text is empty, the model has no such token, or the domain no other reading.
        """
        if isinstance(texts, str):
            keys: dict[str, Any] = {"pooling": pooling, "long": long, "mirror": mirror, "normalize": normalize}
            return np.asarray(self.encode([texts], batch_tokens=batch_tokens, **keys)[0], np.float32)
        if pooling == "cls" and not self.vocabulary.prefix:
            raise ModelError(f"{self.name}: its tokenizer puts no special token before a text; use pooling 'mean'")
        spelled = [self.adapter.canonicalize(text) for text in texts]
        vectors = self._distinct(spelled, pooling, long, batch_tokens)
        if mirror:
            vectors += self._distinct(self._mirrored(spelled), pooling, long, batch_tokens)
            vectors /= 2
        if normalize:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return vectors

    def states(self, texts: Sequence[str], *, batch_tokens: int = BATCH_TOKENS) -> Iterator[tuple[Ints, Batch, Tensor]]:
        """States of every token of raw texts, special ones included, some texts of like length at a time.

        A text longer than ``max_length`` is cut at its end; a log line says how many are.

        Args:
            texts: raw; the adapter spells them.
            batch_tokens: computed at a time.

        Yields:
            Numbers of the texts, their tokens end to end, and the tokens' states ``(T, D)`` on the model's device.
        """
        for start, chunk in _chunks([self.adapter.canonicalize(text) for text in texts]):
            ids_T, count_N = self._encode(chunk)
            self._say_long(count_N, "truncate")
            windows = Windows(ids_T.astype(np.int64), count_N, self.vocabulary, self.max_length, long="truncate")
            for rows, states_TD, _ in self._micro_batches(windows, batch_tokens):
                yield start + rows, windows.batch.take(rows), states_TD

    def ids(self, texts: Sequence[str]) -> list[Ints]:
        """Tokens of each canonical text, without special ones."""
        ids_T, count_N = self._encode(texts)
        return np.split(ids_T.astype(np.int64), np.cumsum(count_N)[:-1])

    def word_pieces(self, words: Sequence[str], *, separator: str = " ") -> tuple[Ints, Ints]:
        """Tokens of a sentence of raw words, and the number of the word that each begins in, -1 for none."""
        spelled = [self.adapter.canonicalize(word) for word in words]
        text = separator.join(spelled)
        return self.ids([text])[0], self._owners(text, spelled, len(separator))

    def word_states(self, sentences: Sequence[Sequence[str]], *, separator: str = " ", batch_tokens: int = BATCH_TOKENS) -> list[Vectors]:
        """One vector for each word of each sentence: the mean of its pieces in the sentence's context.

        Args:
            sentences: raw words; each is spelled by the adapter on its own.
            separator: what joins words; empty for residues.
            batch_tokens: computed at a time.

        Returns:
            For each sentence ``(words, D)``; a word beyond the model's length, or of which nothing is left, has a vector of zeros.
        """
        joined = [[self.adapter.canonicalize(word) for word in words] for words in sentences]
        texts = [separator.join(words) for words in joined]
        owners = [self._owners(text, words, len(separator)) for text, words in zip(texts, joined, strict=True)]
        states: list[Vectors] = [np.zeros((len(words), self.dimension), np.float32) for words in joined]
        ids_T, count_N = self._encode(texts)
        windows = Windows(ids_T.astype(np.int64), count_N, self.vocabulary, self.max_length, long="windows")
        self._say_long(count_N, "windows")
        first_W = windows.first - (np.cumsum(count_N) - count_N)[windows.text]  # first token of each window in its text
        for rows, states_TD, groups in self._micro_batches(windows, batch_tokens):
            for row, state in zip(rows.tolist(), contents(states_TD, groups, self.vocabulary), strict=True):
                text, first = int(windows.text[row]), int(first_W[row])
                owner = owners[text][first : first + len(state)]
                inside = owner >= 0
                np.add.at(states[text], owner[inside], state[inside])
        for sums, owner in zip(states, owners, strict=True):
            np.divide(sums, np.maximum(np.bincount(owner[owner >= 0], minlength=len(sums)), 1)[:, None], out=sums, casting="same_kind")
        return states

    def _distinct(self, texts: list[str], pooling: Pooling, long: Long, batch_tokens: int) -> Vectors:
        """Vectors of canonical texts, each distinct one computed once."""
        numbers: dict[str, int] = {}
        place = np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int64)
        distinct = list(numbers)
        vectors = np.zeros((len(distinct), self.dimension), np.float32)
        for start, chunk in _chunks(distinct):
            if "" in numbers and start <= numbers[""] < start + len(chunk):
                raise CorpusError(f"text {texts.index('')} (counted from 0) is empty once it is spelled; leave it out")
            vectors[start : start + len(chunk)] = self._vectors(chunk, pooling, long, batch_tokens)
        return vectors if len(distinct) == len(texts) else vectors[place]

    def _vectors(self, texts: Sequence[str], pooling: Pooling, long: Long, batch_tokens: int) -> Vectors:
        ids_T, count_N = self._encode(texts)
        if not count_N.all():
            empty = texts[int(np.flatnonzero(count_N == 0)[0])]
            raise TokenizerError(f"{self.name}: its tokenizer gives no token for {empty[:60]!r}")
        self._say_long(count_N, long)
        windows = Windows(ids_T.astype(np.int64), count_N, self.vocabulary, self.max_length, long=long)
        pooled_WD = np.empty((len(windows.text), self.dimension), np.float32)
        for rows, states_TD, groups in self._micro_batches(windows, batch_tokens):
            pooled_WD[rows] = pool(states_TD, groups, self.vocabulary, pooling).cpu().numpy()
        if len(windows.text) == len(texts):
            return pooled_WD
        weight_W = windows.length / np.bincount(windows.text, windows.length)[windows.text]  # each token counts once
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        np.add.at(vectors, windows.text, pooled_WD * weight_W[:, None].astype(np.float32))
        return vectors

    def _micro_batches(self, windows: Windows, batch_tokens: int) -> Iterator[tuple[Ints, Tensor, tuple[Group, ...]]]:
        """Windows of like length together: their numbers, the states of their tokens, and how tokens fall into windows."""
        batch, device = windows.batch, self.model.device
        with torch.inference_mode(), quick_linear(device):
            for rows in micro_batches(batch, budget=batch_tokens)[0]:
                inputs = PackedInput.of(batch.take(rows)).to(device)
                yield rows, self._packed.states(inputs).float(), inputs.groups

    def _owners(self, text: str, words: Sequence[str], gap: int) -> Ints:
        """Number of the word that each token begins in, -1 for none."""
        offsets = np.asarray(self._encode.spans(text), np.int64).reshape(-1, 2)
        lengths = np.array([len(word) for word in words], np.int64)
        starts = np.cumsum(lengths + gap) - lengths - gap
        owner = np.searchsorted(starts, offsets[:, 0], side="right") - 1
        inside = (owner >= 0) & (offsets[:, 0] < (starts + lengths)[np.maximum(owner, 0)]) & (offsets[:, 1] > offsets[:, 0])
        return np.where(inside, owner, -1)

    def _mirrored(self, texts: list[str]) -> list[str]:
        mirrored = [self.adapter.mirror(text) for text in texts]
        if None in mirrored:
            raise ModelError(f"adapter {self.adapter.name!r} has no other reading of a text to average with")
        return [text for text in mirrored if text is not None]

    def _say_long(self, count_N: Ints, long: Long) -> None:
        num_long = int(np.count_nonzero(count_N > self.max_length - self.vocabulary.num_special))
        if num_long:
            fate = "cut" if long == "truncate" else "averaged over windows"
            log.warning("%d of %d texts are longer than the %d tokens of %s: %s", num_long, len(count_N), self.max_length, self.name, fate)


def _chunks(texts: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Consecutive texts of at most ``CHUNK_CHARACTERS`` together, with the number of the first."""
    begin = characters = 0
    for number, text in enumerate(texts):
        characters += len(text)
        if characters >= CHUNK_CHARACTERS:
            yield begin, texts[begin : number + 1]
            begin, characters = number + 1, 0
    if begin < len(texts):
        yield begin, texts[begin:]
