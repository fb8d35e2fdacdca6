"""Invariants 1, 2 and 5 on every supported family: one loss, no leak, sparse equals dense."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from domainbert.engine import cross_entropy
from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.model import checkpoint_activations
from domainbert.engine.packing import Batch, micro_batches, ranges
from domainbert.objectives.mlm import masked_token_loss

sys.path.insert(0, str(Path(__file__).parent))
import models

LENGTHS = np.array([5, 9, 30, 9, 17, 2, 60])
families = pytest.mark.parametrize("family", list(models.FAMILIES))


def batch(seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    ids = rng.integers(5, models.VOCABULARY_SIZE, int(LENGTHS.sum()))
    selected = rng.random(len(ids)) < 0.2
    corrupted = np.where(selected & (rng.random(len(ids)) < 0.8), models.MASK, ids)
    return Batch(corrupted, np.where(selected, ids, -100), ranges(np.zeros_like(LENGTHS), LENGTHS), LENGTHS)


def one_by_one(family: str, given: Batch) -> torch.Tensor:
    """Logits of every token, each sequence alone, through the library's own forward pass."""
    model = models.build(family).eval()
    parts = torch.from_numpy(given.input_ids_T).split(given.length_N.tolist())
    with torch.no_grad():
        return torch.cat([model(input_ids=ids[None], attention_mask=torch.ones_like(ids)[None]).logits[0] for ids in parts])


def gradients(
    family: str, given: Batch, *, budget: int, num_ranks: int = 1, checkpointed: bool = False
) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients of the step as the trainer sums them, ranks added up."""
    encoder = PackedEncoder(models.build(family).train())
    if checkpointed:
        checkpoint_activations(encoder.model)
    total = 0.0
    for mine in micro_batches(given, budget=budget, num_ranks=num_ranks):
        for rows in mine:
            if len(rows):
                inputs = PackedInput.of(given.take(rows))
                loss = masked_token_loss(encoder.logits(inputs), inputs.labels_S) / given.num_selected
                loss.backward()
                total += loss.item()
    return total, {name: p.grad for name, p in encoder.model.named_parameters() if p.grad is not None}


def assert_same_gradient(seen: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    """The whole gradient to 1e-5 of its norm, and each weight's to 1e-5 of it: fp32 sums in another order differ by about 1e-7.

    Not relative to each weight's own gradient: a key bias has none in exact arithmetic, since softmax ignores it.
    """
    assert seen.keys() == wanted.keys()
    norm = torch.stack([gradient.norm() for gradient in wanted.values()]).norm().item()
    for name, gradient in wanted.items():
        assert (seen[name] - gradient).norm().item() < 1e-5 * norm, name
    assert torch.stack([(seen[name] - gradient).norm() for name, gradient in wanted.items()]).norm().item() < 1e-5 * norm


@pytest.mark.invariant
@families
def test_packed_equals_one_by_one(family: str) -> None:
    given = batch()
    selected = given.labels_T >= 0
    encoder = PackedEncoder(models.build(family).eval())
    with torch.no_grad():
        packed = encoder.logits(PackedInput.of(given))
    torch.testing.assert_close(packed, one_by_one(family, given)[selected], rtol=1e-4, atol=1e-5)


@pytest.mark.invariant
@families
def test_packed_documents_never_see_each_other(family: str) -> None:
    given, encoder = batch(), PackedEncoder(models.build(family).eval())
    changed = given.input_ids_T.copy()
    changed[14:44] = 7  # the third sequence
    other = Batch(changed, given.labels_T, given.position_T, given.length_N)
    mine = (given.labels_T >= 0).nonzero()[0]
    outside = torch.from_numpy((mine < 14) | (mine >= 44))
    with torch.no_grad():
        before, after = (encoder.logits(PackedInput.of(b)) for b in (given, other))
    # Bit for bit: the same numbers go through the same operations.
    assert torch.equal(before[outside], after[outside])
    assert not torch.equal(before[~outside], after[~outside])


@pytest.mark.invariant
@families
@pytest.mark.parametrize(("budget", "num_ranks"), [(60, 1), (1, 1), (1000, 2), (40, 3)])
def test_one_loss_whatever_the_layout(family: str, budget: int, num_ranks: int) -> None:
    given = batch()
    loss, whole = gradients(family, given, budget=10_000)
    other_loss, cut = gradients(family, given, budget=budget, num_ranks=num_ranks)
    assert other_loss == pytest.approx(loss, rel=1e-5)
    assert_same_gradient(cut, whole)


@pytest.mark.invariant
@families
def test_sparse_equals_dense(family: str) -> None:
    """Selected rows through the head give the loss and gradients of all rows through the head with ignored labels."""
    given = batch()
    sparse_loss, sparse = gradients(family, given, budget=10_000)
    model = models.build(family).train()
    total = 0.0
    for ids, labels in zip(*(torch.from_numpy(a).split(LENGTHS.tolist()) for a in (given.input_ids_T, given.labels_T)), strict=True):
        logits = model(input_ids=ids[None], attention_mask=torch.ones_like(ids)[None]).logits[0]
        loss = F.cross_entropy(logits, labels, ignore_index=-100, reduction="sum") / given.num_selected
        loss.backward()
        total += loss.item()
    assert sparse_loss == pytest.approx(total, rel=1e-5)
    assert_same_gradient(sparse, {name: p.grad for name, p in model.named_parameters() if p.grad is not None})


@pytest.mark.invariant
@pytest.mark.parametrize("family", ["modernbert", "bert", "esm", "esm-absolute", "roberta", "deberta-v2", "delta-hybrid"])
def test_what_is_left_out_moves_nothing(family: str) -> None:
    """With hidden tokens left out, the others keep their places: each sequence alone through the library's model, told the places."""
    shown, model = batch().visible(), models.build(family).eval()
    encoder = PackedEncoder(models.build(family).eval())
    alone, start = [], 0
    with torch.no_grad():
        for length in shown.length_N.tolist():
            ids, places = (torch.from_numpy(each[start : start + length])[None] for each in (shown.input_ids_T, shown.position_T))
            places = places + encoder.layout.position_offset
            alone.append(model.base_model(input_ids=ids, attention_mask=torch.ones_like(ids), position_ids=places).last_hidden_state[0])
            start += length
        together = encoder.encode(PackedInput.of(shown), layers=(-1,)).hidden[-1]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


@pytest.mark.invariant
@families
def test_checkpointed_activations_change_nothing(family: str) -> None:
    given = batch()
    loss, whole = gradients(family, given, budget=60)
    again_loss, again = gradients(family, given, budget=60, checkpointed=True)
    assert again_loss == pytest.approx(loss, rel=1e-6)
    assert_same_gradient(again, whole)


@families
def test_releasing_gives_the_library_model_back(family: str) -> None:
    given = batch()
    encoder = PackedEncoder(models.build(family).eval())
    encoder.release()
    ids = torch.from_numpy(given.input_ids_T[:5])[None]
    with torch.no_grad():
        plain = encoder.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
    torch.testing.assert_close(plain, one_by_one(family, given)[:5], rtol=1e-4, atol=1e-5)


def test_a_selected_row_never_reaches_the_head_unselected() -> None:
    seen = []
    encoder = PackedEncoder(models.build("bert").eval())
    encoder.model.get_submodule("cls.predictions.decoder").register_forward_hook(lambda m, args, out: seen.append(out.shape[-2]))
    encoder.logits(PackedInput.of(batch()))
    assert seen == [batch().num_selected]


@pytest.mark.invariant
@families
def test_cross_entropy_without_logits_is_that_of_the_logits(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss and gradients, the head's bias included, with some rows at a time and with a factor behind."""
    monkeypatch.setitem(cross_entropy._NUM_LOGITS, "cpu", 7 * models.VOCABULARY_SIZE)
    inputs, found = PackedInput.of(batch()), []
    for labels in (None, PackedInput.of(batch()).labels_S):
        encoder = PackedEncoder(models.build(family).train())
        for name, p in encoder.model.named_parameters():
            torch.manual_seed(len(name))
            torch.nn.init.normal_(p, p.mean().item(), 0.2)  # biases too, which start at 0 and would hide their absence
        encoded = encoder.encode(inputs, labels_S=labels)
        assert (encoded.nats is not None) == (labels is not None and not family.startswith("esm"))
        loss = masked_token_loss(encoded.logits_SV, inputs.labels_S) if encoded.nats is None else encoded.nats
        (0.1 * loss).backward()
        found.append((loss.item(), {name: p.grad for name, p in encoder.model.named_parameters() if p.grad is not None}))
    (wanted, gradient), (seen, other) = found
    assert seen == pytest.approx(wanted, rel=1e-5)
    assert_same_gradient(other, gradient)
