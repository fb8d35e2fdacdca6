"""A base with another vocabulary: what it scored with its own, and the model that goes on with the new one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel

from domainbert.adapters.base import Adapter
from domainbert.corpus.store import TokenStore
from domainbert.engine.model import embedding_weight, load_base_tokenizer
from domainbert.engine.vocabulary import with_vocabulary
from domainbert.evaluation.intrinsic import Bits
from domainbert.recipe.schema import SCRATCH, Recipe
from domainbert.tokenization.extend import tokens_per_thousand
from domainbert.tokenization.spans import Vocabulary, read_vocabulary
from domainbert.tokenization.transfer import row_weights

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_LEARNED_CHARACTERS = 8_000_000  # of training text that static vectors are made of
_COUNTED_RECORDS = 2000


@dataclass(frozen=True, slots=True)
class Change:
    """From the base's vocabulary to the run's.

    Args:
        base: the base as it was.
        tokenizer: the base's own.
        vocabulary: of that tokenizer.
        num_shared: entries of the new vocabulary that take the row of one old entry.
        tokens_per_thousand: tokens that a thousand held-out characters take, with the base's tokenizer and with the new one.
    """

    base: PreTrainedModel
    tokenizer: "PreTrainedTokenizerFast"
    vocabulary: Vocabulary
    num_shared: int
    tokens_per_thousand: tuple[float, float]

    def report(self, recipe: Recipe, vocabulary: Vocabulary, right_after: Mapping[str, Bits]) -> dict[str, Any]:
        """What ``evaluation.json`` keeps of it."""
        before, now = self.tokens_per_thousand
        return {
            "mode": recipe.tokenizer.mode,
            "init": recipe.tokenizer.init,
            "entries": {"base": self.vocabulary.size, "now": vocabulary.size, "shared": self.num_shared},
            "tokens_per_thousand_characters": {"base": before, "now": now},
            "right_after": {kind: asdict(bits) for kind, bits in right_after.items()},
        }


def changes_vocabulary(recipe: Recipe) -> bool:
    """Whether a base goes on with another tokenizer than its own."""
    return recipe.model.base != SCRATCH and recipe.tokenizer.mode in ("extend", "replace")


def old_vocabulary(recipe: Recipe, adapter: Adapter) -> "tuple[PreTrainedTokenizerFast, Vocabulary]":
    """The base's own tokenizer, and what the engine must know of it."""
    tokenizer = load_base_tokenizer(recipe.model.base, revision=recipe.model.revision)
    return tokenizer, read_vocabulary(tokenizer, adapter)


def change_vocabulary(
    base: PreTrainedModel, old: "tuple[PreTrainedTokenizerFast, Vocabulary]", recipe: Recipe, stores: Sequence[TokenStore], new: Vocabulary
) -> tuple[PreTrainedModel, Change]:
    """The model to train, and what was changed.

    Args:
        base: as its files have it.
        old: its tokenizer.
        recipe: of the run.
        stores: of the run; training text of the first corpus to train on gives static vectors.
        new: the vocabulary that made the stores.
    """
    store = next(store for store, corpus in zip(stores, recipe.corpus, strict=True) if corpus.role == "train")
    texts = list(_texts(store, "train", _LEARNED_CHARACTERS)) if recipe.tokenizer.init == "focus" else []
    rows = embedding_weight(base).shape[0]
    weights = row_weights(old[0], store.tokenizer, num_old_rows=rows, init=recipe.tokenizer.init, texts=texts)
    shown = list(islice(_texts(store, "validation", _LEARNED_CHARACTERS), _COUNTED_RECORDS)) or texts[:_COUNTED_RECORDS]
    saved = tokens_per_thousand(old[0], shown), tokens_per_thousand(store.tokenizer, shown)
    single = (weights.indptr[1:] - weights.indptr[:-1]) == 1
    return with_vocabulary(base, weights, new), Change(base, *old, int(single.sum()), saved)


def _texts(store: TokenStore, role: str, max_characters: int) -> Iterator[str]:
    """Records of a role, every so many of them where they hold more."""
    every = -(-store.num_characters(role) // max_characters)
    for index in store.indexes(role)[:: max(1, every)].tolist():
        yield store.text(index)
