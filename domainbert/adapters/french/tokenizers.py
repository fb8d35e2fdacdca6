"""WordPiece for French, complete in ``tokenizer.json`` and without unknown text.

WordPiece itself gives up a whole word for one unknown character. Here its alphabet are bytes (spelled as letters, as GPT-2 does), and
every byte is an entry, so that nothing is unknown. Pieces are learned on characters and spelled in bytes afterwards: no piece begins
or ends inside a character, except for the single bytes that stand in for characters which the corpus lacks.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from domainbert.adapters.base import Record
from domainbert.adapters.french import spelling
from domainbert.adapters.french.options import WordPieceOptions
from domainbert.errors import TokenizerError
from domainbert.tokenization.build import wrapped

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Normalizer
    from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, CLS, SEP, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
INSIDE = "##"  # begins the entries that continue a word
PAIRS = [f"{number:02d}" for number in range(100)]  # numbers are read two digits at a time: CamemBERT 2.0 (arXiv 2411.08868)
ALWAYS = "àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆ«»—\u2013…·€°§"  # characters of French that a small corpus may lack
# Emoji_Presentation of Unicode's emoji-data.txt in blocks, without the flags and skin tones that are sequences
EMOJI = ((0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F90C, 0x1F9FF))
SINGLE_EMOJI = "☀☎☔☕☺♥⚠⚡⚽✅✈✉✌✏✔✨❄❌❓❗❤➡⭐"
ALPHABET_COUNT = 10  # times that a character must occur to be an entry of its own
ALPHABET_SHARE = 0.1  # of the vocabulary, at most, for characters
LONGEST_WORD = 4 * (2 * spelling.LONGEST + 2)  # bytes of the longest match of the pattern

_ONIG_LETTER = r"\p{L}\p{M}"
_TRAINING_DIGITS = "[0-9]"  # one at a time, so that no piece but the pairs holds two


def build_tokenizer(options: WordPieceOptions, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
    """The tokenizer that ``options`` describe, learned on records of canonical text."""
    vocabulary = {token: index for index, token in enumerate(_entries(options, records))}
    return wrapped(
        backend(vocabulary),
        model_max_length=model_max_length,
        pad_token=PAD,
        unk_token=UNKNOWN,
        cls_token=CLS,
        sep_token=SEP,
        mask_token=MASK,
    )


def backend(vocabulary: dict[str, int]) -> "Tokenizer":
    """The same without transformers' wrapper."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

    model = models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_WORD, continuing_subword_prefix=INSIDE)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = _normalizer()
    words = pre_tokenizers.Split(Regex(spelling.pattern(_ONIG_LETTER)), "removed", invert=True)  # what is removed is blanks
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    # A blank is no letter of the byte alphabet: the decoder of bytes would leave such tokens as they are.
    blank = decoders.Replace(" ", "\u0120")
    tokenizer.decoder = decoders.Sequence([decoders.WordPiece(prefix=INSIDE, cleanup=False), blank, decoders.ByteLevel()])
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    ids = [(token, vocabulary[token]) for token in (CLS, SEP)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}", pair=f"{CLS} $A {SEP} $B:1 {SEP}:1", special_tokens=ids
    )
    return tokenizer


def in_bytes(text: str) -> str:
    """Text as the letters that its UTF-8 bytes are spelled with in the vocabulary."""
    return text.encode().decode("latin-1").translate(_byte_letters())


def from_bytes(token: str) -> str | None:
    """The text of an entry without its ``##``; ``None`` where it is a part of a character, or no entry of ours."""
    try:
        return token.translate(_letter_bytes()).encode("latin-1").decode()
    except UnicodeError:
        return None


def _normalizer() -> "Normalizer":
    """``canonicalize`` in the words of tokenizer.json."""
    from tokenizers import Regex, normalizers

    quoted = rf"(?<=\p{{L}})[{spelling.QUOTES_USED_AS_APOSTROPHES}](?=\p{{L}})"
    return normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\r\n?"), "\n"),
            normalizers.Replace(Regex(f"[{spelling.APOSTROPHES}]"), "'"),
            normalizers.Replace(Regex(quoted), "'"),
            normalizers.Replace(Regex(f"[{spelling.SPACES}]"), " "),
        ]
    )


def _entries(options: WordPieceOptions, records: Iterable[Record]) -> list[str]:
    """Every entry in the order of its id: special tokens, bytes, digits, characters, emoji, then what was learned."""
    letters: Counter[str] = Counter()

    def texts() -> Iterator[str]:
        for record in records:
            letters.update(record.text)
            yield record.text

    learned = _learn(texts(), options.vocabulary_size)
    if not letters:
        raise TokenizerError("tokenizer kind 'wordpiece' learns its pieces on the corpus, and there is no text in it")
    number = int(ALPHABET_SHARE * options.vocabulary_size / 2)
    common = [letter for letter, count in letters.most_common() if count >= ALPHABET_COUNT and not letter.isspace()]
    alphabet = [in_bytes(letter) for letter in dict.fromkeys((*ALWAYS, *common[:number]))]
    all_bytes = [_byte_letters()[byte] for byte in range(256)]
    fixed = [*SPECIAL_TOKENS]
    for entries in (all_bytes, PAIRS, alphabet):
        fixed += [*entries, *(INSIDE + entry for entry in entries)]
    if options.emoji:
        fixed += [in_bytes(emoji) for emoji in _emoji()]
    known = set(alphabet) | set(all_bytes)
    pieces = (_spelled(piece) for piece in learned)
    # A character too rare for the alphabet is bytes everywhere; a piece that holds it could be reached by no other way.
    usable = (piece for piece in pieces if all(in_bytes(letter) in known for letter in from_bytes(piece.removeprefix(INSIDE)) or ""))
    return list(dict.fromkeys((*fixed, *usable)))[: options.vocabulary_size]


def _learn(texts: Iterator[str], vocabulary_size: int) -> list[str]:
    """Pieces of characters, shortest training first: the order in which the trainer found them."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    words = spelling.pattern(_ONIG_LETTER).replace(f"[0-9]{{1,{spelling.LONGEST}}}", _TRAINING_DIGITS)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(words), "removed", invert=True)
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size, special_tokens=[UNKNOWN], continuing_subword_prefix=INSIDE, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = tokenizer.get_vocab()
    return sorted((token for token in vocabulary if token != UNKNOWN), key=vocabulary.__getitem__)


def _spelled(piece: str) -> str:
    inside = piece.startswith(INSIDE) and len(piece) > len(INSIDE)
    return INSIDE + in_bytes(piece.removeprefix(INSIDE)) if inside else in_bytes(piece)


def _emoji() -> list[str]:
    return [chr(code) for first, last in EMOJI for code in range(first, last + 1)] + list(SINGLE_EMOJI)


@cache
def _byte_letters() -> dict[int, str]:
    """The printable letter that stands for each byte in the byte-level alphabet of the tokenizers library (GPT-2's)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + number) for number, byte in enumerate(others)}


@cache
def _letter_bytes() -> dict[int, int]:
    return {ord(letter): byte for byte, letter in _byte_letters().items()}
