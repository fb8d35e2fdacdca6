"""Whether a tokenizer keeps the domain's text whole, and how it is saved so that anyone loads the same one."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domainbert.adapters.base import Adapter
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_LONGEST = 10**9  # transformers writes 1e30 where no length was set
_CONFIG = "tokenizer_config.json"
_SPELLED_OUT = 0.9  # of the words of four letters and more in single characters: no learned vocabulary does that
_LONG_WORD = 4  # letters
_FEWEST_ENTRIES = 64  # of a vocabulary for words, special tokens apart: the letters alone are more
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a tokenizer does on an adapter's probes.

    Args:
        unknown_rate: share of its tokens that are unknown.
        pieces_per_word: mean number of tokens that lie in a word with a letter in it.
        spelled_out: share of those of four characters and more that are cut into single characters.
        num_entries: of the vocabulary, special tokens apart.
        problem: the first loss of text; ``""`` for none.
        folded: the first text that comes back only as the tokenizer's own normalizer spells it (lower case, no accents); ``""`` for none.
    """

    unknown_rate: float
    pieces_per_word: float
    spelled_out: float
    num_entries: int
    problem: str = ""
    folded: str = ""


def measure_fit(tokenizer: "PreTrainedTokenizerFast", adapter: Adapter) -> Fit:
    """Try a tokenizer on the adapter's probes; nothing is raised."""
    encodings = [_encoded(tokenizer, adapter.canonicalize(probe)) for probe in adapter.probes()]
    num_tokens = sum(len(encoding.ids) for encoding in encodings)
    num_unknown = sum(encoding.ids.count(tokenizer.unk_token_id) for encoding in encodings if tokenizer.unk_token_id is not None)
    words = [pair for encoding in encodings for pair in encoding.words(adapter)]
    long_words = [(size, pieces) for size, pieces in words if size >= _LONG_WORD]
    problems = [_problem(tokenizer, encoding) for encoding in encodings]
    return Fit(
        unknown_rate=num_unknown / max(num_tokens, 1),
        pieces_per_word=sum(pieces for _, pieces in words) / max(len(words), 1),
        spelled_out=sum(pieces >= size for size, pieces in long_words) / max(len(long_words), 1),
        num_entries=len(set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens)),
        problem=next((problem for problem, _ in problems if problem), ""),
        folded=next((folded for _, folded in problems if folded), ""),
    )


def check_tokenizer(tokenizer: "PreTrainedTokenizerFast", adapter: Adapter, *, learned: bool = False) -> Fit:
    """The gate that every tokenizer passes, an adapter's own and a base's: tried on the adapter's probes.

    A base that lower-cases or strips accents passes with a warning: its vocabulary knows no more. So does a tokenizer that was just
    ``learned`` on a corpus too small to know the probes' words.

    Raises:
        TokenizerError: it has no ``tokenizer.json`` or no length limit; or on canonical text it gives an unknown token, leaves a character
            out, does not decode to the same text, or needs more pieces a word than the adapter accepts.
    """
    name = tokenizer.name_or_path or f"the tokenizer of adapter {adapter.name!r}"
    if not tokenizer.is_fast:
        raise TokenizerError(f"{name}: {type(tokenizer).__name__} has no tokenizer.json; a tokenizer of the tokenizers library is needed")
    if tokenizer.model_max_length > _LONGEST:
        raise TokenizerError(f"{name}: no model_max_length is set; long texts would overrun the model's positions")
    fit = measure_fit(tokenizer, adapter)
    misfit, kinds = f"{name} does not fit adapter {adapter.name!r}", ", ".join(adapter.tokenizer_kinds)
    has_words = adapter.alphabet is None and adapter.max_pieces_per_word > 0
    is_spelled_out = fit.spelled_out >= _SPELLED_OUT or fit.num_entries < _FEWEST_ENTRIES
    if learned and has_words and (is_spelled_out or fit.pieces_per_word > adapter.max_pieces_per_word):
        log.warning("%s was learned on little text: %.1f pieces a word on the adapter's probes", name, fit.pieces_per_word)
        has_words = False
    if has_words and is_spelled_out:
        raise TokenizerError(f"{misfit}: {_bare(tokenizer, fit)}")
    if fit.problem:
        share = f"; {fit.unknown_rate:.1%} of its tokens on the probes are unknown" if fit.unknown_rate else ""
        cure = "continue a base whose tokenizer falls back to bytes, or train from random weights with one of the adapter's own kinds"
        raise TokenizerError(f"{misfit}: {fit.problem}{share}. The cure: {cure} ({kinds})")
    if has_words and fit.pieces_per_word > adapter.max_pieces_per_word:
        raise TokenizerError(
            f"{misfit}: it needs {fit.pieces_per_word:.2f} pieces a word on the probes, at most {adapter.max_pieces_per_word:g} are "
            "accepted: its vocabulary is another language's or another domain's, or too small. The cure: continue a base of this domain, "
            f"or train with a tokenizer of the adapter's own and a larger vocabulary ({kinds})"
        )
    if fit.folded:
        log.warning("%s: %s; what it folds is lost to the model", name, fit.folded)
    return fit


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


def _bare(tokenizer: "PreTrainedTokenizerFast", fit: Fit) -> str:
    """What to say of a tokenizer that has lost its vocabulary."""
    seen = (
        f"{fit.spelled_out:.0%} of the probes' longer words come out as single characters, {fit.pieces_per_word:.1f} pieces a word"
        if fit.spelled_out >= _SPELLED_OUT
        else f"beside special tokens its vocabulary has {fit.num_entries} entries"
    )
    return (
        f"{seen}. {type(tokenizer).__name__} was probably made without its vocabulary, as transformers 5 does in silence where the "
        "tokenizer's class names vocabulary files that are absent or no longer read. The cure: load the model's tokenizer.json itself with "
        'PreTrainedTokenizerFast(tokenizer_file="tokenizer.json") and its special tokens, and save it into the model\'s folder, so that '
        f"{_CONFIG} names PreTrainedTokenizerFast; a model without tokenizer.json has to be converted first, with the transformers release "
        "that it was published with"
    )


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A text, its ids without special tokens, and where each lies in it."""

    text: str
    ids: list[int]
    offsets: Sequence[tuple[int, int]]

    def words(self, adapter: Adapter) -> list[tuple[int, int]]:
        """Length and number of pieces of every word with a letter in it; a piece counts where its last character lies."""
        ends = np.array([end - 1 for start, end in self.offsets if end > start], np.int64)
        spans = adapter.units(self.text, "word")
        pieces = np.searchsorted(ends, spans[:, 1]) - np.searchsorted(ends, spans[:, 0])
        found = zip(spans.tolist(), pieces.tolist(), strict=True)
        return [(end - start, count) for (start, end), count in found if any(map(str.isalpha, self.text[start:end]))]


def _encoded(tokenizer: "PreTrainedTokenizerFast", text: str) -> _Encoded:
    encoded = tokenizer(text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False)
    return _Encoded(text, encoded["input_ids"], encoded["offset_mapping"])


def _problem(tokenizer: "PreTrainedTokenizerFast", encoded: _Encoded) -> tuple[str, str]:
    """What is lost of a text, and how it is only folded; ``""`` for nothing."""
    text = encoded.text
    shown = _shown(text)
    for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
        if token == tokenizer.unk_token_id:
            return f"{text[start:end]!r} in {shown!r} is unknown to it", ""
    covered = np.zeros(len(text), bool)
    for start, end in encoded.offsets:
        covered[start:end] = True
    for place in np.flatnonzero(~covered):
        if not text[place].isspace():
            return f"character {place} ({text[place]!r}) of {shown!r} lies in no token", ""
    decoded = str(tokenizer.decode(encoded.ids, clean_up_tokenization_spaces=False))
    if comparable(decoded, tokenizer) == comparable(text, tokenizer):
        return "", ""
    seen = f"{shown!r} comes back as {_shown(decoded)!r}"
    return ("", seen) if _is_folded(decoded, text, tokenizer) else (seen, "")


def comparable(text: str, tokenizer: "PreTrainedTokenizerFast") -> str:
    """``text``, without white space for WordPiece and Unigram, which do not keep it."""
    keeps_blanks = type(tokenizer.backend_tokenizer.model).__name__ not in ("WordPiece", "Unigram")
    return text if keeps_blanks else "".join(text.split())


def _is_folded(decoded: str, text: str, tokenizer: "PreTrainedTokenizerFast") -> bool:
    """Whether it is what the tokenizer's normalizer makes of the text, blanks and their mark apart: nothing beyond that is lost."""
    normalizer = tokenizer.backend_tokenizer.normalizer
    if normalizer is None:
        return False
    normalized = normalizer.normalize_str(text).replace("\u2581", " ")
    return "".join(normalized.split()) == "".join(decoded.split()) != "".join(text.split())


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "..."  # noqa: PLR2004  # of a line
