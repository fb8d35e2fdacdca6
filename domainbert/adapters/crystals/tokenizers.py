"""The crystal tokenizer, complete in ``tokenizer.json``: every symbol of the text form is a token."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Encode
from domainbert.adapters.crystals.notation import CELL, END, vocabulary
from domainbert.tokenization.build import wrapped

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("<pad>", "<unk>", "<mask>", "<cls>", "<sep>")
TARGETS = frozenset(vocabulary()) - {*CELL, END}
"""What may be predicted: everything but the names of the cell's numbers and the end, which follow from the space group."""


def build_tokenizer(*, model_max_length: int) -> "PreTrainedTokenizerFast":
    """The tokenizer with ``<cls>`` before a text and ``<sep>`` behind it."""
    names = ("pad_token", "unk_token", "mask_token", "cls_token", "sep_token")
    return wrapped(
        backend(),
        model_max_length=model_max_length,
        **dict(zip(names, SPECIAL_TOKENS, strict=True)),
    )


def backend() -> "Tokenizer":
    """The same without transformers' wrapper."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel(token_ids(), unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    special_ids = [(token, SPECIAL_TOKENS.index(token)) for token in ("<cls>", "<sep>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<cls> $A <sep>", pair="<cls> $A <sep> $B:1 <sep>:1", special_tokens=special_ids
    )
    return tokenizer


def token_ids() -> dict[str, int]:
    """Every token with its id."""
    return {token: index for index, token in enumerate([*SPECIAL_TOKENS, *vocabulary()])}


def find_encoder(tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
    """A look-up for a tokenizer that is ours; ``None`` for any other."""
    if tokenizer.backend_tokenizer.to_str() != backend().to_str():
        return None
    ids = token_ids()

    def encode(text: str) -> NDArray[np.uint16]:
        return np.array([ids.get(token, 1) for token in text.split()], np.uint16)

    return encode
