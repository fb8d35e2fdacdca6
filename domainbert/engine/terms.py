"""The objectives of a stage where batches are made: which units each has, and what the models need for them.

Nothing here holds a model, so that the data loader's worker may do it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from domainbert.engine.encoder import PackedInput
from domainbert.engine.packing import Batch
from domainbert.objectives.base import Pairs, Term, Tokens, Units
from domainbert.objectives.registry import term_class
from domainbert.recipe.schema import CAUSAL, Objective, Stage


class StageTerms:
    """The active objectives of one stage.

    Args:
        stage: of the recipe.
        names: of the recipe's corpora, in order.
    """

    def __init__(self, stage: Stage, names: Sequence[str]) -> None:
        self._causal = stage.attention == CAUSAL
        self.objectives = [objective for objective in stage.objective if objective.active]
        self._classes: dict[str, type[Term]] = {each.title: term_class(each.kind) for each in self.objectives}
        self._sources = {each.title: np.array([not each.data or name in each.data for name in names]) for each in self.objectives}
        named = [objective.companion for objective in self.objectives if objective.companion]
        if stage.corruption.select == "companion":
            named.append(str(stage.corruption.options["companion"]))
        self.companions = tuple(dict.fromkeys(named))
        self.removes_hidden = any(term.removes_hidden for term in self._classes.values())
        self.labelled = any(term.on_labels for term in self._classes.values())

    def counts(self, batch: Batch) -> dict[str, int]:
        """Units of each objective in a whole step."""
        return {title: len(units) for title, units in self._find(batch, nothing=False).items()}

    def packed(self, batch: Batch, *, nothing: bool = False) -> PackedInput:
        """A micro-batch with its units; with ``nothing`` none of its samples counts for any objective."""
        units = self._find(batch, nothing=nothing)
        mine = [objective for objective in self.objectives if self._classes[objective.title].on_logits]
        rows = _union([units[each.title].row_P for each in mine])
        others = {}
        for name, reading in batch.others.items():
            asked = [units[each.title].other_P for each in mine if each.companion == name]
            read = np.flatnonzero(reading.batch.length_N > 0) if not nothing else np.empty(0, np.int64)
            own = reading.batch.take(read)
            others[name] = replace(PackedInput.of(own, rows=_union(asked).numpy()), keys=_keys(own))
        for each in mine:
            found = units[each.title]
            places = replace(found, row_P=torch.searchsorted(rows, found.row_P))
            if each.companion:
                places = replace(places, other_P=torch.searchsorted(others[each.companion].selected_S, found.other_P))
            units[each.title] = places
        if not self.removes_hidden:
            return replace(PackedInput.of(batch, rows=rows.numpy()), units=units, others=others, causal=self._causal)
        return replace(PackedInput.of(batch.visible()), units=self._among_visible(units, batch), others=others)

    def _among_visible(self, units: Mapping[str, Units], batch: Batch) -> dict[str, Units]:
        """Units where hidden tokens are left out: rows of visible ones, or the sequence and the place of a hidden one."""
        row_T = torch.from_numpy(np.cumsum(batch.labels_T < 0) - 1)
        visible_T = torch.from_numpy(batch.labels_T < 0)
        sequence_T, position_T = torch.from_numpy(batch.sample_T), torch.from_numpy(batch.position_T)
        return {
            title: replace(found, row_P=sequence_T[found.row_P], position_P=position_T[found.row_P])
            if self._classes[title].removes_hidden
            else replace(kept := found.among(visible_T), row_P=row_T[kept.row_P])
            for title, found in units.items()
        }

    def _find(self, batch: Batch, *, nothing: bool) -> dict[str, Units]:
        return {each.title: self._classes[each.title].find(each, self._tokens(batch, each, nothing=nothing)) for each in self.objectives}

    def _tokens(self, batch: Batch, objective: Objective, *, nothing: bool) -> Tokens:
        assert batch.source_N is not None, "batches that are trained on know their sources"
        wanted_N = self._sources[objective.title][batch.source_N] & (not nothing)
        label_N = np.full(len(batch.length_N), np.nan) if batch.label_N is None else batch.label_N
        second_N = np.zeros_like(batch.length_N) if batch.second_N is None else batch.second_N
        return Tokens(batch.labels_T, batch.length_N, wanted_N, label_N, second_N, _pairs(batch, objective.companion))


def _pairs(batch: Batch, companion: str) -> Pairs | None:
    if not companion:
        return None
    reading = batch.others[companion]
    row_P, other_P = reading.rows(np.cumsum(batch.length_N) - batch.length_N)
    return Pairs(row_P, other_P, reading.characters_P, reading.batch.labels_T[other_P] >= 0)


def _keys(batch: Batch) -> tuple[bytes, ...]:
    """A name for each sample by all that a companion sees of it: its tokens, some of them masked."""
    parts = np.split(batch.input_ids_T, np.cumsum(batch.length_N)[:-1]) if len(batch.length_N) else []
    return tuple(blake2b(part.tobytes(), digest_size=16).digest() for part in parts)


def _union(rows: Sequence[Tensor]) -> Tensor:
    """Every row once, ascending."""
    every = torch.cat([*rows, torch.empty(0, dtype=torch.long)])
    return every.unique()  # type: ignore[no-any-return, no-untyped-call]


def companions_of(stages: Sequence[Stage]) -> Mapping[str, tuple[Objective, ...]]:
    """Every companion that some stage needs, with the active objectives that name it."""
    found: dict[str, list[Objective]] = {}
    for stage in stages:
        terms = StageTerms(stage, ())
        for name in terms.companions:
            found.setdefault(name, []).extend(each for each in terms.objectives if each.companion == name)
    return {name: tuple(objectives) for name, objectives in found.items()}
