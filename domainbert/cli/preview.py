"""A few records on their way from a file to the model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Drops, Record
from domainbert.corpus.encode import Encoder
from domainbert.corruption.random_bits import key
from domainbert.corruption.replace import replace
from domainbert.corruption.select import Candidates, select_uniform
from domainbert.errors import CorpusError
from domainbert.pretraining.stores import adapter_of, make_tokenizer
from domainbert.recipe.schema import Corruption, Recipe
from domainbert.tokenization.spans import Vocabulary, read_vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

LEARNED_FROM = 200  # records, for tokenizers that learn


@dataclass(frozen=True, slots=True)
class Preview:
    """One record, cut to the width that is shown."""

    id: str
    group: str
    meta: Mapping[str, str]
    num_characters: int
    raw: str
    canonical: str
    tokens: list[str]
    masked: list[str]


def previews(recipe: Recipe, *, num_records: int, width: int) -> Iterator[Preview]:
    """The first records of a request.

    Args:
        recipe: of one corpus.
        num_records: how many.
        width: characters of each.

    Raises:
        CorpusError: a source cannot be read or holds nothing.
    """
    adapter = adapter_of(recipe, recipe.corpus[0])
    raw = list(islice(_records(recipe), max(num_records, LEARNED_FROM)))
    if not raw:
        raise CorpusError(f"{', '.join(recipe.corpus[0].sources)}: no entry is left to be shown")
    canonical = [Record(record.id, adapter.canonicalize(record.text), record.group, record.meta) for record in raw]
    tokenizer = make_tokenizer(recipe, adapter, canonical)
    encode, vocabulary = Encoder(adapter, tokenizer), read_vocabulary(tokenizer, adapter)
    for number, (before, after) in enumerate(zip(raw[:num_records], canonical, strict=False)):
        text = after.text[:width]
        ids = encode([text])[0].astype(np.int64)
        masked = _masked(ids, vocabulary, recipe.stage[0].corruption, seed=recipe.training.seed, sample=number)
        yield Preview(
            before.id, before.group, dict(before.meta), len(after.text), before.text[:width], text,
            _spelled(tokenizer, ids), _spelled(tokenizer, masked),
        )  # fmt: skip


def _records(recipe: Recipe) -> Iterator[Record]:
    adapter = adapter_of(recipe, recipe.corpus[0])
    for source in recipe.corpus[0].sources:
        yield from map(adapter.whole, adapter.records(source, drops=Drops()))


def _masked(ids: NDArray[np.int64], vocabulary: Vocabulary, corruption: Corruption, *, seed: int, sample: int) -> NDArray[np.int64]:
    """The ids as one sample of training would see them, at the default rate."""
    sample_T, position_T, keys = np.zeros_like(ids), np.arange(len(ids)), key(seed, np.array([sample]))
    candidates = Candidates(sample_T, position_T, vocabulary.targets[ids], None, None, keys)
    rate = corruption.rate if isinstance(corruption.rate, float) else Corruption().rate
    chosen = select_uniform(candidates, np.full(1, rate))
    return replace(
        ids, chosen_T=chosen, sample_T=sample_T, position_T=position_T, key_N=keys,
        mask=corruption.mask, random=corruption.random, mask_id=vocabulary.mask_id, alphabet=vocabulary.alphabet,
    )  # fmt: skip


def _spelled(tokenizer: "PreTrainedTokenizerFast", ids: NDArray[np.int64]) -> list[str]:
    """Tokens as text; as the vocabulary has them where they are parts of a character, or begin or end with a blank."""
    shown = []
    for index in ids.tolist():
        text, token = str(tokenizer.decode([index])), str(tokenizer.convert_ids_to_tokens(index))
        shown.append(token if "\ufffd" in text or text != text.strip() or not text else text)
    return shown
