"""Another vocabulary for every family: what a row was, it is again under its new id, in the embeddings and in the predictions."""

import numpy as np
import pytest
import torch
from scipy import sparse

from domainbert.engine.freezing import freeze, frozen_names
from domainbert.engine.vocabulary import vocabulary_rows, with_vocabulary
from domainbert.errors import ModelError
from domainbert.tokenization.spans import Vocabulary
from tests.engine.models import FAMILIES, VOCABULARY_SIZE, build

NEW_SIZE = VOCABULARY_SIZE + 5


def vocabulary(size: int) -> Vocabulary:
    return Vocabulary(size, (3,), (4,), 2, 1, np.arange(size) > 4, np.ones(size, np.int64))


@pytest.mark.parametrize("name", FAMILIES)
def test_predictions_move_with_their_rows(name):
    """transformers issues 1730 and 1413, ModernBERT 96: biases that stay behind, and a first loss ten times too high."""
    model = build(name).eval()
    # Old entries keep their ids but the last two, which change places; new ones are means of two.
    source = np.arange(VOCABULARY_SIZE)
    source[-2:] = source[-2:][::-1].copy()
    rows = sparse.lil_array((NEW_SIZE, VOCABULARY_SIZE))
    for index, row in enumerate(source):
        rows[index, row] = 1.0
    for index in range(VOCABULARY_SIZE, NEW_SIZE):
        rows[index, [6, 7]] = 0.5
    changed = with_vocabulary(model, rows.tocsr(), vocabulary(NEW_SIZE)).eval()
    assert changed.config.vocab_size == NEW_SIZE
    ids = torch.tensor([[3, 8, 2, 9, VOCABULARY_SIZE - 1, 4]])
    old_ids = torch.tensor(source)[ids]
    with torch.no_grad():
        before, after = model(input_ids=old_ids).logits, changed(input_ids=ids).logits
    # fp32 sums in another order
    assert torch.allclose(after[..., :VOCABULARY_SIZE], before[..., torch.tensor(source)], atol=1e-5)
    assert torch.allclose(after[..., VOCABULARY_SIZE:], before[..., 6:8].mean(-1, keepdim=True).expand(-1, -1, 5), atol=1e-5)
    embedding, output = changed.get_input_embeddings().weight, changed.get_output_embeddings()
    assert (output.weight is embedding) == (model.get_output_embeddings().weight is model.get_input_embeddings().weight)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_freezing_leaves_gets_gradients(name):
    model = build(name)
    frozen = frozen_names(model, ["body", "embeddings"])
    freeze(model, frozen)
    model(input_ids=torch.tensor([[3, 8, 2, 9, 4]])).logits.sum().backward()
    touched = {each for each, p in model.named_parameters() if p.grad is not None}
    assert touched and not touched & frozen
    assert not any(each.startswith(f"{model.base_model_prefix}.") for each in touched)
    tables = frozen_names(model, ["embeddings"])
    assert all("embed" in each or each.startswith("lm_head.decoder") for each in tables) and any(
        p is model.get_input_embeddings().weight for p in map(dict(model.named_parameters()).get, tables)
    )
    freeze(model, frozenset())
    assert all(p.requires_grad for p in model.parameters())


def test_patterns_that_mean_nothing_or_everything_are_refused():
    model = build("bert")
    with pytest.raises(ModelError, match=r"stage.freeze: 'bert.layer.\*' is the name of no parameter; there are: bert.embeddings"):
        frozen_names(model, ["bert.layer.*"])
    with pytest.raises(ModelError, match="leaves nothing to train"):
        frozen_names(model, ["*"])
    assert frozen_names(model, ["bert.encoder.layer.0.*"]) == {
        n for n, _ in model.named_parameters() if n.startswith("bert.encoder.layer.0.")
    }


def test_the_rows_of_a_vocabulary_are_told_by_their_shape():
    assert vocabulary_rows(build("roberta").config) >= {"roberta.embeddings.word_embeddings.weight", "lm_head.bias"}
