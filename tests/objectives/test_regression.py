"""Regression on the two halves of pairs against the library's own attention, pair by pair, whatever the layout."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.drug_target import DrugTargetAdapter
from domainbert.adapters.drug_target.tokenizers import build_tokenizer
from domainbert.corpus.build import build_store
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.losses import Losses
from domainbert.engine.packing import Batch, BatchMaker
from domainbert.engine.steps import Steps
from domainbert.objectives.base import Sizes
from domainbert.objectives.regression import CrossAttention, RegressionHead, whole_samples
from domainbert.recipe.schema import Corpus, Corruption, Objective, Stage, Training
from domainbert.tokenization.spans import read_vocabulary, second_halves

CROSS = Objective("regression", name="affinity", pooling="cross")
TRAINING = Training(max_length=64, batch_tokens=400, micro_batch_tokens=10_000)
ROWS = [  # the first has one token in either half, the one before the last no label
    ("C", "M", 4.0), ("C", "MKVLAGSTRE" * 4, 5.5), ("CC(=O)Oc1ccccc1C(=O)O", "K", 6.0), ("c1ccncc1", "MKTAYIAKQR", 7.25),
    ("CCO", "GAVLIPFMWSTCYNQDEKRH", 8.0), ("CCN", "MKTAYIAKQRQ", None), ("OCC(O)CO", "AAAKLGSD", 5.0),
]  # fmt: skip
SIZE = len(build_tokenizer(model_max_length=64))


class Made(DrugTargetAdapter):
    """The pairs above, or drugs alone; the readers take no target of one residue."""

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        assert drops is not None
        rows = [(drug, None, None) for drug in ("CCCCO", "c1ccccc1")] if source == "drugs" else ROWS
        for number, (drug, target, label) in enumerate(rows):
            drops.num_kept += 1
            yield Record(str(number), drug, str(number), second=Record(f"t{number}", target, "t") if target else None, label=label)

    def files(self, source: str) -> list[Path]:
        return []


ADAPTER = Made()


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return make_steps(tmp_path, CROSS)


def make_steps(folder: Path, *objectives: Objective, corruption: Corruption = Corruption()) -> Steps:  # noqa: B008
    """One step of all pairs, and of unpaired drugs."""
    stores = []
    for name in ("pairs", "drugs"):
        corpus = Corpus(name=name, sources=(name,), validation_fraction=0.0, max_drop_rate=0.0)
        stores.append(build_store(ADAPTER, corpus, folder / name, make_tokenizer=lambda _: build_tokenizer(model_max_length=64), seed=0))
    maker = BatchMaker(stores, [ADAPTER, ADAPTER], read_vocabulary(stores[0].tokenizer, ADAPTER))
    stage = Stage(steps=2, corruption=corruption, objective=objectives, mix={"pairs": 0.9, "drugs": 0.1})
    return Steps(maker, ["pairs", "drugs"], [stage], TRAINING)


def model() -> BertForMaskedLM:
    torch.manual_seed(0)
    shape = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32, "initializer_range": 0.2, "pad_token_id": 1}
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return BertForMaskedLM(BertConfig(vocab_size=SIZE, hidden_size=16, max_position_embeddings=64, **shape, **dropout))


def losses(steps: Steps) -> Losses:
    sizes = Sizes(16, label_mean=6.0, label_spread=2.0, num_tokens=SIZE, num_heads=4)
    return Losses([steps.spans[0].stage], sizes=lambda _: sizes, seed=3)


def whole_step(steps: Steps, *, num_ranks: int = 1) -> tuple[float, dict[str, Tensor]]:
    """The term's value and its gradients, ranks added up, as the trainer adds them."""
    terms, encoder = losses(steps), PackedEncoder(model().train())
    value = 0.0
    for rank in range(num_ranks):
        steps.share(rank=rank, num_ranks=num_ranks)
        step = steps[1]
        for micro in step.micro_batches:
            part = terms.values(0, encoder, encoder.model, micro, step.counts)["affinity"]
            part.backward()
            value += part.item()
        assert all(p.grad is not None for p in terms.heads["affinity_head"].parameters()), "of a process without a pair too"
    named = [*encoder.model.named_parameters(), *terms.heads["affinity_head"].named_parameters()]
    return value, {name: p.grad.clone() for name, p in named if p.grad is not None and p.grad.any()}


def attention_of(halves: CrossAttention) -> nn.MultiheadAttention:
    """The library's attention with the weights of ours, as parameters of the very same storage are not possible, by copy."""
    library = nn.MultiheadAttention(halves.dense.out_features, int(halves.num_heads), batch_first=True)
    parts = (halves.query, halves.key, halves.value)
    with torch.no_grad():
        library.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        library.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        library.out_proj.load_state_dict(halves.out.state_dict())
    return library


def alone(head: RegressionHead, attention: nn.MultiheadAttention, drug_LD: Tensor, target_LD: Tensor) -> Tensor:
    """The standardised label of one pair, by the library's attention and no packing."""
    assert head.halves is not None
    to_target, _ = attention(drug_LD[None, :1], target_LD[None], target_LD[None])
    to_drug, _ = attention(target_LD[None, :1], drug_LD[None], drug_LD[None])
    hidden = torch.tanh(head.halves.dense(torch.cat((to_target[0, 0], to_drug[0, 0]))))
    return head.linear(hidden)[0]


def samples(steps: Steps) -> Iterator[tuple[Tensor, Tensor, int, float]]:
    """Ids as they are read, which of them are hidden, the place of the bar, and the label, of each labelled pair of the step."""
    batch = steps.batch(1)
    bar = steps.maker.vocabulary.separator_id
    assert batch.label_N is not None
    parts = (torch.from_numpy(each).split(batch.length_N.tolist()) for each in (batch.input_ids_T, batch.labels_T))
    for ids, labels, label in zip(*parts, batch.label_N.tolist(), strict=True):
        if np.isfinite(label):
            yield ids, labels >= 0, ids.tolist().index(bar), label


@pytest.mark.invariant
def test_a_pair_is_what_the_librarys_attention_makes_of_it_alone(steps: Steps) -> None:
    value, gradients = whole_step(steps)
    library, head = model().train(), losses(steps).heads["affinity_head"]
    attention, errors = attention_of(head.halves), []
    for ids, _, bar, label in samples(steps):
        states = library.bert(input_ids=ids[None]).last_hidden_state[0]
        errors.append((alone(head, attention, states[:bar], states[bar:]) - (label - 6.0) / 2.0) ** 2)
    assert steps[1].counts["affinity"] == len(errors) > 6
    torch.stack(errors).mean().backward()
    assert value == pytest.approx(torch.stack(errors).mean().item(), rel=1e-5)
    wanted = {name: p.grad for name, p in [*library.named_parameters(), *head.named_parameters()] if p.grad is not None}
    for number, name in enumerate(("query", "key", "value")):
        wanted |= {f"halves.{name}.weight": attention.in_proj_weight.grad[16 * number : 16 * number + 16]}
        wanted |= {f"halves.{name}.bias": attention.in_proj_bias.grad[16 * number : 16 * number + 16]}
    wanted |= {f"halves.out.{name}": p.grad for name, p in attention.out_proj.named_parameters()}
    assert {name for name, each in gradients.items() if name.startswith("halves.")} == {
        f"halves.{name}" for name, _ in head.halves.named_parameters()
    }
    norm = torch.stack([each.norm() for each in gradients.values()]).norm().item()
    # fp32 sums in another order; against the whole norm, as the gradient of a key's bias is 0 in exact arithmetic.
    assert all((each - wanted[name]).norm().item() < 1e-5 * norm for name, each in gradients.items())


@pytest.mark.invariant
def test_one_value_whatever_the_layout(steps: Steps) -> None:
    value, whole = whole_step(steps)
    norm = torch.stack([each.norm() for each in whole.values()]).norm().item()
    for budget, num_ranks in ((64, 1), (1, 1), (100, 2), (1000, 60)):
        steps.training = replace(TRAINING, micro_batch_tokens=budget)
        other, cut = whole_step(steps, num_ranks=num_ranks)
        assert other == pytest.approx(value, rel=1e-5)
        assert all((cut[name] - each).norm().item() < 1e-5 * norm for name, each in whole.items())


def test_ragged_halves_and_large_scores_are_exact() -> None:
    """Random states, halves of one token and of many; scores of hundreds, of which a plain exponential is no number."""
    torch.manual_seed(1)
    head = RegressionHead(24, mean=0.0, spread=1.0, of_first=False, num_heads=3)
    assert head.halves is not None
    attention = attention_of(head.halves)
    firsts, lengths = np.array([1, 1, 17, 5, 2]), np.array([2, 41, 18, 9, 4])
    states = 60 * torch.randn(lengths.sum(), 24)
    units = whole_samples(np.arange(5), np.cumsum(lengths) - lengths, lengths, firsts)
    with torch.no_grad():
        found = head.standardised(head.pooled(states, units))
        pairs = zip(states.split(lengths.tolist()), firsts.tolist(), strict=True)
        wanted = torch.stack([alone(head, attention, each[:first], each[first:]) for each, first in pairs])
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
        # A sample's neighbours are nothing to it.
        changed = states.clone()
        changed[int(lengths[0]) :] = 0.0
        assert torch.equal(head.pooled(changed, units)[0], head.pooled(states, units)[0])


def test_texts_without_two_halves() -> None:
    vocabulary = read_vocabulary(build_tokenizer(model_max_length=64), ADAPTER)
    texts = {"CCO|MK": 4, "C|M": 2, "CCO": 0, "|MK": 0, "CCO|": 0, "|": 0, "CC|CC": 3, "C|M|K": 2}
    encode, bar = build_tokenizer(model_max_length=64), vocabulary.separator_id
    assert encode.convert_ids_to_tokens(bar) == "|"
    ids = [np.array(encode(text)["input_ids"]) for text in texts]
    lengths = np.array([len(each) for each in ids])
    assert second_halves(np.concatenate(ids), lengths, vocabulary).tolist() == list(texts.values())
    bare = [each[1:-1] for each in ids]
    wanted = [max(0, place - 1) for place in texts.values()]
    assert second_halves(np.concatenate(bare), lengths - 2, vocabulary, special=False).tolist() == wanted
    assert not second_halves(np.concatenate(ids), lengths, replace(vocabulary, separator_id=-1)).any()


def test_pairs_without_a_label_and_halves_are_left_out(steps: Steps) -> None:
    batch = steps.batch(1)
    assert batch.label_N is not None and batch.second_N is not None and batch.source_N is not None
    labelled = np.isfinite(batch.label_N)
    assert (~labelled).any() and (batch.source_N == 1).any()
    assert ((batch.second_N > 0) == (batch.source_N == 0)).all()
    assert steps[1].counts["affinity"] == labelled.sum()
    batch_of_half = replace(batch, label_N=np.ones_like(batch.label_N))
    assert steps._terms[0].counts(batch_of_half)["affinity"] == (batch.source_N == 0).sum(), "a half alone has no affinity"
    some = np.flatnonzero(batch.source_N == 0)[::-1]
    assert np.array_equal(batch.take(some).second_N, batch.second_N[some])


@pytest.mark.invariant
@pytest.mark.parametrize("pooling", ["cross", "mean"])
def test_what_is_left_out_of_the_input_is_attended_to_by_nobody(pooling: str, tmp_path: Path) -> None:
    """Beside ``masked_query``: the library's model on the visible tokens alone, in their places."""
    objectives = (replace(CROSS, pooling=pooling), Objective("masked_query"))
    steps = make_steps(tmp_path, *objectives, corruption=Corruption(rate=0.4, mask=1.0, random=0.0))
    value, _ = whole_step(steps)
    library, head = model().eval(), losses(steps).heads["affinity_head"]
    errors, num_hidden = [], 0
    for ids, hidden, bar, label in samples(steps):
        places = torch.arange(len(ids))
        assert not hidden[[0, bar]].any()
        with torch.no_grad():
            states = library.bert(input_ids=ids[~hidden][None], position_ids=places[~hidden][None]).last_hidden_state[0]
            split = int((~hidden[:bar]).sum())
            if pooling == "cross":
                found = alone(head, attention_of(head.halves), states[:split], states[split:])
            else:
                found = head.linear(states.mean(0))[0]
        errors.append((found.item() - (label - 6.0) / 2.0) ** 2)
        num_hidden += int(hidden.sum())
    assert num_hidden > len(errors)
    assert value == pytest.approx(np.mean(errors), rel=1e-5)


def test_separators_are_those_of_each_samples_own_domain(steps: Steps) -> None:
    """General text that holds a bar is no pair."""
    maker = steps.maker
    ids_T, length_N = np.array([3, 9, maker.vocabulary.separator_id, 9, 4] * 2), np.array([5, 5])
    other = (replace(maker.vocabulary, separator_id=-1), np.array([False, True]))
    maker._domains = [(maker.vocabulary, np.array([True, False])), other]
    assert maker._second_halves(ids_T, length_N, np.array([0, 1])).tolist() == [2, 0]
    assert Batch(ids_T, ids_T, ids_T, length_N).second_N is None
