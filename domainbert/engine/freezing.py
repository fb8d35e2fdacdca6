"""Which parameters a stage leaves as they are."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn
from transformers import PreTrainedModel

from domainbert.errors import ModelError

BODY, EMBEDDINGS = "body", "embeddings"


def frozen_names(model: PreTrainedModel, patterns: Sequence[str]) -> frozenset[str]:
    """Names of the parameters that the patterns of a stage's ``freeze`` mean.

    Args:
        model: a masked language model.
        patterns: ``"body"`` (the encoder without its embeddings), ``"embeddings"`` (tables of tokens, positions and types, and their
            norm), or globs of parameter names. A head that is tied to the embeddings is frozen with them.

    Raises:
        ModelError: a pattern means no parameter, or they mean all of them.
    """
    names = [name for name, _ in model.named_parameters()]
    inside = {id(parameter) for parameter in model.base_model.parameters()}
    tables = {id(parameter) for module in _embeddings(model) for parameter in module.parameters()}
    frozen: set[str] = set()
    for pattern in patterns:
        if pattern in (BODY, EMBEDDINGS):
            found = {name for name, p in model.named_parameters() if id(p) in (tables if pattern == EMBEDDINGS else inside - tables)}
        else:
            found = {name for name in names if fnmatchcase(name, pattern)}
        if not found:
            raise ModelError(f"stage.freeze: {pattern!r} is the name of no parameter; there are: {', '.join(names[:6])}, ...")
        frozen |= found
    if len(frozen) == len(names):
        raise ModelError(f"stage.freeze = {list(patterns)} leaves nothing to train")
    return frozenset(frozen)


def freeze(model: nn.Module, frozen: frozenset[str]) -> None:
    """Let gradients reach all parameters but those."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
        if name in frozen:
            parameter.grad = None  # an optimizer leaves what has none


def _embeddings(model: PreTrainedModel) -> list[nn.Module]:
    """The module that holds the table of tokens, with what stands beside it; the table itself where that is the whole encoder."""
    table = model.get_input_embeddings()
    body = model.base_model
    for module in body.children():
        if module is table or any(each is table for each in module.modules()):
            return [module]
    return [table]
