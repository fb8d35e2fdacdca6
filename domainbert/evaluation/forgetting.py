"""The forgetting meter: how well a model still predicts the kind of text that its base was made of."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domainbert.engine.encoder import PackedEncoder
from domainbert.evaluation.held_out import HeldOut
from domainbert.tokenization.spans import read_vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_log = logging.getLogger(__name__)


def metric_name(corpus: str, unit: str) -> str:
    """What ``metrics.jsonl`` calls a meter's figure."""
    return f"meter_{corpus}_bits_per_{unit}"


@dataclass(frozen=True)
class Meter:
    """Held-out text of the corpora with the role ``replay`` or ``meter``, each by its name and read by its own adapter.

    There is one figure a corpus, that which every tokenizer can give: whole units of text, blocks of an alphabet.
    """

    corpora: Mapping[str, HeldOut]

    @classmethod
    def of(cls, corpora: Mapping[str, HeldOut]) -> "Meter":
        """The corpora that hold something out."""
        for name in (name for name, held_out in corpora.items() if not held_out.kinds):
            _log.warning("corpus %r: nothing or too little is held out, so that it does not measure forgetting", name)
        return cls({name: held_out for name, held_out in corpora.items() if held_out.kinds})

    def read_by(self, tokenizer: "PreTrainedTokenizerFast") -> "Meter":
        """The same text for a model with another tokenizer."""
        return Meter({name: each.read_by(tokenizer, read_vocabulary(tokenizer, each.adapter)) for name, each in self.corpora.items()})

    def quick(self, encoder: PackedEncoder) -> dict[str, float]:
        """Bits on a part of the windows, for ``metrics.jsonl``."""
        return {metric_name(name, each.unit): each.rough(encoder)[each.kinds[-1]].bits for name, each in self.corpora.items()}

    def full(self, encoder: PackedEncoder) -> dict[str, float]:
        """Bits on all windows, by corpus."""
        return {name: each.full(encoder)[each.kinds[-1]].bits for name, each in self.corpora.items()}

    def report(self, before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, Any]:
        """What ``evaluation.json`` keeps; a positive change is what was forgotten."""
        return {
            name: {"unit": each.unit, "before": before[name], "after": after[name], "change": after[name] - before[name]}
            for name, each in self.corpora.items()
        }
