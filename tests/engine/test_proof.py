"""Invariant 2 at load: a model is tried as it will run, and takes a slower way, or is refused, where that is not exact."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM, PreTrainedModel

from domainbert.engine import layout
from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.layout import SLACK, Layout, rectangles
from domainbert.engine.packing import Batch, ranges
from domainbert.engine.proof import proven_layout
from domainbert.errors import ModelError
from domainbert.tokenization.spans import Vocabulary

sys.path.insert(0, str(Path(__file__).parent))
import models

TARGETS = np.arange(models.VOCABULARY_SIZE) >= 5
VOCABULARY = Vocabulary(models.VOCABULARY_SIZE, (3,), (4,), models.MASK, models.PAD, TARGETS, TARGETS.astype(np.int64))


def unknown(model_type: str, **keys: object) -> PreTrainedModel:
    torch.manual_seed(0)
    shape = {**models.SHAPE, **models.NO_DROPOUT, "num_hidden_layers": 2, **keys}
    return AutoModelForMaskedLM.from_config(AutoConfig.for_model(model_type, **shape))


def prove(model: PreTrainedModel) -> Layout:
    return proven_layout(model, VOCABULARY, max_length=40)


@pytest.mark.invariant
@pytest.mark.parametrize("family", ["bert", "esm", "xlm-roberta", "distilbert", "deberta-v2", "deberta-v2-convolution", "delta-hybrid"])
def test_families_of_the_table_prove_what_it_says(family: str) -> None:
    model = models.build(family)
    assert prove(model) == layout.layout_of(model)


@pytest.mark.invariant
@pytest.mark.parametrize(
    ("model_type", "keys", "packed"),
    [
        ("albert", {"embedding_size": 16}, True),
        ("mpnet", {"max_position_embeddings": 66}, False),  # ignores a registered attention without a word
        ("roformer", {}, False),
        ("convbert", {"num_groups": 1, "head_ratio": 2}, False),  # convolutions read their neighbours in a packed row
    ],
)
def test_an_architecture_nobody_listed_takes_the_way_that_is_exact_for_it(model_type: str, keys: dict[str, object], packed: bool) -> None:
    model = unknown(model_type, **keys).eval()
    chosen = prove(model)
    assert chosen.packed == packed
    length_N = np.array([7, 12, 12, 30])
    ids = np.random.default_rng(1).integers(5, models.VOCABULARY_SIZE, int(length_N.sum()))
    parts = torch.from_numpy(ids).split(length_N.tolist())
    with torch.no_grad():
        alone = torch.cat([model(input_ids=part[None]).logits[0] for part in parts])
        together = PackedEncoder(model, layout=chosen).logits(
            PackedInput.of(Batch(ids, ids, ranges(np.zeros_like(length_N), length_N), length_N))
        )
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.invariant
def test_a_table_that_is_wrong_about_a_model_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Layout(packed=True)  # deberta's attention never asks for the registered function
    monkeypatch.setattr(layout, "layout_of", lambda model: wrong)
    assert not prove(models.build("deberta-v2")).packed


@pytest.mark.invariant
def test_a_model_that_no_way_is_exact_for_is_refused() -> None:
    model = models.build("bert")
    # Every call gives other logits: whatever runs together differs from what runs alone.
    model.cls.register_forward_hook(lambda module, args, logits: logits + torch.rand(()))
    with pytest.raises(ModelError, match="'bert': no way of running several sequences at once"):
        prove(model)


def test_the_proof_leaves_the_model_as_it_was() -> None:
    model = models.build("bert").train()
    ids = torch.arange(5, 15)[None]
    with torch.no_grad():
        before = model(input_ids=ids).logits
        prove(model)
        torch.testing.assert_close(model(input_ids=ids).logits, before, rtol=0, atol=0)
    assert model.training
    assert model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("slack", [0.0, SLACK])
def test_rectangles_hold_every_sequence_once_and_little_padding(slack: float) -> None:
    lengths = sorted(np.random.default_rng(0).integers(2, 200, 300).tolist())
    cut = list(rectangles([(0, 1, length) for length in lengths], slack=slack))
    assert [length for _, inside in cut for length in inside] == lengths
    assert [start for start, _ in cut] == np.cumsum([0, *(sum(inside) for _, inside in cut[:-1])]).tolist()
    for _, inside in cut:
        assert sum(inside) >= (1 - slack) * len(inside) * max(inside)
    assert len(cut) <= (len(set(lengths)) if slack == 0 else 60)
