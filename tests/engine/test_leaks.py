"""Invariant 2 with objectives and companions: what is hidden is in no input of any model."""

import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from domainbert.engine.windows import read_windows
from domainbert.recipe.schema import Corruption, Objective

sys.path.insert(0, str(Path(__file__).parent))
from genomes import ALIGN, GROUPS, dna_steps, random_genomes

ANSWERS = ("labels_S", "label_U")
STAGES = {
    "masks": (Objective("mlm"), ALIGN),
    "hidden and logits": (Objective("mlm"), Objective("align", companion="teacher", positions="both", match="pool")),
    "queries": (Objective("masked_query"), ALIGN),
}
UNIFORM = Corruption(rate=0.1, mask=1.0, random=0.0)


def other_genomes(steps) -> dict[str, str]:
    """The genomes with every letter replaced that is hidden in the first step."""
    batch, samples, maker = steps.batch(0), steps._plans[0].step(0), steps.maker
    genomes = {name: list(letters) for name, letters in random_genomes().items()}
    hidden = np.split(batch.labels_T >= 0, np.cumsum(batch.length_N)[:-1])
    for row, window in enumerate(read_windows(maker.stores, maker.vocabulary, samples)):
        store, letters = maker.stores[samples.source[row]], genomes[steps.names[samples.source[row]]]
        assert len(store) == 1, "the place of a sample's text is counted from the start of its genome"
        begin = int(maker.vocabulary.widths[store.tokens[: samples.start[row]]].sum())
        for start, end in window.spans[hidden[row][1 : 1 + len(window.spans)]]:
            for place in range(begin + start, begin + end):
                assert letters[place] == window.text[place - begin]
                letters[place] = "CGTA"["ACGT".index(letters[place])]
    return {name: "".join(letters) for name, letters in genomes.items()}


def differences(one, other, path: str = "") -> list[str]:
    """Names of what differs, the answers left out."""
    if isinstance(one, torch.Tensor):
        return [] if torch.equal(one, other) else [path]
    if is_dataclass(one):
        pairs = [(field.name, getattr(one, field.name), getattr(other, field.name)) for field in fields(one)]
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        pairs = [(name, one[name], other[name]) for name in one]
    elif isinstance(one, tuple) and one and (is_dataclass(one[0]) or isinstance(one[0], torch.Tensor)):
        pairs = [(str(number), *both) for number, both in enumerate(zip(one, other, strict=True))]
    else:
        return [] if one == other else [path]
    return [found for name, *both in pairs if name not in ANSWERS for found in differences(*both, f"{path}.{name}")]


@pytest.mark.invariant
@pytest.mark.parametrize("corruption", [GROUPS, UNIFORM], ids=["groups", "uniform"])
@pytest.mark.parametrize("student", [{}, {"student": "kmer", "k": 4}], ids=["bases", "4-mers"])
@pytest.mark.parametrize("stage", STAGES)
def test_other_letters_in_the_hidden_places_change_no_input(stage: str, student: dict, corruption: Corruption, tmp_path: Path) -> None:
    keys = {"corruption": corruption, "objective": STAGES[stage], "phase": True, **student}
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    steps, _ = dna_steps(tmp_path / "one", **keys)
    genomes = other_genomes(steps)
    assert sum(a != b for name, letters in random_genomes().items() for a, b in zip(letters, genomes[name], strict=True)) > 50
    other, _ = dna_steps(tmp_path / "other", genomes=genomes, **keys)
    assert (steps.batch(0).labels_T != other.batch(0).labels_T).any(), "the answers are others"
    assert not differences(steps[0], other[0])


@pytest.mark.invariant
def test_the_encoder_never_sees_a_mask_where_queries_reconstruct(tmp_path: Path) -> None:
    steps, reader = dna_steps(tmp_path, objective=STAGES["queries"])
    mask, batch = steps.maker.vocabulary.mask_id, steps.batch(0)
    micro = steps[0].micro_batches
    assert not any((each.input_ids_T == mask).any() for each in micro)
    assert sum(len(each.input_ids_T) for each in micro) == (batch.labels_T < 0).sum()
    assert sum(len(each.units["masked_query"]) for each in micro) == (batch.labels_T >= 0).sum() == steps[0].counts["masked_query"]
    assert any((each.others["teacher"].input_ids_T == reader.mask_id).any() for each in micro), "its teacher does"
