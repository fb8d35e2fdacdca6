"""Code lengths against models whose true one is known."""

import math

import numpy as np
import pytest
import torch

from domainbert.adapters.dna import DnaAdapter
from domainbert.engine.encoder import PackedEncoder
from domainbert.evaluation import likelihood
from domainbert.evaluation.intrinsic import Window
from domainbert.evaluation.likelihood import diffusion_bound, pseudo_perplexity
from domainbert.tokenization.spans import read_vocabulary

ADAPTER = DnaAdapter()


@pytest.fixture(scope="module")
def tokenizer():
    return ADAPTER.tokenizer("character", None, (), model_max_length=64)


@pytest.fixture(scope="module")
def vocabulary(tokenizer):
    return read_vocabulary(tokenizer, ADAPTER)


def windows(tokenizer, texts):
    found = []
    for text in texts:
        encoded = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        found.append(Window(text, np.array(encoded.ids), np.array(encoded.offsets), {}))
    return found


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return ["".join(rng.choice(list("ACGT"), length)) for length in (9, 30, 17, 24)]


@pytest.fixture
def model(dna_model):
    from domainbert.engine.model import load_base

    return load_base(str(dna_model()))


class Certain(torch.nn.Module):
    """Stands for the head: what each base costs depends on nothing, so that every order of a text costs the same."""

    def __init__(self, vocabulary, tokenizer, shares):
        super().__init__()
        self.logits = torch.full((len(vocabulary.targets),), -1e4)
        for letter, share in shares.items():
            self.logits[tokenizer.convert_tokens_to_ids(letter)] = math.log(share)

    def forward(self, states):
        return self.logits.expand(*states.shape[:-1], -1)


SHARES = {"A": 0.5, "C": 0.25, "G": 0.125, "T": 0.125}


def test_a_model_of_composition_costs_what_its_composition_says(model, tokenizer, vocabulary, texts):
    model.decoder = Certain(vocabulary, tokenizer, SHARES)
    letters = "".join(texts)
    wanted = sum(-math.log2(SHARES[letter]) for letter in letters) / len(letters)
    encoder, found = PackedEncoder(model), windows(tokenizer, texts)
    bound = diffusion_bound(encoder, found, vocabulary, num_draws=400, micro_batch_tokens=512)
    assert bound.bits == pytest.approx(wanted, abs=4 * bound.standard_error)
    assert bound.standard_error < 0.03
    assert (bound.num_letters, bound.num_draws) == (len(letters), 400)
    pseudo = pseudo_perplexity(encoder, found, vocabulary, ADAPTER, num_scored=10**6, micro_batch_tokens=512)
    assert pseudo.bits == pytest.approx(wanted, abs=1e-5)
    assert pseudo.perplexity == pytest.approx(2**wanted, rel=1e-4)
    assert pseudo.num_scored == pseudo.num_tokens == len(letters)
    assert pseudo.computed_tokens == pseudo.exact_tokens == sum(len(text) * (len(text) + vocabulary.num_special) for text in texts)


def brute(model, vocabulary, ids, hidden):
    """Nats of the hidden tokens of one text, by the model as transformers runs it."""
    shown = np.where(hidden, vocabulary.mask_id, ids)
    row = torch.tensor([*vocabulary.prefix, *shown, *vocabulary.suffix])[None]
    with torch.inference_mode():
        logits = model(input_ids=row).logits[0, len(vocabulary.prefix) :][: len(ids)].log_softmax(-1)
    return -logits[np.flatnonzero(hidden), ids[hidden]].double().numpy()


def test_the_bound_is_the_mean_over_all_rates_and_places(model, tokenizer, vocabulary):
    """A text of five bases has 31 ways to hide some: the bound weighs each number of hidden ones alike."""
    (window,) = windows(tokenizer, ["ACGGT"])
    exact = 0.0
    for ways in range(1, 32):
        hidden = np.array([bool(ways >> place & 1) for place in range(5)])
        count = hidden.sum()
        exact += 5 / count * brute(model.train(False), vocabulary, window.ids, hidden).sum() / 5 / math.comb(5, count)
    found = diffusion_bound(PackedEncoder(model), [window] * 40, vocabulary, num_draws=100, micro_batch_tokens=512)
    assert found.bits == pytest.approx(exact / math.log(2) / 5, abs=4 * found.standard_error)
    assert found.standard_error < 0.02 * found.bits


def test_pseudo_perplexity_hides_one_at_a_time(model, tokenizer, vocabulary, texts):
    found = windows(tokenizer, texts[:2])
    nats = [
        brute(model.train(False), vocabulary, each.ids, np.arange(len(each.ids)) == place)[0]
        for each in found
        for place in range(len(each.ids))
    ]
    scored = pseudo_perplexity(PackedEncoder(model), found, vocabulary, ADAPTER, num_scored=7, micro_batch_tokens=64)
    chosen = np.unique(np.linspace(0, len(nats) - 1, 7).astype(int))
    assert scored.perplexity == pytest.approx(np.exp(np.mean(np.array(nats)[chosen])), rel=1e-4)
    assert (scored.num_scored, scored.num_tokens) == (7, len(nats))


def test_the_rest_of_a_word_is_hidden_too(model, tokenizer, vocabulary, monkeypatch):
    """Where bases stand for the pieces of words: a piece is hidden with the later ones of its word, the earlier ones are seen."""
    (window,) = windows(tokenizer, ["ACGTACGT"])
    monkeypatch.setattr(likelihood, "_words", lambda window, adapter: np.array([0, 0, 0, 1, 1, 1, -7, -8]))
    want = []
    for place, last in enumerate([3, 3, 3, 6, 6, 6, 7, 8]):
        hidden = np.zeros(8, bool)
        hidden[place:last] = True
        want.append(brute(model.train(False), vocabulary, window.ids, hidden)[0])
    scored = pseudo_perplexity(PackedEncoder(model), [window], vocabulary, ADAPTER, num_scored=100, micro_batch_tokens=64)
    assert scored.perplexity == pytest.approx(np.exp(np.mean(want)), rel=1e-4)


def test_unknown_bases_are_no_part_of_it(model, tokenizer, vocabulary):
    (window,) = windows(tokenizer, ["ACNNGT"])
    encoder = PackedEncoder(model)
    assert diffusion_bound(encoder, [window], vocabulary, num_draws=3, micro_batch_tokens=64).num_letters == 4
    scored = pseudo_perplexity(encoder, [window], vocabulary, ADAPTER, num_scored=9, micro_batch_tokens=64)
    assert scored.num_tokens == 4
