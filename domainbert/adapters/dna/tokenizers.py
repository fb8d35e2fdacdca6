"""The three DNA tokenizers, each complete in ``tokenizer.json``: single bases, k-mers, and pieces learned by BPE.

All share their special tokens, their normalizer (the same spelling as ``canonicalize``) and ``<cls>`` before a text.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from domainbert.adapters.base import Record
from domainbert.adapters.dna.options import BpeOptions, CharacterOptions, KmerOptions
from domainbert.errors import TokenizerError
from domainbert.tokenization.build import wrapped

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Normalizer
    from transformers import PreTrainedTokenizerFast

# Order and letters of the published vocabulary of Nucleotide Transformer v2: with k = 6 it has 4,107 entries and the ids are the same.
SPECIAL_TOKENS = ("<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>")
LETTERS = "ATCG"
UNKNOWN_BASE = "N"

# A chromosome as one word would cost BPE a merge queue over all of it, so words end after this many bases. Pieces never cross that
# border; with 4,096 of them they are about five bases long, so a hundredth of them is cut by it.
BPE_WORD = 512
BPE_BASES = 2_000_000  # drawn evenly from the corpus; learning takes 160 MB and 3 s with these, 430 MB and 12 s with four times as many


def build_tokenizer(
    options: CharacterOptions | KmerOptions | BpeOptions, records: Iterable[Record], *, model_max_length: int
) -> "PreTrainedTokenizerFast":
    """The tokenizer that ``options`` describe; only BPE reads ``records`` (of canonical text)."""
    names = ("unk_token", "pad_token", "mask_token", "cls_token", "eos_token", "bos_token")
    return wrapped(
        backend(options, records),
        model_max_length=model_max_length,
        **dict(zip(names, SPECIAL_TOKENS, strict=True)),
    )


def backend(options: CharacterOptions | KmerOptions | BpeOptions, records: Iterable[Record] = ()) -> "Tokenizer":
    """The same without transformers' wrapper."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

    if isinstance(options, BpeOptions):
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
        pattern = f"[ACGT]{{1,{BPE_WORD}}}|."
    else:
        tokenizer = Tokenizer(models.WordLevel(vocabulary(options), unk_token="<unk>"))
        pattern = f"[ACGT]{{{options.k}}}|." if isinstance(options, KmerOptions) else "."
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    if isinstance(options, BpeOptions):
        _learn(tokenizer, options, records)
    special_ids = [(token, SPECIAL_TOKENS.index(token)) for token in ("<cls>", "<eos>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="<cls> $A", pair="<cls> $A <eos> $B:1", special_tokens=special_ids)
    return tokenizer


def vocabulary(options: CharacterOptions | KmerOptions) -> dict[str, int]:
    """Every entry of a tokenizer that is not learned, with its id."""
    kmers = ["".join(letters) for letters in product(LETTERS, repeat=options.k)] if isinstance(options, KmerOptions) else []
    return {token: index for index, token in enumerate([*SPECIAL_TOKENS, *kmers, *LETTERS, UNKNOWN_BASE])}


def _normalizer() -> "Normalizer":
    """``canonicalize`` in the words of tokenizer.json, which has no upper-casing."""
    from tokenizers import Regex, normalizers

    upper = [normalizers.Replace(letter.lower(), letter) for letter in "ACGT"]
    return normalizers.Sequence(
        [*upper, normalizers.Replace(Regex("[Uu]"), "T"), normalizers.Replace(Regex("[nRYSWKMBDHVXryswkmbdhvx]"), UNKNOWN_BASE)]
    )


def _learn(tokenizer: "Tokenizer", options: BpeOptions, records: Iterable[Record]) -> None:
    from tokenizers import trainers

    words = _sample_words(records)
    if not words:
        raise TokenizerError("tokenizer kind 'bpe' learns its pieces on the corpus, and there is no text in it")
    trainer = trainers.BpeTrainer(
        vocab_size=options.vocabulary_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=[*LETTERS, UNKNOWN_BASE],
        show_progress=False,
    )
    tokenizer.train_from_iterator(words, trainer)


def _sample_words(records: Iterable[Record]) -> list[str]:
    """Up to ``BPE_BASES`` of text in words, each word of the corpus with the same chance (Vitter 1985, algorithm R)."""
    limit = BPE_BASES // BPE_WORD
    rng = np.random.default_rng(0)
    kept: list[str] = []
    for number, word in enumerate(_words(records)):
        if number < limit:
            kept.append(word)
        elif (place := int(rng.integers(number + 1))) < limit:
            kept[place] = word
    return kept


def _words(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        for start in range(0, len(record.text), BPE_WORD):
            yield record.text[start : start + BPE_WORD]
