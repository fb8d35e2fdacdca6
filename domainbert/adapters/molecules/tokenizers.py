"""The tokenizers of SMILES and SELFIES, complete in ``tokenizer.json``, and a quicker way to their ids."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Encode
from domainbert.adapters.molecules import selfies, smiles
from domainbert.adapters.molecules.language import Language
from domainbert.tokenization.build import gives_same_ids, wrapped

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

LANGUAGES = {"atom": smiles.LANGUAGE, "selfies": selfies.LANGUAGE}  # by tokenizer kind
SPECIAL_TOKENS = ("<pad>", "<unk>", "<cls>", "<eos>", "<mask>")  # no name in brackets: that would be spelled like an atom
_ID = np.dtype("<u2")
_MAX_BRACKETS = 1 << 16  # remembered; real corpora have some hundred


def build_tokenizer(kind: str = "atom", *, model_max_length: int) -> "PreTrainedTokenizerFast":
    """Tokens of atoms and bonds, or of symbols; see ``smiles.PATTERN`` and ``selfies.PATTERN``."""
    names = ("pad_token", "unk_token", "cls_token", "eos_token", "mask_token")
    return wrapped(
        backend(kind),
        model_max_length=model_max_length,
        **dict(zip(names, SPECIAL_TOKENS, strict=True)),
    )


def backend(kind: str = "atom") -> "Tokenizer":
    """The same without transformers' wrapper."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel(vocabulary(kind), unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(LANGUAGES[kind].pattern), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    special_ids = [(token, SPECIAL_TOKENS.index(token)) for token in ("<cls>", "<eos>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<cls> $A <eos>", pair="<cls> $A <eos> $B:1 <eos>:1", special_tokens=special_ids
    )
    return tokenizer


def vocabulary(kind: str = "atom") -> dict[str, int]:
    """Every entry with its id."""
    language = LANGUAGES[kind]
    return {token: index for index, token in enumerate([*SPECIAL_TOKENS, *language.tokens, *language.fallback])}


def find_encoder(tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
    """The quick way for a tokenizer that is, part by part, one of ours; ``None`` for any other."""
    for kind in LANGUAGES:
        if len(tokenizer) == len(vocabulary(kind)) and gives_same_ids(tokenizer.backend_tokenizer, backend(kind)):
            return make_encoder(kind)
    return None


def make_encoder(kind: str = "atom") -> Encode:
    """Ids by two levels of Python's ``re``: whole brackets are taken apart once and remembered.

    Text with a bracket that is not closed is cut by the one-level pattern.
    """
    language = LANGUAGES[kind]
    table = _Table(vocabulary(kind), language)
    outer, inner = re.compile(language.outer_pattern).findall, language.split
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

    def __init__(self, vocabulary: dict[str, int], language: Language) -> None:
        self._split = language.split
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
        ids = self[piece] = b"".join(map(self.single, self._split(piece)))
        return ids
