"""The tokenizer of proteins, complete in ``tokenizer.json``, with the 33 ids of ESM-2; and a look-up that gives them quicker."""

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Encode
from domainbert.adapters.proteins.sequence import RESIDUES
from domainbert.tokenization.build import gives_same_ids, wrapped

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

# Order of ESM-2's vocab.txt on the Hub (facebook/esm2_*). <null_1> makes their number odd there; it is never used.
VOCABULARY = ("<cls>", "<pad>", "<eos>", "<unk>", *RESIDUES, *"XBUZO", ".", "-", "<null_1>", "<mask>")
SPECIAL_TOKENS = tuple(token for token in VOCABULARY if len(token) > 1)


def build_tokenizer(*, model_max_length: int) -> "PreTrainedTokenizerFast":
    """One token a residue, ``<cls>`` before a sequence and ``<eos>`` after it, as ESM-2 has it."""
    names = {"cls_token": "<cls>", "pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>", "mask_token": "<mask>"}
    return wrapped(
        backend(),
        model_max_length=model_max_length,
        additional_special_tokens=["<null_1>"],
        **names,
    )


def backend() -> "Tokenizer":
    """The same without transformers' wrapper."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel(vocabulary(), unk_token="<unk>"))
    # canonicalize in the words of tokenizer.json, which has no upper-casing; what the options leave open stays
    upper = [normalizers.Replace(letter, letter.upper() if letter != "j" else "X") for letter in ascii_lowercase]
    tokenizer.normalizer = normalizers.Sequence([*upper, normalizers.Replace("J", "X"), normalizers.Replace(Regex(r"\s+"), "")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    special_ids = [(token, VOCABULARY.index(token)) for token in ("<cls>", "<eos>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<cls> $A <eos>", pair="<cls> $A <eos> $B:1 <eos>:1", special_tokens=special_ids
    )
    return tokenizer


def vocabulary() -> dict[str, int]:
    """Every entry with its id."""
    return {token: index for index, token in enumerate(VOCABULARY)}


def find_encoder(tokenizer: "PreTrainedTokenizerFast") -> Encode | None:
    """The look-up for a tokenizer that is, part by part, ours; ``None`` for any other."""
    if len(tokenizer) != len(VOCABULARY) or not gives_same_ids(tokenizer.backend_tokenizer, backend()):
        return None
    return make_encoder()


def make_encoder() -> Encode:
    """Ids of canonical text, uint8."""
    table = bytearray([VOCABULARY.index("<unk>")] * 256)
    for index, token in enumerate(VOCABULARY):
        if len(token) == 1:
            table[ord(token)] = index
    ids = bytes(table)

    def encode(text: str) -> NDArray[np.integer[Any]]:
        return np.frombuffer(text.encode("ascii", "replace").translate(ids), np.uint8)

    return encode
