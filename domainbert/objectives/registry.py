"""Every kind of objective: where it is implemented, and which of the recipe's keys it has. Light to import."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from domainbert.recipe.schema import BIDIRECTIONAL, CAUSAL

if TYPE_CHECKING:
    from domainbert.objectives.base import Term


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of objective.

    Args:
        home: ``module:class`` of its ``Term``.
        keys: of ``[[stage.objective]]`` that it has beside those of every objective (kind, name, weight, data).
        positions: the default of that key; empty where a kind has no such key.
        attention: of the stages that may have it.
        without_hidden: what it needs to stand in a stage that leaves hidden tokens out of the input: ``never``, ``visible`` positions, or
            nothing; ``removes`` is the kind that leaves them out.
    """

    home: str
    keys: frozenset[str] = frozenset()
    positions: str = ""
    attention: str = BIDIRECTIONAL
    without_hidden: str = ""


ON_HEAD = frozenset({"mlm", "clm", "logit"})
"""Kinds that train the model's own head; without one of them its figures on hidden text say nothing of the encoder."""

COMMON = frozenset({"kind", "name", "weight", "data"})
KINDS: Mapping[str, Kind] = {
    "mlm": Kind("domainbert.objectives.mlm:MaskedTokens", without_hidden="never"),
    "clm": Kind("domainbert.objectives.clm:NextTokens", attention=CAUSAL),
    "masked_query": Kind("domainbert.objectives.masked_query:MaskedQueries", without_hidden="removes"),
    "align": Kind(
        "domainbert.objectives.align:Alignment",
        frozenset({"companion", "positions", "layers", "distance", "projection", "match"}),
        positions="visible",
        without_hidden="visible",
    ),
    "logit": Kind(
        "domainbert.objectives.logit:Logits",
        frozenset({"companion", "positions", "temperature"}),
        positions="hidden",
        without_hidden="never",
    ),
    "regression": Kind("domainbert.objectives.regression:Regression", frozenset({"pooling"})),
}


def term_class(kind: str) -> "type[Term]":
    """The class of a kind of objective, imported now."""
    module, _, name = KINDS[kind].home.partition(":")
    found: Any = getattr(import_module(module), name)
    return cast("type[Term]", found)
