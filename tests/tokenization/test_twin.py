"""Published tokenizers that have no tokenizer.json, as their authors save them."""

from pathlib import Path

import pytest
from transformers import EsmTokenizer

from domainbert.adapters.registry import load_adapter
from domainbert.tokenization.twin import find_twin


def published(folder: Path, *, change: dict[str, str] | None = None) -> EsmTokenizer:
    """The Nucleotide Transformer's tokenizer: a list of 6-mers, read by the slow tokenizer of ESM."""
    adapter = load_adapter("dna")
    vocabulary = adapter.tokenizer("kmer", adapter.tokenizer_kinds["kmer"](), iter(()), model_max_length=2048).get_vocab()
    words = [(change or {}).get(token, token) for token in sorted(vocabulary, key=vocabulary.__getitem__)]
    (folder / "vocab.txt").write_text("\n".join(words))
    return EsmTokenizer(str(folder / "vocab.txt"), eos_token=None, model_max_length=2048)


def test_the_nucleotide_transformers_tokenizer_is_found_among_ours(tmp_path: Path) -> None:
    slow = published(tmp_path)
    twin = find_twin(slow, load_adapter("dna"))
    assert twin is not None and twin.model_max_length == 2048
    text = "ACGTGTNACGTACNNNACGTGTACGTNAC" * 3
    assert twin(text)["input_ids"] == slow(text)["input_ids"]
    assert twin(text, return_offsets_mapping=True)["offset_mapping"][1] == (0, 6)


@pytest.mark.parametrize("change", [{"ACGTAC": "ACGTAA", "ACGTAA": "ACGTAC"}, {"N": "X"}])
def test_one_that_differs_anywhere_is_not_taken(change: dict[str, str], tmp_path: Path) -> None:
    assert find_twin(published(tmp_path, change=change), load_adapter("dna")) is None
