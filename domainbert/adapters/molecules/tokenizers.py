"""The tokenizer of SMILES, complete in ``tokenizer.json``, and a quicker way to its ids."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Encode
from domainbert.adapters.molecules import smiles
from domainbert.tokenization.build import gives_same_ids, wrapped

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("<pad>", "<unk>", "<cls>", "<eos>", "<mask>")  # no name in brackets: that would be spelled like an atom
_ID = np.dtype("<u2")
_MAX_BRACKETS = 1 << 16  # remembered; real corpora have some hundred


def build_tokenizer(*, model_max_length: int) -> "PreTrainedTokenizerFast":
    """Atom-level tokens; see ``smiles.PATTERN``."""
    names = ("pad_token", "unk_token", "cls_token", "eos_token", "mask_token")
    return wrapped(
        backend(),
        model_max_length=model_max_length,
        **dict(zip(names, SPECIAL_TOKENS, strict=True)),
    )


def backend() -> "Tokenizer":
    """The same without transformers' wrapper."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel(vocabulary(), unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(smiles.PATTERN), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    special_ids = [(token, SPECIAL_TOKENS.index(token)) for token in ("<cls>", "<eos>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<cls> $A <eos>", pair="<cls> $A <eos> $B:1 <eos>:1", special_tokens=special_ids
    )
    return tokenizer


def vocabulary() -> dict[str, int]:
    """Every entry with its id."""
    return {token: index for index, token in enumerate([*SPECIAL_TOKENS, *smiles.TOKENS, *smiles.FALLBACK])}


def find_encoder(tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
    """The quick way for a tokenizer that is, part by part, ours; ``None`` for any other."""
    if len(tokenizer) != len(vocabulary()) or not gives_same_ids(tokenizer.backend_tokenizer, backend()):
        return None
    return make_encoder()


def make_encoder() -> Encode:
    """Ids by two levels of Python's ``re``: whole brackets are taken apart once and remembered.

    Text with a bracket that is not closed is cut by the one-level pattern.
    """
    table = _Table(vocabulary())
    outer, inner = re.compile(smiles.OUTER_PATTERN).findall, re.compile(smiles.PATTERN).findall
    ids_of, tokens_of = table.__getitem__, table.single

    def encode(text: str) -> NDArray[np.integer[Any]]:
        try:
            found = b"".join(map(ids_of, outer(text)))
        except _OpenBracketError:
            found = b"".join(map(tokens_of, inner(text)))
        return np.frombuffer(found, _ID)

    return encode


class _OpenBracketError(Exception):
    """A bracket without its other half: what is a token depends on more than the bracket."""


class _Table(dict[str, bytes]):
    """The ids of a token or of a whole bracket, two bytes each."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self._tokens = {token: np.array([index], _ID).tobytes() for token, index in vocabulary.items() if token not in SPECIAL_TOKENS}
        self._unknown = np.array([vocabulary["<unk>"]], _ID).tobytes()
        super().__init__({token: ids for token, ids in self._tokens.items() if token not in "[]"})
        self._size = len(self)

    def single(self, token: str) -> bytes:
        """The id of one token."""
        return self._tokens.get(token, self._unknown)

    def __missing__(self, piece: str) -> bytes:
        if piece in "[]":
            raise _OpenBracketError
        if piece[0] != "[":
            return self._unknown
        if len(self) > self._size + _MAX_BRACKETS:
            self.clear()
            self.update({token: ids for token, ids in self._tokens.items() if token not in "[]"})
        ids = self[piece] = b"".join(map(self.single, smiles.split(piece)))
        return ids
