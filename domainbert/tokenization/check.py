"""Whether a tokenizer keeps the domain's text whole, and how it is saved so that anyone loads the same one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domainbert.adapters.base import Adapter
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_LONGEST = 10**9  # transformers writes 1e30 where no length was set
_CONFIG = "tokenizer_config.json"


def check_tokenizer(tokenizer: "PreTrainedTokenizerFast", adapter: Adapter) -> None:
    """Try a tokenizer on the adapter's probes.

    Raises:
        TokenizerError: it has no ``tokenizer.json`` or no length limit, or on canonical text it gives an unknown token,
            leaves a character out, or does not decode to the same text.
    """
    name = tokenizer.name_or_path or f"the tokenizer of adapter {adapter.name!r}"
    if not tokenizer.is_fast:
        raise TokenizerError(f"{name}: {type(tokenizer).__name__} has no tokenizer.json; a tokenizer of the tokenizers library is needed")
    if tokenizer.model_max_length > _LONGEST:
        raise TokenizerError(f"{name}: no model_max_length is set; long texts would overrun the model's positions")
    for probe in adapter.probes():
        problem = _problem(tokenizer, adapter.canonicalize(probe))
        if problem:
            raise TokenizerError(f"{name} does not fit adapter {adapter.name!r}: {problem}")


def save_tokenizer(tokenizer: "PreTrainedTokenizerFast", folder: Path) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``.

    The class is named ``PreTrainedTokenizerFast``: without a name, folders of some models load another tokenizer without a word,
    and the name that transformers 5 writes is unknown to transformers 4. References to remote code are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(str(folder))
    path = folder / _CONFIG
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("auto_map", None)
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _problem(tokenizer: "PreTrainedTokenizerFast", text: str) -> str:
    """What is wrong with how ``text`` is encoded; ``""`` if nothing."""
    shown = text if len(text) <= 60 else text[:60] + "..."  # noqa: PLR2004  # of a line
    encoded = tokenizer(text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False)
    ids: list[int] = encoded["input_ids"]
    offsets: list[tuple[int, int]] = encoded["offset_mapping"]
    for token, (start, end) in zip(ids, offsets, strict=True):
        if token == tokenizer.unk_token_id:
            return f"{text[start:end]!r} in {shown!r} is unknown to it"
    covered = np.zeros(len(text), bool)
    for start, end in offsets:
        covered[start:end] = True
    for place in np.flatnonzero(~covered):
        if not text[place].isspace():
            return f"character {place} ({text[place]!r}) of {shown!r} lies in no token"
    decoded = str(tokenizer.decode(ids, clean_up_tokenization_spaces=False))
    if comparable(decoded, tokenizer) != comparable(text, tokenizer):
        return f"{shown!r} comes back as {decoded[:60]!r}"
    return ""


def comparable(text: str, tokenizer: "PreTrainedTokenizerFast") -> str:
    """``text``, without white space for WordPiece, which does not keep it."""
    is_word_piece = type(tokenizer.backend_tokenizer.model).__name__ == "WordPiece"
    return "".join(text.split()) if is_word_piece else text
