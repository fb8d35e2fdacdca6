"""Where the embeddings of a new vocabulary come from: each new row as a weighted mean of old ones.

N new entries, O old entries, D dimensions.
"""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

INITS = ("mean", "focus")
_WINDOW = 5  # tokens to either side
_DIMENSIONS = 128
_SMOOTHING = 0.75
_SUPPORT = 512  # nearest neighbours that sparsemax looks at; it gives weight to some dozens
_ROWS = 2048
_ROLES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token", "bos_token", "eos_token")

Surface = tuple[str, str]
"""Whether a token begins a word (``"word"``), goes on inside one (``"inside"``) or is special (its role), and its text."""


def row_weights(
    old: "PreTrainedTokenizerFast", new: "PreTrainedTokenizerFast", *, num_old_rows: int, init: str, texts: Iterable[str] = ()
) -> sparse.csr_array:
    """How each new entry's row is made of old rows: ``(N, O)``, rows sum to 1.

    An entry that the old vocabulary holds too (same text, same place in a word, or same role for special tokens) takes its row. Others:

    * ``mean``: the mean of the old pieces of their text.
    * ``focus``: a mean of the entries that both vocabularies share, weighted by sparsemax of their cosine similarity in static vectors of
      the domain (Dobler and de Melo 2023, arXiv 2305.14481). Static vectors are those of Levy and Goldberg 2014 (positive pointwise
      mutual information, truncated SVD) instead of fastText. Entries without a vector, since no text holds them, take the mean of their
      pieces.

    Args:
        old: tokenizer of the embeddings that exist.
        new: tokenizer that needs embeddings.
        num_old_rows: rows of the old table, at least as many as entries.
        init: ``"mean"`` or ``"focus"``.
        texts: canonical text of the domain, for ``focus``.
    """
    old_surfaces, new_surfaces = surfaces(old), surfaces(new)
    by_surface = {surface: index for index, surface in sorted(old_surfaces.items(), reverse=True)}
    shared = {index: by_surface[surface] for index, surface in new_surfaces.items() if surface in by_surface}
    rows: dict[int, tuple[Sequence[int], Sequence[float]]] = {index: ([row], [1.0]) for index, row in shared.items()}
    if init == "focus":
        rows |= _focus(new, shared, [index for index in new_surfaces if index not in shared], texts)
    everything = sorted(by_surface.values())
    for index, (place, text) in new_surfaces.items():
        if index not in rows:
            pieces = _pieces(old, text, inside=place == "inside") or everything
            rows[index] = pieces, [1 / len(pieces)] * len(pieces)
    size = max(new_surfaces) + 1
    for index in range(size):  # ids that no token has
        rows.setdefault(index, (everything, [1 / len(everything)] * len(everything)))
    indptr = np.cumsum([0, *(len(rows[index][0]) for index in range(size))])
    columns = np.concatenate([np.asarray(rows[index][0], np.int64) for index in range(size)])
    weights = np.concatenate([np.asarray(rows[index][1], np.float64) for index in range(size)])
    return sparse.csr_array((weights, columns, indptr), shape=(size, num_old_rows))


def surfaces(tokenizer: "PreTrainedTokenizerFast") -> dict[int, Surface]:
    """Where each entry stands in a word, and its text: what two vocabularies of different kinds have in common."""
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    marks = _Marks(content)
    roles = {getattr(tokenizer, f"{role}_id"): role for role in _ROLES if getattr(tokenizer, f"{role}_id") is not None}
    special = set(tokenizer.all_special_ids)
    return {
        index: (_role(roles, index), "") if index in roles else ("special", token) if index in special else marks.surface(token)
        for token, index in tokenizer.get_vocab().items()
    }


def sparsemax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows projected onto the probability simplex (Martins and Astudillo 2016, algorithm 1)."""
    ordered = -np.sort(-scores, axis=1)
    sums = np.cumsum(ordered, axis=1) - 1
    ranks = np.arange(1, scores.shape[1] + 1)
    size = (ranks * ordered > sums).sum(axis=1)
    threshold = np.take_along_axis(sums, size[:, None] - 1, axis=1) / size[:, None]
    weights: NDArray[np.float64] = np.maximum(scores - threshold, 0.0)
    return weights


class _Marks:
    """How a tokenizer of some kind writes that a piece begins a word or goes on inside one."""

    def __init__(self, content: dict[str, Any]) -> None:
        kinds = {each.get("type") for each in _steps(content.get("pre_tokenizer")) + _steps(content.get("decoder"))}
        self._bytes = _byte_of_letter() if "ByteLevel" in kinds else None
        self._metaspace = "Metaspace" in kinds
        self._word_piece = content["model"]["type"] == "WordPiece"
        self._plain = not (self._bytes or self._metaspace or self._word_piece)

    def surface(self, token: str) -> Surface:
        if self._bytes is not None:
            data = bytes(self._bytes.get(letter, 63) for letter in token)
            text = data.decode("utf-8", "surrogateescape")
            return ("word", text[1:]) if text.startswith(" ") and len(text) > 1 else ("inside", text)
        if self._metaspace:
            return ("word", token[1:]) if token.startswith("▁") and len(token) > 1 else ("inside", token)
        if self._word_piece:
            return ("inside", token[2:]) if token.startswith("##") and len(token) > 2 else ("word", token)  # noqa: PLR2004  # of ##
        return "word", token


def _role(roles: dict[int, str], index: int) -> str:
    """One name for tokens that do the same in different families: what stands before a text, and what behind it."""
    return {"bos_token": "cls_token", "eos_token": "sep_token"}.get(roles[index], roles[index])


def _pieces(tokenizer: "PreTrainedTokenizerFast", text: str, *, inside: bool) -> list[int]:
    """Known pieces of a text; inside a word, those that are left when a letter is put before it and its piece taken away."""
    encode = tokenizer.backend_tokenizer.encode
    if inside:
        whole = encode(f"a{text}", add_special_tokens=False)
        pieces = [index for index, (start, _) in zip(whole.ids, whole.offsets, strict=True) if start >= 1]
    else:
        pieces = []
    pieces = pieces or encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False).ids
    return [index for index in pieces if index != tokenizer.unk_token_id]


def _steps(part: dict[str, Any] | None) -> list[dict[str, Any]]:
    if not part:
        return []
    return part.get("pretokenizers") or part.get("decoders") or [part]


def _byte_of_letter() -> dict[str, int]:
    """Bytes as GPT-2's table writes them: printable ones as themselves, the others from U+0100 on (Radford et al. 2019)."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in own]
    return {chr(byte): byte for byte in own} | {chr(256 + number): byte for number, byte in enumerate(rest)}


def _focus(
    new: "PreTrainedTokenizerFast", shared: dict[int, int], wanted: Sequence[int], texts: Iterable[str]
) -> dict[int, tuple[Sequence[int], Sequence[float]]]:
    vectors_ND = static_vectors(new, texts)
    has_vector = np.linalg.norm(vectors_ND, axis=1) > 0
    anchors = np.array([index for index in shared if has_vector[index]], np.int64)
    wanted_N = np.array([index for index in wanted if has_vector[index]], np.int64)
    found: dict[int, tuple[Sequence[int], Sequence[float]]] = {}
    if not len(anchors):
        return found
    old_rows = np.array([shared[int(index)] for index in anchors], np.int64)
    for start in range(0, len(wanted_N), _ROWS):
        lot = wanted_N[start : start + _ROWS]
        similarity = vectors_ND[lot] @ vectors_ND[anchors].T
        nearest = np.argpartition(-similarity, min(_SUPPORT, len(anchors)) - 1, axis=1)[:, :_SUPPORT]
        weights = sparsemax(np.take_along_axis(similarity, nearest, axis=1))
        for index, columns, row in zip(lot.tolist(), nearest, weights, strict=True):
            used = np.flatnonzero(row)
            found[index] = old_rows[columns[used]].tolist(), row[used].tolist()
    return found


def static_vectors(tokenizer: "PreTrainedTokenizerFast", texts: Iterable[str]) -> NDArray[np.float64]:
    """A unit vector for each entry from its neighbours in the texts, ``(N, D)``; zeros for entries that stand in none."""
    size = max(tokenizer.get_vocab().values()) + 1
    encoded = tokenizer.backend_tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    wall = [size] * _WINDOW  # no neighbours across texts
    ids = np.array([index for each in encoded for index in (*each.ids, *wall)], np.int64)
    counts = sparse.csr_array((size, size))
    for distance in range(1, _WINDOW + 1):
        left, right = ids[:-distance], ids[distance:]
        inside = (left < size) & (right < size)
        weight = np.full(int(inside.sum()), 1 / distance)
        pairs = sparse.coo_array((weight, (left[inside], right[inside])), shape=(size, size)).tocsr()
        counts = counts + pairs + pairs.T
    vectors = np.zeros((size, _DIMENSIONS))
    rank = min(_DIMENSIONS, int((counts.sum(axis=1) > 0).sum()) - 1)
    if rank < 1:
        return vectors
    u, s, _ = svds(_positive_information(counts.tocoo()), k=rank, rng=np.random.default_rng(0))
    vectors[:, :rank] = u * np.sqrt(s)
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(vectors, norm, out=np.zeros_like(vectors), where=norm > 1e-12)  # noqa: PLR2004  # rounding
    return unit


def _positive_information(counts: sparse.coo_array) -> sparse.csr_array:
    """Positive pointwise mutual information, contexts smoothed as in Levy, Goldberg and Dagan 2015, section 3.2."""
    row_total = np.asarray(counts.sum(axis=1)).ravel()
    context = np.asarray(counts.sum(axis=0)).ravel() ** _SMOOTHING
    rows, columns = counts.coords
    information = np.log(counts.data * context.sum() / (row_total[rows] * context[columns]))
    kept = information > 0
    return sparse.csr_array((information[kept], (rows[kept], columns[kept])), shape=counts.shape)
