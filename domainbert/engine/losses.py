"""The objectives of a run where models are: each term's value of a micro-batch, and the parameters that belong to terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from domainbert.engine.companions import FrozenEncoder
from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.stages import Span
from domainbert.objectives.base import Sizes, Term
from domainbert.objectives.registry import term_class
from domainbert.recipe.schema import Objective, Ramp, Stage


class Losses:
    """Every active term of every stage.

    Args:
        stages: of the recipe.
        sizes: what a term's own parameters are shaped by.
        companions: frozen models by name.
        seed: of random parameters.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        sizes: Callable[[Objective], Sizes],
        companions: Mapping[str, FrozenEncoder] | None = None,
        seed: int = 0,
    ) -> None:
        self.companions = companions or {}
        self.heads = nn.ModuleDict()
        self._stages: list[dict[str, Term]] = []
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            for stage in stages:
                self._stages.append({each.title: self._term(each, sizes) for each in stage.objective if each.active})

    def values(
        self, stage: int, encoder: PackedEncoder, model: nn.Module, inputs: PackedInput, counts: Mapping[str, int]
    ) -> dict[str, Tensor]:
        """Each term's share of its value in the step, by title.

        Args:
            stage: number of the stage.
            encoder: drives the model.
            model: what training calls, such as the distributed wrapper.
            inputs: a micro-batch on the model's device.
            counts: units of each term in the whole step.
        """
        terms = self._stages[stage]
        layers = [layer for term in terms.values() for layer in term.layers]
        encoded = encoder.encode(inputs, wrapped=model, layers=layers, labels_S=_only_labels(terms, inputs))
        encoded = replace(encoded, position_T=inputs.position_T, sequence_T=inputs.sequence_T)
        others = {}
        for name in dict.fromkeys(term.objective.companion for term in terms.values() if term.objective.companion):
            layers = [layer for term in terms.values() if term.objective.companion == name for layer in term.other_layers]
            others[name] = self.companions[name].encode(inputs.others[name], layers=layers)
        return {
            title: term.total(inputs.units[title], encoded, others.get(term.objective.companion)) / max(1, counts[title])
            for title, term in terms.items()
        }

    def share_gradients(self, num_ranks: int) -> None:
        """Average the gradients of the terms' own parameters over processes, as the distributed wrapper does those of the model.

        It watches what its forward pass returns, and these parameters are used behind it.
        """
        for p in self.heads.parameters():
            if p.grad is not None:
                torch.distributed.all_reduce(p.grad)
                p.grad /= num_ranks

    def weights(self, stage: int, span: Span, step: int) -> dict[str, float]:
        """Each term's weight at a step (counted from 0), by title."""
        progress = (step - span.begin) / max(1, span.num_steps - 1)
        return {title: _at(term.objective.weight, progress) for title, term in self._stages[stage].items()}

    def published(self) -> dict[str, nn.Module]:
        """Heads that belong to what a run publishes, by title: those of the last stage that has the term."""
        terms = {title: term for stage in self._stages for title, term in stage.items()}
        return {title: term.head for title, term in terms.items() if term.published and term.head is not None}

    def _term(self, objective: Objective, sizes: Callable[[Objective], Sizes]) -> Term:
        kind = term_class(objective.kind)
        name = f"{objective.title}_head"
        if name not in self.heads:
            head = kind.make_head(objective, sizes(objective))
            if head is not None:
                self.heads[name] = head
        return kind(objective, self.heads[name] if name in self.heads else None)


def _only_labels(terms: Mapping[str, Term], inputs: PackedInput) -> Tensor | None:
    """Labels of the head's rows if one term alone reads the head, and only their cross-entropy."""
    readers = [title for title, term in terms.items() if term.on_logits]
    return inputs.units[readers[0]].label_U if len(readers) == 1 and terms[readers[0]].on_nats else None


def _at(weight: float | Ramp, progress: float) -> float:
    return weight.start + (weight.end - weight.start) * progress if isinstance(weight, Ramp) else weight
