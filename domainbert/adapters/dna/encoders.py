"""NumPy look-ups that give the ids of ``tokenizer.json`` a hundred times faster; the tokenizer stays the authority."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Encode
from domainbert.adapters.dna.options import CharacterOptions, KmerOptions
from domainbert.adapters.dna.sequence import token_grid
from domainbert.adapters.dna.tokenizers import LETTERS, SPECIAL_TOKENS, UNKNOWN_BASE, backend
from domainbert.tokenization.build import gives_same_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_NUM_SPECIAL = len(SPECIAL_TOKENS)
_NUM_LETTERS = len(LETTERS)


def find_encoder(tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
    """The look-up for a tokenizer that is, part by part, one of ours; ``None`` for any other."""
    sizes: dict[int, CharacterOptions | KmerOptions] = {_NUM_SPECIAL + _NUM_LETTERS + 1: CharacterOptions()}
    sizes |= {_NUM_SPECIAL + _NUM_LETTERS**k + _NUM_LETTERS + 1: KmerOptions(k) for k in range(2, 8)}
    options = sizes.get(len(tokenizer))
    if options is None or not gives_same_ids(tokenizer.backend_tokenizer, backend(options)):
        return None
    return kmer_encoder(options.k) if isinstance(options, KmerOptions) else character_encoder()


def character_encoder() -> Encode:
    """Ids of single bases, uint8."""
    table = _letter_table(first=_NUM_SPECIAL)

    def encode(text: str) -> NDArray[np.integer[Any]]:
        return np.frombuffer(_ascii(text).translate(table), np.uint8)

    return encode


def kmer_encoder(k: int) -> Encode:
    """Ids of k-mers by the Nucleotide Transformer's rule, uint16."""
    codes = _letter_table(first=0, other=_NUM_LETTERS + 1)
    first_letter = _NUM_SPECIAL + _NUM_LETTERS**k
    letter_ids = np.array([*range(first_letter, first_letter + _NUM_LETTERS + 1), 0], np.uint16)

    def encode(text: str) -> NDArray[np.integer[Any]]:
        base = np.frombuffer(_ascii(text).translate(codes), np.uint8)
        is_base = base < _NUM_LETTERS
        if is_base.all():
            num_whole = len(base) // k
            columns = base[: num_whole * k].reshape(num_whole, k).T
            return np.concatenate((_number(columns), letter_ids[base[num_whole * k :]]))
        starts, widths = token_grid(is_base, k)
        is_whole = widths == k
        ids = np.empty(len(starts), np.uint16)
        ids[~is_whole] = letter_ids[base[starts[~is_whole]]]
        ids[is_whole] = _number(base[np.repeat(is_whole, widths)].reshape(-1, k).T)
        return ids

    return encode


def _number(columns: Any) -> NDArray[np.uint16]:
    """Ids of k-mers, given their first bases, their second, and so on."""
    first, *others = columns
    total: NDArray[np.uint16] = first.astype(np.uint16)
    for column in others:
        total *= _NUM_LETTERS
        total += column
    total += _NUM_SPECIAL
    return total


def _letter_table(*, first: int, other: int = 0) -> bytes:
    table = bytearray([other] * 256)
    for number, letter in enumerate(LETTERS + UNKNOWN_BASE):
        table[ord(letter)] = first + number
    return bytes(table)


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")
