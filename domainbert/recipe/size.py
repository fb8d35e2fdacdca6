"""How large an encoder is and what a token costs, by arithmetic on its shape.

H hidden size, I intermediate size, L layers, V vocabulary, P positions.
"""

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

from domainbert.errors import RecipeError
from domainbert.recipe.schema import Scratch

# Global attention in every third layer, the others see 128 tokens: the defaults of ModernBertConfig.
_GLOBAL_EVERY: Final = 3
_LOCAL_WINDOW: Final = 128
# Values a layer keeps for the backward pass, in units of H and of I: counted with saved-tensor hooks on the classes of transformers
# 5.23. ModernBERT's feed-forward is gated; ESM applies rotary positions and GELU in several small operations.
KEPT: Final = {"modernbert": (11, 4), "bert": (11, 2), "roberta": (11, 2), "esm": (21, 5), "deberta-v2": (17, 2), "delta-hybrid": (72, 4)}
_BUCKETS: Final = 2 * 256  # of relative positions in DeBERTa-v3, either way
_GATED: Final = frozenset({"modernbert", "delta-hybrid"})  # feed-forward layers of three matrices
_CHUNK: Final = 64  # tokens that the delta rule of transformers computes at once
_LARGEST_HEADER: Final = 100 << 20  # bytes; the limit of the safetensors format


@dataclass(frozen=True, slots=True)
class Shape:
    """An encoder's shape.

    Args:
        architecture: as in ``model.scratch.architecture``, or a config's ``model_type``.
        intermediate_size: width of the feed-forward layers; gated ones have it twice.
        num_positions: rows of a learned position table; unused with rotary positions.
    """

    architecture: str
    hidden_size: int
    num_layers: int
    num_heads: int
    intermediate_size: int
    vocabulary_size: int
    num_positions: int

    @classmethod
    def of_scratch(cls, scratch: Scratch, *, vocabulary_size: int, max_length: int) -> "Shape":
        """The shape that training from scratch builds."""
        usual = 3 * scratch.hidden_size // 2 if scratch.architecture in _GATED else 4 * scratch.hidden_size
        width = scratch.intermediate_size or usual
        behind = 2 if scratch.architecture == "roberta" else 0  # it counts positions from behind the padding id, here 1
        positions = int(scratch.config.get("max_position_embeddings", max_length + behind))
        return cls(scratch.architecture, scratch.hidden_size, scratch.num_layers, scratch.num_heads, width, vocabulary_size, positions)

    @classmethod
    def of_folder(cls, folder: Path) -> "Shape":
        """The shape that a model folder's ``config.json`` gives.

        Raises:
            RecipeError: there is no such file, or it is not an encoder's config.
        """
        path = folder / "config.json"
        try:
            config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                str(config["model_type"]),
                hidden_size=int(config["hidden_size"]),
                num_layers=int(config["num_hidden_layers"]),
                num_heads=int(config["num_attention_heads"]),
                intermediate_size=int(config["intermediate_size"]),
                vocabulary_size=int(config["vocab_size"]),
                num_positions=int(config.get("max_position_embeddings", 0)),
            )
        except OSError as error:
            raise RecipeError(f"{path}: cannot be read ({error.strerror}); model.base names a model folder or a Hub id") from None
        except KeyError as error:
            raise RecipeError(f"{path}: has no {error}; it is not the config of an encoder") from None
        except (ValueError, TypeError) as error:
            raise RecipeError(f"{path}: is not a model config ({error})") from None

    @property
    def num_parameters(self) -> int:
        """Parameters of the masked language model, tied ones counted once.

        Raises:
            RecipeError: the architecture is not one of ours.
        """
        if self.architecture not in COUNTS:
            raise RecipeError(f"architecture {self.architecture!r} is not supported; supported: {', '.join(COUNTS)}")
        return COUNTS[self.architecture](self)

    @property
    def num_matrix_parameters(self) -> int:
        """Parameters of one pass's matrix products inside the layers: each costs a multiplication and an addition a token."""
        matrices = 3 if self.architecture in _GATED else 2
        mixers = sum(_delta_matrices(self)) if self.architecture == "delta-hybrid" else 4 * self.num_layers * self.hidden_size**2
        return mixers + matrices * self.num_layers * self.hidden_size * self.intermediate_size

    def flops_per_token(self, *, length: int, selected: float) -> float:
        """Floating-point operations of one training token, forward and backward.

        Args:
            length: tokens of a sample.
            selected: share of positions that are predicted; only they pass the head.
        """
        head = self.hidden_size**2 + self.hidden_size * self.vocabulary_size
        seen = sum(self._attended(layer, length) for layer in range(self.num_layers))
        # 6 an entry: 2 forward, 4 backward (Kaplan et al. 2020, section 2.1); scores and weighted sum are 2 H an attended token.
        return 6.0 * (self.num_matrix_parameters + selected * head) + 12.0 * self.hidden_size * seen

    def activation_values(self, *, selected: float) -> float:
        """Values a token that the forward pass keeps for the backward pass.

        A rough count: per layer inputs, normalised inputs, queries, keys, values, attention output and projections, and the
        feed-forward layer around its activation; at selected positions the head, the logits and their gradient.
        """
        hidden, width = KEPT.get(self.architecture, KEPT["bert"])
        layer = hidden * self.hidden_size + width * self.intermediate_size
        return self.num_layers * layer + selected * (4.0 * self.hidden_size + 2.0 * self.vocabulary_size)

    def _attended(self, layer: int, length: int) -> int:
        if self.architecture == "deberta-v2":  # scores of tokens against tokens, and of each against every bucket
            return length + _BUCKETS
        if self.architecture == "delta-hybrid" and layer < self.num_layers - 1:
            # Six products of a chunk's tokens, six with the state, over the four that attention has for a token; in both directions.
            return 3 * (_CHUNK + self.hidden_size // self.num_heads)
        local = self.architecture == "modernbert" and layer % _GLOBAL_EVERY
        return min(length, _LOCAL_WINDOW) if local else length


def stored_parameters(folder: Path) -> int | None:
    """Parameters in a folder's ``model.safetensors`` by its header; ``None`` where there is no such file."""
    path = folder / "model.safetensors"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LARGEST_HEADER:
                raise ValueError(f"a header of {length} bytes")
            header: Mapping[str, Any] = json.loads(file.read(length))
        shapes: list[list[int]] = [tensor["shape"] for name, tensor in header.items() if name != "__metadata__"]
        return sum(prod(shape) for shape in shapes)
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise RecipeError(f"{path}: is not a safetensors file ({error}); copy it again") from None


def _bert(shape: Shape) -> int:
    hidden, width, vocabulary = shape.hidden_size, shape.intermediate_size, shape.vocabulary_size
    embeddings = (vocabulary + shape.num_positions + 2) * hidden + 2 * hidden  # 2 token types, a layer norm
    return embeddings + shape.num_layers * _plain_layer(hidden, width) + _plain_head(hidden, vocabulary)


def _esm(shape: Shape) -> int:
    hidden, width, vocabulary = shape.hidden_size, shape.intermediate_size, shape.vocabulary_size
    contacts = shape.num_layers * shape.num_heads + 1  # the contact predictor that every EsmModel carries
    last_norm = 2 * hidden
    return vocabulary * hidden + shape.num_layers * _plain_layer(hidden, width) + last_norm + contacts + _plain_head(hidden, vocabulary)


def _modernbert(shape: Shape) -> int:
    hidden, width, vocabulary = shape.hidden_size, shape.intermediate_size, shape.vocabulary_size
    layer = 4 * hidden**2 + 3 * hidden * width + 2 * hidden
    norms = hidden  # of the embeddings and after the last layer, less the first layer's, which is the identity
    head = hidden**2 + hidden + vocabulary
    return vocabulary * hidden + shape.num_layers * layer + norms + head


def _delta_hybrid(shape: Shape) -> int:
    """Gated delta rule in two directions in all layers but the last, which has softmax attention with a gate."""
    hidden, heads, vocabulary = shape.hidden_size, shape.num_heads, shape.vocabulary_size
    width = hidden // heads
    convolution = 4 * 3 * hidden
    per_direction = convolution + 2 * heads + width  # the decay's two vectors and a norm
    layer = 3 * hidden * shape.intermediate_size + 2 * hidden
    vectors = 2 * (shape.num_layers - 1) * per_direction + 2 * width
    head = hidden**2 + hidden + vocabulary
    return vocabulary * hidden + sum(_delta_matrices(shape)) + shape.num_layers * layer + vectors + hidden + head


def _delta_matrices(shape: Shape) -> tuple[int, int]:
    """Entries of the matrices that mix tokens: of all delta layers, and of the last layer."""
    direction = 5 * shape.hidden_size**2 + 2 * shape.num_heads * shape.hidden_size
    return 2 * (shape.num_layers - 1) * direction, 5 * shape.hidden_size**2


def _plain_layer(hidden: int, width: int) -> int:
    """Four projections, two feed-forward matrices, all with biases, and two layer norms."""
    return 4 * (hidden**2 + hidden) + 2 * hidden * width + width + hidden + 4 * hidden


def _plain_head(hidden: int, vocabulary: int) -> int:
    """A projection, a layer norm and the bias of a decoder whose matrix is the embeddings'."""
    return hidden**2 + hidden + 2 * hidden + vocabulary


def _roberta(shape: Shape) -> int:
    """BERT with one token type."""
    return _bert(shape) - shape.hidden_size


def _deberta(shape: Shape) -> int:
    """DeBERTa-v3: no table of positions, but buckets of relative ones with a norm of their own."""
    hidden, width, vocabulary = shape.hidden_size, shape.intermediate_size, shape.vocabulary_size
    buckets = _BUCKETS * hidden + 2 * hidden
    return vocabulary * hidden + 2 * hidden + buckets + shape.num_layers * _plain_layer(hidden, width) + _plain_head(hidden, vocabulary)


COUNTS: Final[dict[str, Callable[[Shape], int]]] = {
    "modernbert": _modernbert,
    "bert": _bert,
    "esm": _esm,
    "roberta": _roberta,
    "deberta-v2": _deberta,
    "delta-hybrid": _delta_hybrid,
}
