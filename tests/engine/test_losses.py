"""Invariants 1 and 5 for every objective: one loss whatever the layout, and each term what its definition says, sample by sample."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertForMaskedLM, EsmConfig, EsmForMaskedLM, PreTrainedModel

from domainbert.engine.companions import FrozenEncoder
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.losses import Losses
from domainbert.engine.packing import Batch
from domainbert.engine.stages import lay_out
from domainbert.engine.steps import Step, Steps
from domainbert.errors import TokenizerError
from domainbert.objectives.base import Sizes
from domainbert.recipe.schema import Objective, Ramp, Stage

sys.path.insert(0, str(Path(__file__).parent))
from genomes import ALIGN, TRAINING, dna_steps

SHAPE = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "initializer_range": 0.2, "pad_token_id": 1}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
LOGIT = Objective("logit", companion="teacher", positions="hidden", temperature=2.0)
TERMS = {
    "mlm": Objective("mlm"),
    "visible": ALIGN,
    "hidden, two layers": replace(ALIGN, positions="hidden", layers=((-1, -1), (1, -2)), distance="smooth_l1"),
    "both, pooled": replace(ALIGN, positions="both", match="pool", distance="cosine"),
    "relational": replace(ALIGN, distance="relational"),
    "one corpus": replace(ALIGN, data=("other",)),
    "masked query": Objective("masked_query"),
}


def student(size: int = 11) -> PreTrainedModel:
    torch.manual_seed(0)
    return BertForMaskedLM(BertConfig(vocab_size=size, hidden_size=16, max_position_embeddings=64, **SHAPE, **NO_DROPOUT))


def teacher(size: int = 4107) -> PreTrainedModel:
    torch.manual_seed(1)
    config = {"position_embedding_type": "rotary", "token_dropout": True, "mask_token_id": 2, "max_position_embeddings": 64}
    return EsmForMaskedLM(EsmConfig(vocab_size=size, hidden_size=24, **SHAPE, **NO_DROPOUT, **config))


def losses(stages: list[Stage], *, size: int = 4107) -> Losses:
    frozen = FrozenEncoder("teacher", PackedEncoder(teacher(size)))
    return Losses(stages, sizes=lambda _: Sizes(16, 24, label_mean=5.0, label_spread=2.0, num_tokens=11), companions={"teacher": frozen})


def whole_step(steps: Steps, terms: Losses, *, num_ranks: int = 1) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Each term's value and the gradients of their sum, ranks added up, as the trainer adds them."""
    encoder = PackedEncoder(student(steps.maker.vocabulary.size).train())
    values: dict[str, float] = {}
    for rank in range(num_ranks):
        steps.share(rank=rank, num_ranks=num_ranks)
        step: Step = steps[2]
        for micro in step.micro_batches:
            parts = terms.values(0, encoder, encoder.model, micro, step.counts)
            sum(parts.values()).backward()
            values = {name: values.get(name, 0.0) + part.item() for name, part in parts.items()}
    named = [*encoder.model.named_parameters(), *terms.heads.named_parameters()]
    return values, {name: p.grad.clone() for name, p in named if p.grad is not None and p.grad.any()}


@pytest.mark.invariant
@pytest.mark.parametrize("name", TERMS)
def test_one_loss_whatever_the_layout(name: str, tmp_path: Path) -> None:
    objective = (TERMS[name],)
    steps, _ = dna_steps(tmp_path, objective=objective, training=replace(TRAINING, micro_batch_tokens=10_000))
    value, whole = whole_step(steps, losses([steps.spans[0].stage]))
    for budget, num_ranks in ((60, 1), (300, 2), (1, 3), (1000, 40)):
        steps.training = replace(TRAINING, micro_batch_tokens=budget)
        other, cut = whole_step(steps, losses([steps.spans[0].stage]), num_ranks=num_ranks)
        assert other == pytest.approx(value, rel=1e-5)
        norm = torch.stack([each.norm() for each in whole.values()]).norm().item()
        assert cut.keys() == whole.keys()
        # fp32 sums in another order; against the whole norm, as some gradients are 0 in exact arithmetic.
        assert all((cut[key] - whole[key]).norm().item() < 1e-5 * norm for key in whole)


def alone(model: PreTrainedModel, batch: Batch) -> list[tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]]:
    """Ids, logits and states of each sample through the library's own forward pass."""
    found = []
    for ids in torch.from_numpy(batch.input_ids_T).split(batch.length_N.tolist()):
        with torch.no_grad():
            out = model.eval()(input_ids=ids[None], attention_mask=torch.ones_like(ids)[None], output_hidden_states=True)
        found.append((ids, out.logits[0], [states[0] for states in out.hidden_states]))
    return found


def covering(spans: np.ndarray, character: int) -> int:
    """The token that a character lies in."""
    return int(np.flatnonzero((spans[:, 0] <= character) & (character < spans[:, 1]))[0])


@pytest.mark.invariant
@pytest.mark.parametrize("positions", ["visible", "hidden"])
@pytest.mark.parametrize("match", ["repeat", "pool"])
def test_alignment_is_what_its_definition_says(match: str, positions: str, tmp_path: Path) -> None:
    """Base by base, without packing: the feature of the 6-mer that a base lies in, and the mean of the bases of a 6-mer."""
    steps, _ = dna_steps(tmp_path, objective=(replace(ALIGN, positions=positions, match=match),), phase=True)
    terms = losses([steps.spans[0].stage])
    value, _ = whole_step(steps, terms)
    batch, project = steps.batch(2), terms.heads["align_head"][0]
    reading = batch.others["teacher"]
    total, count = 0.0, 0
    samples = zip(alone(student(), batch), alone(teacher(), reading.batch), reading.spans, strict=True)
    for (ids, _, mine), (other_ids, _, theirs), spans in samples:
        hidden = other_ids == 2
        by_token: dict[int, list[int]] = {}
        for character in range(len(ids) - 1):
            by_token.setdefault(covering(spans, character), []).append(character + 1)  # behind <cls>
        for token, places in by_token.items():
            if bool(hidden[token + 1]) is (positions == "hidden"):
                states = mine[-1][places].mean(0, keepdim=True) if match == "pool" else mine[-1][places]
                with torch.no_grad():
                    total += (project(states) - theirs[-1][token + 1]).square().mean(-1).sum().item()
                count += len(states)
    assert steps[2].counts["align"] == count
    assert value["align"] == pytest.approx(total / count, rel=1e-5)


@pytest.mark.invariant
def test_predictions_are_compared_where_both_are_blind(tmp_path: Path) -> None:
    steps, _ = dna_steps(tmp_path, companion="character", objective=(Objective("mlm", weight=0.5), LOGIT))
    value, _ = whole_step(steps, losses([steps.spans[0].stage], size=11))
    batch = steps.batch(2)
    assert (batch.others["teacher"].batch.labels_T == batch.labels_T).all()
    labels = torch.from_numpy(batch.labels_T)
    mine, theirs = (torch.cat([logits for _, logits, _ in alone(model, batch)])[labels >= 0] for model in (student(), teacher(11)))
    p, q = (F.softmax(logits / 2.0, -1) for logits in (theirs, mine))
    assert value["logit"] == pytest.approx(4 * (p * (p / q).log()).sum(-1).mean().item(), rel=1e-4)
    assert value["mlm"] == pytest.approx(F.cross_entropy(mine, labels[labels >= 0]).item(), rel=1e-5)


def test_a_weight_follows_its_schedule_and_0_leaves_a_term_out(tmp_path: Path) -> None:
    objective = (Objective("mlm", weight=0.0), replace(ALIGN, weight=Ramp("linear", 1.0, 0.2)))
    steps, _ = dna_steps(tmp_path, objective=objective)
    terms = losses([steps.spans[0].stage])
    assert [terms.weights(0, steps.spans[0], step)["align"] for step in (0, 5)] == pytest.approx([1.0, 0.2])
    assert steps[0].counts.keys() == {"align"}
    assert not len(steps[0].micro_batches[0].selected_S), "nothing passes the head where nobody asks for predictions"


def test_the_companion_learns_nothing(tmp_path: Path) -> None:
    steps, _ = dna_steps(tmp_path)
    terms = losses([steps.spans[0].stage])
    whole_step(steps, terms)
    frozen = terms.companions["teacher"].encoder.model
    assert not frozen.training and not any(p.requires_grad or p.grad is not None for p in frozen.parameters())


def test_terms_of_one_name_share_their_parameters() -> None:
    terms = losses([Stage(objective=(ALIGN,)), Stage(objective=(Objective("mlm"), replace(ALIGN, weight=0.1))), Stage()])
    assert len(list(terms.heads.parameters())) == 2
    spans = lay_out([Stage()] * 3, [2, 2, 2])
    assert terms.weights(1, spans[1], 2) == {"mlm": 1.0, "align": 0.1}


def test_parameters_follow_the_seed_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    one, two = losses([Stage(objective=(ALIGN,))]), losses([Stage(objective=(ALIGN,))])
    state = one.heads.state_dict()
    assert all(torch.equal(state[name], value) for name, value in two.heads.state_dict().items())
    torch.manual_seed(5)
    Losses([Stage(objective=(ALIGN,))], sizes=lambda _: Sizes(4, 4), companions={}, seed=9)
    assert torch.equal(torch.rand(1), wanted)




@pytest.mark.invariant
def test_queries_need_a_special_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing would be left of a sample that is hidden whole."""
    steps, _ = dna_steps(tmp_path, objective=(Objective("masked_query"),))
    bare = replace(steps.maker.vocabulary, prefix=(), suffix=())
    monkeypatch.setattr(steps.maker, "vocabulary", bare)
    with pytest.raises(TokenizerError, match="'masked_query' leaves hidden tokens out"):
        Steps(steps.maker, steps.names, [steps.spans[0].stage], TRAINING)


def test_a_query_finds_what_its_definition_says(tmp_path: Path) -> None:
    """Sample by sample and query by query: the library's model on the visible bases alone, in their places, then plain attention."""
    steps, _ = dna_steps(tmp_path, objective=(Objective("masked_query"), ALIGN))
    terms = losses([steps.spans[0].stage])
    value, _ = whole_step(steps, terms)
    batch, decoder = steps.batch(2), terms.heads["masked_query_head"].double()
    model, total = student().eval(), 0.0
    parts = (torch.from_numpy(each).split(batch.length_N.tolist()) for each in (batch.input_ids_T, batch.labels_T))
    for ids, labels in zip(*parts, strict=True):
        places = torch.arange(len(ids))
        visible, hidden = places[labels < 0], places[labels >= 0]
        with torch.no_grad():
            states = model.bert(input_ids=ids[visible][None], position_ids=visible[None]).last_hidden_state[0].double()
            seen = decoder.seen_norm(states)
            keys, values = rotated(decoder.key(seen), visible), decoder.value(seen)
            for place in hidden.tolist():
                query = rotated(decoder.ask(decoder.query)[None], torch.tensor([place]))
                found = ((keys @ query[0]) / 4).softmax(0) @ values  # one head of 16
                x = decoder.query + decoder.out(found)
                logits = decoder.predict(decoder.norm(x + decoder.mlp(decoder.mlp_norm(x))))
                total += F.cross_entropy(logits, labels[place]).item()
    assert value["masked_query"] == pytest.approx(total / steps[2].counts["masked_query"], rel=1e-5)


def rotated(rows: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Each pair of halves as a complex number, turned by the place."""
    half = rows.shape[1] // 2
    angle = places[:, None] * 10_000.0 ** -(torch.arange(half, dtype=torch.float64) / half)
    turned = torch.complex(rows[:, :half], rows[:, half:]) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat((turned.real, turned.imag), 1)
