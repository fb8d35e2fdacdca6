"""Published tokenizers without ``tokenizer.json``, found again among the adapter's own: the Nucleotide Transformer's and ESM's are such."""

from typing import TYPE_CHECKING

from domainbert.adapters.base import Adapter
from domainbert.errors import DomainBertError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast


def find_twin(tokenizer: "PreTrainedTokenizerBase", adapter: Adapter) -> "PreTrainedTokenizerFast | None":
    """The adapter's tokenizer with the same vocabulary, the same special tokens and the same ids of every probe; ``None`` for none."""
    for kind, options in adapter.tokenizer_kinds.items():
        try:
            twin = adapter.tokenizer(kind, options(), iter(()), model_max_length=tokenizer.model_max_length)
        except (DomainBertError, TypeError):  # a kind that learns from text, or has options without defaults
            continue
        if _same(tokenizer, twin, adapter):
            return twin
    return None


def _same(tokenizer: "PreTrainedTokenizerBase", twin: "PreTrainedTokenizerFast", adapter: Adapter) -> bool:
    names = ("mask_token", "pad_token", "cls_token")
    if tokenizer.get_vocab() != twin.get_vocab() or any(getattr(tokenizer, name) != getattr(twin, name) for name in names):
        return False
    texts = [adapter.canonicalize(probe) for probe in adapter.probes()]
    return all(tokenizer(text)["input_ids"] == twin(text)["input_ids"] for text in texts)
