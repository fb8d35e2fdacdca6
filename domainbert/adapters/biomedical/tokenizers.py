"""Three byte-level tokenizers, each complete in ``tokenizer.json``: merged pieces, longest pieces, and word parts.

All cut text the same way first: a word with the blank before it, three digits at most, one sign each. Every text is spelled, since the
vocabulary holds all 256 bytes, and comes back exactly.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from domainbert.adapters.base import Record
from domainbert.adapters.biomedical.morphemes import segment
from domainbert.adapters.biomedical.options import BpeOptions, MorphemeOptions, WordPieceOptions
from domainbert.errors import TokenizerError
from domainbert.tokenization.build import wrapped

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CONTINUES = "##"
# The longest word that is looked at as one. A search for the longest piece takes time with the square of it.
WORD = 64
PATTERN = rf" ?[\p{{L}}\p{{M}}]{{1,{WORD}}}| ?\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]|\s"
LONGEST = 4 * (WORD + 1)  # of a word in bytes, each a letter of the byte alphabet

Options = BpeOptions | WordPieceOptions | MorphemeOptions


def build_tokenizer(options: Options, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
    """The tokenizer that ``options`` describe, learned on ``records`` of canonical text.

    Raises:
        TokenizerError: there is no text to learn from.
    """
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return wrapped(
        backend(options, (record.text for record in records)),
        model_max_length=model_max_length,
        **dict(zip(names, SPECIAL_TOKENS, strict=True)),
    )


def backend(options: Options, texts: Iterable[str]) -> "Tokenizer":
    """The same without transformers' wrapper."""
    from tokenizers import Regex, decoders, normalizers, pre_tokenizers, processors

    first = next(iterator := iter(texts), None)
    if first is None:
        raise TokenizerError("the tokenizer learns its pieces on the corpus, and there is no text in it")
    texts = _again(first, iterator)
    splitter = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PATTERN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    if isinstance(options, BpeOptions):
        tokenizer = _learned_bpe(options.vocabulary_size, texts, splitter)
        tokenizer.decoder = decoders.ByteLevel()
    else:
        if isinstance(options, MorphemeOptions):
            pieces = morpheme_pieces(texts, splitter)
        else:
            pieces = _learned_pieces(options.vocabulary_size, texts, splitter)
        tokenizer = longest_pieces(pieces, options.vocabulary_size)
        tokenizer.decoder = decoders.Sequence([decoders.Replace(Regex(f"^{CONTINUES}"), ""), decoders.ByteLevel()])
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = splitter
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    ids = [(token, SPECIAL_TOKENS.index(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ids
    )
    return tokenizer


def longest_pieces(pieces: Iterable[str], vocabulary_size: int) -> "Tokenizer":
    """A WordPiece model of these pieces, the first ones first, and of every byte at both places of a word.

    Args:
        pieces: in the byte alphabet; those within a word begin with ``##``.
        vocabulary_size: entries, special tokens and bytes among them.
    """
    from tokenizers import Tokenizer, models

    letters = byte_letters()
    entries = dict.fromkeys([*SPECIAL_TOKENS, *letters, *(CONTINUES + letter for letter in letters)])
    for piece in pieces:
        if len(entries) >= vocabulary_size:
            break
        entries.setdefault(piece)
    vocabulary = {piece: index for index, piece in enumerate(entries)}
    return Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", continuing_subword_prefix=CONTINUES, max_input_chars_per_word=LONGEST))


def morpheme_pieces(texts: Iterable[str], splitter: "object") -> Iterator[str]:
    """The word parts of a corpus, the most frequent first."""
    words = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(text))  # type: ignore[attr-defined]
    parts: Counter[str] = Counter()
    for word, count in words.items():
        blank = word[:1] if word.startswith("Ġ") else ""
        first, *others = segment(word.removeprefix("Ġ")) or [""]
        parts[blank + first] += count
        parts.update({CONTINUES + other: count for other in others})
    for part, _ in sorted(parts.items(), key=lambda item: (-item[1], item[0])):
        yield part


def byte_letters() -> list[str]:
    """The 256 letters that stand for bytes."""
    from tokenizers import pre_tokenizers

    return sorted(pre_tokenizers.ByteLevel.alphabet())


def _learned_bpe(size: int, texts: Iterable[str], splitter: object) -> "Tokenizer":
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = splitter  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIAL_TOKENS), initial_alphabet=byte_letters(), min_frequency=2, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _learned_pieces(size: int, texts: Iterable[str], splitter: object) -> Iterator[str]:
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=LONGEST))
    tokenizer.pre_tokenizer = splitter  # type: ignore[assignment]
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=list(SPECIAL_TOKENS), initial_alphabet=byte_letters(), min_frequency=2,
        continuing_subword_prefix=CONTINUES, show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = tokenizer.get_vocab()
    yield from sorted(vocabulary, key=vocabulary.__getitem__)


def _again(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others
