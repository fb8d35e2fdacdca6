"""The question of every run: does the model predict held-out text better than before, and better than counts?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING

from domainbert.adapters.base import Adapter
from domainbert.corpus.store import TokenStore
from domainbert.engine.encoder import PackedEncoder
from domainbert.evaluation.intrinsic import Bits, Window, held_out_windows, kinds, score
from domainbert.evaluation.leakage import repeat_share
from domainbert.evaluation.opponents import CountScore, letter_opponents, text_opponents
from domainbert.evaluation.text_counts import MAX_LETTERS
from domainbert.tokenization.spans import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

QUICK_LETTERS = 1 << 16  # 10,000 hidden letters: a standard error of about 0.006 bits
FULL_LETTERS = 1 << 18  # 40,000 hidden letters: about 0.003 bits
OPPONENT_LETTERS = 1 << 21  # the leak figure needs about 130 bytes a letter
REPEAT_LENGTH = 31


@dataclass(frozen=True, slots=True)
class Opponents:
    """What counting reaches on the same held-out text.

    Args:
        visible: every held-out letter, all neighbours visible.
        hidden: by kind, the letters that the model has to predict, from what the model sees.
        repeats: share of held-out letters in stretches of ``REPEAT_LENGTH`` that training text holds too.
    """

    visible: Sequence[CountScore]
    hidden: Mapping[str, Sequence[CountScore]]
    repeats: float


class HeldOut:
    """Held-out windows of a run: which ones, and what is hidden in them, depends on the corpus and the tokenizer alone.

    Args:
        stores: of the run.
        adapter: whose alphabet the letters are.
        vocabulary: of the tokenizer.
        max_length: tokens of a window, special tokens included.
        micro_batch_tokens: memory bound while scoring.
        tokenizer: reads the text anew, for a model whose tokens the stores do not hold.
        letters: of a window of an alphabet, for models of several tokenizers; by default windows are as long as their tokens allow.
        counted: stores whose training text counts as what was seen; the same by default.
    """

    def __init__(
        self,
        stores: Sequence[TokenStore],
        adapter: Adapter,
        vocabulary: Vocabulary,
        *,
        max_length: int,
        micro_batch_tokens: int,
        tokenizer: "PreTrainedTokenizerFast | None" = None,
        letters: int = 0,
        counted: "Sequence[TokenStore] | None" = None,
    ) -> None:
        self.stores, self.adapter, self.vocabulary, self._letters = stores, adapter, vocabulary, letters
        self._counted = stores if counted is None else counted
        self._max_length, self._micro_batch_tokens, self._tokenizer = max_length, micro_batch_tokens, tokenizer
        self.alphabet = adapter.alphabet
        self.num_too_long = self._num_too_long() if adapter.whole_records else 0
        self.windows, self.few_windows = self._windows(FULL_LETTERS), self._windows(QUICK_LETTERS)
        # A very short held-out text may have nothing hidden in it: then there is nothing to score.
        self.kinds = tuple(kind for kind in kinds(vocabulary, adapter) if any(window.hidden[kind].any() for window in self.windows))

    @property
    def unit(self) -> str:
        """What a letter is called."""
        return self.alphabet.unit if self.alphabet is not None else "character"

    def read_by(self, tokenizer: "PreTrainedTokenizerFast", vocabulary: Vocabulary) -> "HeldOut":
        """The same held-out text for a model with another tokenizer."""
        sizes = {"max_length": self._max_length, "micro_batch_tokens": self._micro_batch_tokens, "letters": self._letters}
        return HeldOut(self.stores, self.adapter, vocabulary, tokenizer=tokenizer, counted=self._counted, **sizes)

    def quick(self, encoder: PackedEncoder) -> dict[str, float]:
        """The first figure on a part of the windows, for ``metrics.jsonl``."""
        if not self.kinds or not any(window.hidden[self.kinds[0]].any() for window in self.few_windows):
            return {}
        bits = self._score(encoder, self.few_windows, self.kinds[0])
        return {f"validation_bits_per_{self.unit}": bits.bits, "validation_accuracy": bits.accuracy}

    def full(self, encoder: PackedEncoder) -> dict[str, Bits]:
        """Every figure on all windows, by kind."""
        return {kind: self._score(encoder, self.windows, kind) for kind in self.kinds}

    def rough(self, encoder: PackedEncoder) -> dict[str, Bits]:
        """Every figure on the windows of ``quick``: enough for random weights, whose score nobody needs to a hundredth."""
        return {kind: self._score(encoder, self.few_windows, kind) for kind in self.kinds}

    def opponents(self) -> Opponents | None:
        """Count baselines and the leak figure; ``None`` where nothing is held out."""
        if not self.kinds or not any(len(store.indexes("train")) for store in self._counted):
            return None
        texts = self._held_out_texts()
        visible: list[CountScore] = []
        if self.alphabet is not None:
            visible, hidden = letter_opponents(self.alphabet, self._texts("train"), texts, self.windows, self.kinds)
        else:
            hidden = {kind: text_opponents(self._spread("train"), self.windows, kind) for kind in self.kinds}
        repeats = repeat_share(self._texts("train", views=False), texts, length=REPEAT_LENGTH, mirror=self.adapter.mirror)
        return Opponents(visible, hidden, repeats)

    def groups(self) -> list[str]:
        """Names of the held-out groups, at most 20."""
        names = {str(store.table["group"][int(index)]) for store in self.stores for index in store.indexes("validation")[:1000]}
        return sorted(names)[:20]

    def num_letters(self) -> int:
        """Held-out letters in all."""
        return sum(store.num_characters("validation") for store in self.stores)

    def _num_too_long(self) -> int:
        """Held-out records that must stay whole and do not fit, by the stores' own tokens."""
        lengths = [store.num_tokens(store.indexes("validation")) for store in self.stores]
        return sum(int((length > self._max_length - self.vocabulary.num_special).sum()) for length in lengths)

    def _windows(self, max_letters: int) -> list[Window]:
        sizes = {"max_length": self._max_length, "max_letters": max_letters, "letters": self._letters}
        found = (held_out_windows(store, self.vocabulary, self.adapter, tokenizer=self._tokenizer, **sizes) for store in self.stores)
        return [window for windows in found for window in windows]

    def _score(self, encoder: PackedEncoder, windows: Sequence[Window], kind: str) -> Bits:
        return score(encoder, windows, self.vocabulary, kind, micro_batch_tokens=self._micro_batch_tokens)

    def _held_out_texts(self) -> list[str]:
        """Held-out records, every so many of them where they hold more than ``OPPONENT_LETTERS``."""
        every = -(-self.num_letters() // OPPONENT_LETTERS)
        return list(islice(self._texts("validation"), 0, None, every))

    def _spread(self, role: str) -> Iterator[str]:
        """Records of a role, every so many of them where they hold more than can be counted."""
        every = -(-sum(store.num_characters(role) for store in self._counted) // MAX_LETTERS)
        return islice(self._texts(role), 0, None, max(1, every))

    def _texts(self, role: str, *, views: bool = True) -> Iterator[str]:
        for store in self._counted if role == "train" else self.stores:
            for index in store.indexes(role, views=views).tolist():
                yield store.text(index)


def evaluation(held_out: HeldOut, before: Mapping[str, Bits], after: Mapping[str, Bits], *, base: str, seed: int) -> dict[str, object]:
    """Content of ``evaluation.json``."""
    opponents = held_out.opponents()
    return {
        "unit": held_out.unit,
        "block": held_out.alphabet.block if held_out.alphabet else 1,
        "hidden_unit": "" if held_out.alphabet else held_out.adapter.evaluation_unit,
        "seed": seed,
        "base": base,
        "held_out": {
            "groups": held_out.groups(),
            "letters": held_out.num_letters(),
            "letters_in_windows": sum(len(window.text) for window in held_out.windows),
            "windows": len(held_out.windows),
            "records_too_long": held_out.num_too_long,
            "share_in_repeats_seen_in_training": opponents.repeats if opponents else None,
            "repeat_length": REPEAT_LENGTH,
        },
        "before": {kind: asdict(bits) for kind, bits in before.items()},
        "after": {kind: asdict(bits) for kind, bits in after.items()},
        "baselines": {
            "all_neighbours_visible": [asdict(s) for s in opponents.visible],
            "same_letters_hidden": {kind: [asdict(s) for s in scores] for kind, scores in opponents.hidden.items()},
        }
        if opponents
        else {},
    }
