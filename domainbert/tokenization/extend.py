"""Domain pieces for a tokenizer that exists: learned by going on where its own pieces end, and written into its ``tokenizer.json``."""

import itertools
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Pair = tuple[str, str]
_CONTINUES = "##"  # WordPiece's mark of a piece inside a word


def extend_tokenizer(tokenizer: "PreTrainedTokenizerFast", texts: Iterable[str], num_pieces: int) -> "PreTrainedTokenizerFast":
    """The tokenizer with up to ``num_pieces`` more pieces; every old piece keeps its meaning.

    Pieces are found by byte-pair encoding (Sennrich et al. 2016, section 3.2) that begins with the tokenizer's own pieces of each word
    instead of letters: each new piece joins the two neighbours that meet most often, so it saves the most tokens. Words are as the
    tokenizer's pre-tokenizer cuts them. Ids of old tokens stay, but for those of a Unigram tokenizer that stand behind its pieces.

    Args:
        tokenizer: WordPiece, BPE or Unigram.
        texts: canonical text of the domain; pieces that it holds fewer than two times are not made.
        num_pieces: at most so many.

    Raises:
        TokenizerError: it is of another kind.
    """
    backend = tokenizer.backend_tokenizer
    content = json.loads(backend.to_str())
    write = _WRITERS.get(content["model"]["type"])
    model = content["model"]
    if write is None or model.get("continuing_subword_prefix") not in (None, "", _CONTINUES) or model.get("end_of_word_suffix"):
        raise TokenizerError(
            f"{tokenizer.name_or_path}: a {model['type']} tokenizer has no pieces to join; use tokenizer.mode = keep or replace"
        )
    write(content, _merges(backend, texts, num_pieces, chained=model["type"] == "BPE"))
    return _like(tokenizer, Tokenizer.from_str(json.dumps(content)))


def _merges(backend: Tokenizer, texts: Iterable[str], num_pieces: int, *, chained: bool) -> list[tuple[Pair, int]]:
    """The pairs to join. Where pieces need not be reached through others (``chained``), those that save least in the end are left out."""
    words = [(pieces, count) for pieces, count in _words(backend, texts) if len(pieces) > 1]
    old = [list(pieces) for pieces, _ in words]
    merges = learn_merges(words, num_pieces if chained else num_pieces + num_pieces // 2, taken=set(backend.get_vocab()))
    if chained:
        return merges
    size: dict[str, int] = {}
    for pair, _ in merges:
        size[joined(pair)] = size.get(pair[0], 1) + size.get(pair[1], 1)
    saved = Counter(dict.fromkeys(size, 0))
    for (pieces, count), before in zip(words, old, strict=True):
        if len(pieces) < len(before):
            for piece in pieces:
                saved[piece] += count * (size.get(piece, 1) - 1)
    kept = {piece for piece, _ in saved.most_common(num_pieces)}
    return [merge for merge in merges if joined(merge[0]) in kept]


def learn_merges(words: list[tuple[list[str], int]], num_merges: int, *, taken: set[str]) -> list[tuple[Pair, int]]:
    """Pairs of neighbouring pieces to join, in order, and how often each met by then.

    Args:
        words: pieces and count of each word; left in the pieces that they have in the end.
        num_merges: at most so many.
        taken: pieces that are no new ones.
    """
    taken = set(taken)
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    counts: Counter[Pair] = Counter()
    for number, (pieces, count) in enumerate(words):
        for pair in itertools.pairwise(pieces):
            counts[pair] += count
            where[pair].add(number)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapify(heap)
    merges: list[tuple[Pair, int]] = []
    while heap and len(merges) < num_merges:
        negative, pair = heappop(heap)
        if counts[pair] != -negative:  # an old entry
            continue
        if counts[pair] < 2:  # noqa: PLR2004  # once is chance
            break
        if joined(pair) in taken:  # reached by other joins already
            continue
        taken.add(joined(pair))
        merges.append((pair, counts[pair]))
        changed = set()
        for number in where.pop(pair):
            pieces, count = words[number]
            after = _join(pieces, pair)
            for old in itertools.pairwise(pieces):
                counts[old] -= count
                changed.add(old)
            for new in itertools.pairwise(after):
                counts[new] += count
                where[new].add(number)
                changed.add(new)
            words[number] = after, count
        for each in changed:
            if counts[each] > 0:
                heappush(heap, (-counts[each], each))
    return merges


def joined(pair: Pair) -> str:
    """The piece that two neighbours make."""
    return pair[0] + pair[1].removeprefix(_CONTINUES)


def tokens_per_thousand(tokenizer: "PreTrainedTokenizerFast", texts: Sequence[str]) -> float:
    """Tokens that a thousand characters take, without special tokens."""
    encoded = tokenizer.backend_tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return 1000 * sum(len(each.ids) for each in encoded) / max(1, sum(map(len, texts)))


def _words(backend: Tokenizer, texts: Iterable[str]) -> list[tuple[list[str], int]]:
    """Each word once, in the tokenizer's pieces, with its count; words with unknown pieces or single bytes are left out."""
    counts: Counter[str] = Counter()
    for text in texts:
        normalized = backend.normalizer.normalize_str(text) if backend.normalizer else text
        cut = backend.pre_tokenizer.pre_tokenize_str(normalized) if backend.pre_tokenizer else [(normalized, (0, 0))]
        counts.update(word for word, _ in cut)
    words = []
    for word, count in counts.items():
        pieces = [token.value for token in backend.model.tokenize(word)]
        if pieces and pieces[0] + "".join(piece.removeprefix(_CONTINUES) for piece in pieces[1:]) == word:
            words.append((pieces, count))
    return words


def _join(pieces: list[str], pair: Pair) -> list[str]:
    """The pieces of a word with every occurrence of a pair joined, from the left."""
    after, place = [], 0
    while place < len(pieces):
        if place + 1 < len(pieces) and (pieces[place], pieces[place + 1]) == pair:
            after.append(joined(pair))
            place += 2
        else:
            after.append(pieces[place])
            place += 1
    return after


def _next_id(content: dict[str, Any]) -> int:
    vocabulary = content["model"]["vocab"]
    return 1 + int(max([*vocabulary.values(), *(token["id"] for token in content["added_tokens"])]))


def _write_word_piece(content: dict[str, Any], merges: Sequence[tuple[Pair, int]]) -> None:
    first = _next_id(content)
    content["model"]["vocab"].update({joined(pair): first + number for number, (pair, _) in enumerate(merges)})


def _write_bpe(content: dict[str, Any], merges: Sequence[tuple[Pair, int]]) -> None:
    _write_word_piece(content, merges)
    content["model"]["merges"] += [list(pair) for pair, _ in merges]


def _write_unigram(content: dict[str, Any], merges: Sequence[tuple[Pair, int]]) -> None:
    """Pieces are numbered by their place in the list: tokens that were added behind it move up."""
    vocabulary = content["model"]["vocab"]
    size, scores = len(vocabulary), dict(vocabulary)
    total = sum(count for _, count in merges) or 1
    for pair, count in merges:
        parts = scores[pair[0]] + scores[pair[1]]
        # A piece must be likelier than its parts to be chosen; its own frequency among the new pieces is a lower bound of that.
        scores[joined(pair)] = max(math.log(count / total) + parts / 2, parts + 1e-4)
        vocabulary.append([joined(pair), scores[joined(pair)]])
    moved = len(vocabulary) - size
    for token in content["added_tokens"]:
        token["id"] += moved if token["id"] >= size else 0
    for special in (content.get("post_processor") or {}).get("special_tokens", {}).values():
        special["ids"] = [each + moved if each >= size else each for each in special["ids"]]


_WRITERS = {"WordPiece": _write_word_piece, "BPE": _write_bpe, "Unigram": _write_unigram}


def _like(tokenizer: "PreTrainedTokenizerFast", backend: Tokenizer) -> "PreTrainedTokenizerFast":
    """Another backend with the same special tokens and length."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend, model_max_length=tokenizer.model_max_length, name_or_path=tokenizer.name_or_path,
        clean_up_tokenization_spaces=False, **tokenizer.special_tokens_map,
    )  # fmt: skip
