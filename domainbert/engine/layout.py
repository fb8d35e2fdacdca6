"""How a model runs on sequences of different lengths: packed into one row, or side by side in rectangles.

A model of a family that the table does not name is tried both ways against its own plain forward pass, one sequence at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domainbert.engine.families import family_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from domainbert.engine.attention import Group

Rectangle = tuple[int, tuple[int, ...]]
"""First token, and the lengths of consecutive sequences that are computed side by side."""

# Most of a rectangle that may be padding. Wider ones mean fewer, larger products.
SLACK = 0.1


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model runs.

    Args:
        packed: sequences end to end in one row, through the registered attention; else in rectangles.
        position_offset: id of the first position.
        slack: of rectangles: most of one that may be padding; 0 for sequences of one length only.
    """

    packed: bool
    position_offset: int = 0
    slack: float = SLACK

    def __str__(self) -> str:
        if self.packed:
            return "packed without padding"
        return f"rectangles of like lengths, at most {self.slack:.0%} padding" if self.slack else "rectangles of equal lengths"


def layout_of(model: "PreTrainedModel") -> Layout:
    """How a model of a known family runs; one of an unknown family takes the slowest way, which is exact for any encoder."""
    family = family_of(model.config)
    if not family.known:
        return Layout(packed=False, slack=0.0)
    # A convolution over positions would read what stands in the padding.
    has_convolution = getattr(model.config, "conv_kernel_size", 0) > 0
    return Layout(family.packed, family.position_offset, 0.0 if has_convolution else SLACK)


def candidates(model: "PreTrainedModel") -> Iterator[Layout]:
    """Layouts that may be exact for a model, the quickest first."""
    offsets = dict.fromkeys((family_of(model.config).position_offset, 0, (getattr(model.config, "pad_token_id", None) or 0) + 1))
    if family_of(model.config).known:
        yield layout_of(model)
    else:
        yield from (Layout(packed=True, position_offset=offset) for offset in offsets)
    yield from (Layout(False, offset, slack) for slack in (SLACK, 0.0) for offset in offsets)


def rectangles(groups: Sequence["Group"], *, slack: float) -> Iterator[Rectangle]:
    """Cut sequences laid end to end into rectangles of consecutive ones, each with at most ``slack`` of it padding."""
    start = width = real = 0
    lengths: list[int] = []
    for length in (length for _, count, length in groups for _ in range(count)):
        widest = max(width, length)
        if lengths and real + length < (1 - slack) * widest * (len(lengths) + 1):
            yield start, tuple(lengths)
            start, lengths, widest, real = start + real, [], length, 0
        lengths.append(length)
        width, real = widest, real + length
    if lengths:
        yield start, tuple(lengths)
