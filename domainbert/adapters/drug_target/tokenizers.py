"""The tokenizer of drugs and targets, complete in ``tokenizer.json``.

``CCC`` is propane and three cysteines. What lies behind the bar is one piece for the pre-tokenizer, and a BPE model without merges takes
it apart: each letter but the first, which is the bar, gets the prefix of a continued piece. So residues are tokens of their own.

A special token that a person writes into a target, such as ``<mask>``, ends that piece, and letters behind it are read as SMILES: hide a
residue by putting the mask's id in the place of its own.
"""

from string import ascii_letters, digits, punctuation
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Encode
from domainbert.adapters.molecules import smiles
from domainbert.adapters.molecules import tokenizers as molecules
from domainbert.adapters.proteins.sequence import RESIDUES
from domainbert.tokenization.build import gives_same_ids, wrapped

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

BAR = "|"
"""Stands before a target, alone or behind its drug; no SMILES holds one."""

RESIDUE = "##"
"""Begins the name of a residue's token."""

_LETTERS = tuple(dict.fromkeys([*RESIDUES, *"XBUZO.-", *ascii_letters, *digits, *punctuation]))  # what no protein has: for other text


def build_tokenizer(*, model_max_length: int) -> "PreTrainedTokenizerFast":
    """Tokens of SMILES with the ids of the adapter molecules, then residues."""
    names = ("pad_token", "unk_token", "cls_token", "eos_token", "mask_token")
    return wrapped(backend(), model_max_length=model_max_length, **dict(zip(names, molecules.SPECIAL_TOKENS, strict=True)))


def backend() -> "Tokenizer":
    """The same without transformers' wrapper."""
    from tokenizers import Regex, decoders, models, pre_tokenizers

    tokenizer = molecules.backend()
    tokenizer.model = models.BPE(vocab=vocabulary(), merges=[], unk_token="<unk>", continuing_subword_prefix=RESIDUE, ignore_merges=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(rf"\{BAR}[\s\S]*|{smiles.PATTERN}"), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Replace(RESIDUE, ""), decoders.Fuse()])
    return tokenizer


def vocabulary() -> dict[str, int]:
    """Every entry with its id."""
    return {token: index for index, token in enumerate([*molecules.vocabulary(), *(RESIDUE + letter for letter in _LETTERS)])}


def find_encoder(tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
    """The quick way for a tokenizer that is, part by part, ours; ``None`` for any other."""
    if len(tokenizer) != len(vocabulary()) or not gives_same_ids(tokenizer.backend_tokenizer, backend()):
        return None
    return make_encoder()


def make_encoder() -> Encode:
    """Ids of canonical text: the quick way of molecules before the bar, a look-up behind it."""
    entries, drug = vocabulary(), molecules.make_encoder()
    table = np.full(1 << 7, entries["<unk>"], np.uint16)  # DEL, the last one, stands for all that is no ASCII
    for letter in _LETTERS:
        table[ord(letter)] = entries[RESIDUE + letter]
    bar = np.array([entries[BAR]], np.uint16)

    def encode(text: str) -> NDArray[np.integer[Any]]:
        first, found, second = text.partition(BAR)
        if not found:
            return drug(text)
        letters = np.frombuffer(second.encode("utf-32-le"), np.uint32)
        return np.concatenate((drug(first), bar, table[np.minimum(letters, len(table) - 1)]))

    return encode
