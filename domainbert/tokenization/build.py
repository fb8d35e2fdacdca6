"""What all tokenizers that adapters make have in common."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

_DECISIVE = ("added_tokens", "normalizer", "pre_tokenizer", "model")


def wrapped(backend: "Tokenizer", *, model_max_length: int, **special_tokens: Any) -> "PreTrainedTokenizerFast":
    """A tokenizer of the tokenizers library as transformers' models take it.

    Args:
        backend: complete, with its template.
        model_max_length: tokens, special ones included.
        special_tokens: by role (``pad_token``, ``mask_token``, ...), in the words of the vocabulary.
    """
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend, model_max_length=model_max_length, padding_side="right", clean_up_tokenization_spaces=False,
        **special_tokens,
    )  # fmt: skip


def gives_same_ids(one: "Tokenizer", other: "Tokenizer") -> bool:
    """Whether two tokenizers are alike in the parts of ``tokenizer.json`` that decide the ids of a text."""
    parts = json.loads(one.to_str()), json.loads(other.to_str())
    return all(parts[0][name] == parts[1][name] for name in _DECISIVE)
