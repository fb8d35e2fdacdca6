"""Samples as a companion reads them: the same characters in its own tokens, the same characters hidden.

N samples, C tokens of the companion, P pairs of tokens that share characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.corpus.encode import Encoder
from domainbert.corruption.random_bits import Bits, below, key
from domainbert.engine.order import Ints, Samples
from domainbert.engine.packing import Batch, ranges
from domainbert.engine.windows import Window
from domainbert.errors import RunError
from domainbert.tokenization.overlaps import overlaps
from domainbert.tokenization.spans import read_vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_PHASE = 5  # of keys, beside those of select and replace


@dataclass(frozen=True, slots=True)
class Reading:
    """A companion's side of a batch.

    Args:
        batch: the samples in the companion's tokens; labels are its own ids where it must not see. A sample that it does not read has
            no token.
        token_P: place in the sample of a token of the model.
        other_P: place in the sample of the companion's token that shares characters with it.
        characters_P: how many.
        count_N: pairs of each sample.
        spans: the companion's tokens in the text of each sample.
    """

    batch: Batch
    token_P: Ints
    other_P: Ints
    characters_P: Ints
    count_N: Ints
    spans: tuple[Ints, ...]

    def take(self, rows: Ints) -> "Reading":
        """Some of the samples, in the order given."""
        index = ranges((np.cumsum(self.count_N) - self.count_N)[rows], self.count_N[rows])
        return Reading(
            self.batch.take(rows), self.token_P[index], self.other_P[index], self.characters_P[index], self.count_N[rows],
            tuple(self.spans[row] for row in rows.tolist()),
        )  # fmt: skip

    def rows(self, starts: Ints) -> tuple[Ints, Ints]:
        """Pairs as rows of the batch and of the companion's batch.

        Args:
            starts: first token of each sample of the batch.
        """
        others = np.cumsum(self.batch.length_N) - self.batch.length_N
        return self.token_P + np.repeat(starts, self.count_N), self.other_P + np.repeat(others, self.count_N)

    def hidden_with(self, chosen_T: NDArray[np.bool_], starts: Ints, mask_id: int) -> "Reading":
        """The same with every token masked that shares a character with a hidden one."""
        row_P, other_P = self.rows(starts)
        hidden_C = np.zeros(len(self.batch.input_ids_T), bool)
        hidden_C[other_P[chosen_T[row_P]]] = True
        ids = self.batch.input_ids_T
        masked = replace(self.batch, input_ids_T=np.where(hidden_C, mask_id, ids), labels_T=np.where(hidden_C, ids, -100))
        return replace(self, batch=masked)


class Reader:
    """Reads samples in a companion's tokens.

    Args:
        name: of the companion.
        tokenizer: its own, with offsets.
        adapter: whose canonical text it reads.
        random_phase: begin its tokens anew at a random character below the width of its longest token.
        max_length: most tokens that the companion takes, special ones included; ``None`` for no bound.
        sources: numbers of the sources that it reads.
    """

    def __init__(
        self,
        name: str,
        tokenizer: "PreTrainedTokenizerFast",
        adapter: Adapter,
        *,
        random_phase: bool,
        max_length: int | None,
        sources: frozenset[int],
    ) -> None:
        self.name, self.sources, self.max_length = name, sources, max_length
        self.vocabulary = read_vocabulary(tokenizer, adapter)
        self.mask_id = self.vocabulary.mask_id
        self._encoder = Encoder(adapter, tokenizer)
        self._num_phases = int(self.vocabulary.widths.max()) if random_phase else 1

    def read(self, samples: Samples, windows: Sequence[Window], *, prefix: int) -> Reading:
        """Samples in the companion's tokens, nothing hidden yet.

        Args:
            samples: which they are.
            windows: their text.
            prefix: special tokens of the model before a text.

        Raises:
            RunError: a sample has more tokens than the companion takes.
        """
        wanted = [int(source) in self.sources for source in samples.source]
        texts = [window.text if mine else "" for window, mine in zip(windows, wanted, strict=True)]
        ids, spans = self._encode(texts, samples.keys)
        before, after = (np.array(part, np.int64) for part in (self.vocabulary.prefix, self.vocabulary.suffix))
        length_N = np.array([len(each) + len(before) + len(after) if mine else 0 for each, mine in zip(ids, wanted, strict=True)], np.int64)
        self._require_room(length_N, texts)
        parts = [part for each, mine in zip(ids, wanted, strict=True) if mine for part in (before, each, after)]
        ids_C = np.concatenate(parts) if parts else np.empty(0, np.int64)
        batch = Batch(ids_C, np.full_like(ids_C, -100), ranges(np.zeros_like(length_N), length_N), length_N)
        pairs = [overlaps(window.spans, own) for window, own in zip(windows, spans, strict=True)]
        token_P, other_P, characters_P = (np.concatenate(part) for part in zip(*pairs, strict=True))
        count_N = np.array([len(tokens) for tokens, _, _ in pairs], np.int64)
        return Reading(batch, token_P + prefix, other_P + len(before), characters_P, count_N, tuple(spans))

    def _encode(self, texts: Sequence[str], keys: Bits) -> tuple[list[Ints], list[Ints]]:
        """Ids and spans of each text."""
        if self._num_phases == 1:
            return self._pieces(texts)
        phases = below(key(keys, _PHASE), 0, self._num_phases).tolist()
        heads, tails = ([text[cut] for text, cut in zip(texts, cuts, strict=True)] for cuts in _cuts(phases))
        (head_ids, head_spans), (tail_ids, tail_spans) = self._pieces(heads), self._pieces(tails)
        ids = [np.concatenate(both) for both in zip(head_ids, tail_ids, strict=True)]
        spans = [np.concatenate((head, tail + phase)) for head, tail, phase in zip(head_spans, tail_spans, phases, strict=True)]
        return ids, spans

    def _pieces(self, texts: Sequence[str]) -> tuple[list[Ints], list[Ints]]:
        return self._encoder.with_spans(texts, self.vocabulary)

    def _require_room(self, length_N: Ints, texts: Sequence[str]) -> None:
        longest = int(length_N.max(initial=0))
        if self.max_length is not None and longest > self.max_length:
            text = texts[int(length_N.argmax())]
            raise RunError(
                f"companion {self.name!r} takes {self.max_length} tokens, and a sample of {len(text)} characters ({text[:30]!r}...) has "
                f"{longest} in its tokens; lower training.max_length, or take a companion that reads longer texts"
            )


def _cuts(phases: Sequence[int]) -> tuple[list[slice], list[slice]]:
    return [slice(phase) for phase in phases], [slice(phase, None) for phase in phases]
