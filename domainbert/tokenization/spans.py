"""Where tokens lie in the text, and what of a vocabulary belongs to the domain."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the engine must know of a tokenizer.

    Args:
        size: number of ids; the model has at least as many rows.
        prefix: ids that the tokenizer puts before a text.
        suffix: ids that it puts after.
        mask_id: the mask token.
        pad_id: the padding token.
        targets: whether each id may be hidden, predicted and used as a replacement, ``(size,)``.
        widths: characters that each id stands for, ``(size,)``; 0 for special tokens.
        concatenates: whether a text is plainly its tokens' spellings, one after another.
        is_text: whether special tokens that a text spells are text: where the adapter writes none itself.
        separator_id: what stands before the second text of a pair; -1 for none.
    """

    size: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    mask_id: int
    pad_id: int
    targets: NDArray[np.bool_]
    widths: NDArray[np.int64]
    concatenates: bool = False
    is_text: bool = False
    separator_id: int = -1

    @property
    def num_special(self) -> int:
        """Special tokens around one text."""
        return len(self.prefix) + len(self.suffix)

    @property
    def alphabet(self) -> NDArray[np.int64]:
        """Ids that may replace others."""
        return np.flatnonzero(self.targets)


def read_vocabulary(tokenizer: "PreTrainedTokenizerFast", adapter: Adapter) -> Vocabulary:
    """What the engine must know of ``tokenizer`` in the adapter's domain.

    Raises:
        TokenizerError: no mask or padding token, or no entry that the adapter accepts as a target.
    """
    if tokenizer.mask_token_id is None or tokenizer.pad_token_id is None:
        raise TokenizerError(f"{tokenizer.name_or_path or 'the tokenizer'} lacks a mask or a padding token; masked-LM training needs both")
    size = max(tokenizer.get_vocab().values()) + 1
    special = set(tokenizer.all_special_ids)
    targets, widths = np.zeros(size, bool), np.zeros(size, np.int64)
    for token, index in tokenizer.get_vocab().items():
        if index not in special:
            targets[index] = adapter.is_target(token)
            widths[index] = len(token)
    if not targets.any():
        raise TokenizerError(f"none of the {size} entries of the tokenizer belongs to the alphabet of adapter {adapter.name!r}")
    prefix, suffix = _surroundings(tokenizer, adapter.canonicalize(adapter.probes()[0]))
    concatenates = type(tokenizer.backend_tokenizer.decoder).__name__ == "Fuse"
    mask_id, pad_id, is_text = int(tokenizer.mask_token_id), int(tokenizer.pad_token_id), not adapter.structure_tokens
    separator_id = tokenizer.get_vocab().get(adapter.separator, -1) if adapter.separator else -1
    return Vocabulary(size, prefix, suffix, mask_id, pad_id, targets, widths, concatenates, is_text, separator_id)


def second_halves(
    ids_T: NDArray[np.integer[Any]], length_N: NDArray[np.int64], vocabulary: Vocabulary, *, special: bool = True
) -> NDArray[np.int64]:
    """Where the second half of each text begins: the place of its first separator, ``(N,)``; 0 where a half is missing or empty.

    Args:
        ids_T: texts end to end.
        length_N: tokens of each.
        vocabulary: of the tokenizer.
        special: whether each text has its special tokens around it.
    """
    before, after = (len(vocabulary.prefix), len(vocabulary.suffix)) if special else (0, 0)
    start_N = np.cumsum(length_N) - length_N
    separators = np.append(np.flatnonzero(ids_T == vocabulary.separator_id), len(ids_T))
    place_N: NDArray[np.int64] = separators[np.searchsorted(separators, start_N)] - start_N
    return np.where((place_N > before) & (place_N < length_N - after - 1), place_N, 0)


def token_spans(
    tokenizer: "PreTrainedTokenizerFast", text: str, ids: NDArray[np.int64], vocabulary: Vocabulary
) -> NDArray[np.int64]:
    """Start and end character of each token of ``text``, ``(n, 2)``.

    Args:
        tokenizer: made ``ids``.
        text: canonical text.
        ids: its tokens without special ones.
        vocabulary: of the tokenizer.
    """
    widths = vocabulary.widths[ids]
    if vocabulary.concatenates and widths.sum() == len(text):
        ends = np.cumsum(widths)
        return np.stack((ends - widths, ends), axis=1)
    tokenizer.backend_tokenizer.encode_special_tokens = vocabulary.is_text
    offsets = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).offsets
    assert len(offsets) == len(ids), "the tokens are not this tokenizer's for this text"
    return np.asarray(offsets, np.int64).reshape(-1, 2)


def _surroundings(tokenizer: "PreTrainedTokenizerFast", probe: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The special tokens before and after a text, seen by encoding one with and without them."""
    inner = tokenizer.backend_tokenizer.encode(probe, add_special_tokens=False).ids
    whole = tokenizer.backend_tokenizer.encode(probe).ids
    for place in range(len(whole) - len(inner) + 1):
        if whole[place : place + len(inner)] == inner:
            return tuple(whole[:place]), tuple(whole[place + len(inner) :])
    raise TokenizerError("the tokenizer changes a text's own tokens when it adds special ones; such templates are not supported")
