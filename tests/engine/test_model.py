"""Models from random weights and from a base: what is built, and what is refused by name."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from domainbert.engine.model import build_model, load_base, restore_dropout
from domainbert.errors import ModelError
from domainbert.recipe.load import load_recipe
from domainbert.recipe.schema import SCRATCH, Model, Scratch
from domainbert.recipe.size import Shape
from domainbert.resources import recipe_files
from domainbert.tokenization.spans import Vocabulary

TARGETS = np.array([False] * 6 + [True] * 5)
VOCABULARY = Vocabulary(11, (3,), (), 2, 1, TARGETS, TARGETS.astype(np.int64))
ARCHITECTURES = ["modernbert", "bert", "esm", "roberta", "deberta-v2", "delta-hybrid"]


def build(architecture: str, *, dropout: float | str = 0.0, **keys: object) -> torch.nn.Module:
    model = Model(dropout=dropout, scratch=Scratch(architecture, 32, 2, 2, **keys))
    return build_model(model, VOCABULARY, max_length=40, seed=0)[0]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_scratch_models_have_the_shape_asked_for(architecture: str) -> None:
    model = build(architecture)
    assert model.config.model_type == architecture
    assert (model.config.hidden_size, model.config.num_hidden_layers, model.config.vocab_size) == (32, 2, 11)
    assert (model.config.pad_token_id, model.config.bos_token_id) == (1, 3)
    # Weights come from the seed and nothing else.
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), build(architecture).parameters(), strict=True))


@pytest.mark.parametrize("name", sorted(recipe_files()))
def test_every_shipped_recipe_builds_the_model_that_its_plan_counts(name: str) -> None:
    """Of full size, on a device that holds shapes alone."""
    recipe = load_recipe(name)
    if recipe.model.base != SCRATCH:
        pytest.skip("continues a base")
    with torch.device("meta"):
        model = build_model(recipe.model, VOCABULARY, max_length=recipe.training.max_length, seed=0)[0]
    shape = Shape.of_scratch(recipe.model.scratch, vocabulary_size=VOCABULARY.size, max_length=recipe.training.max_length)
    config = model.config
    assert (config.hidden_size, config.num_hidden_layers) == (shape.hidden_size, shape.num_layers)
    assert (config.num_attention_heads, config.intermediate_size) == (shape.num_heads, shape.intermediate_size)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_dropout_is_the_recipes_and_is_published_as_it_was(architecture: str, rate: float) -> None:
    recipe = Model(dropout=rate, scratch=Scratch(architecture, 32, 2, 2))
    model, published, _ = build_model(recipe, VOCABULARY, max_length=40, seed=0)
    ids = torch.arange(6, 11)[None]
    model.train()
    assert torch.equal(model(input_ids=ids).logits, model(input_ids=ids).logits) == (rate == 0)
    rates = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates <= {rate} and (rate == 0 or rates)
    restore_dropout(model, published)
    fresh = {name: value for name, value in type(model.config)().to_dict().items() if "dropout" in name}
    assert {name: value for name, value in model.config.to_dict().items() if "dropout" in name} == fresh


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("size", [11, 3000])
def test_the_first_loss_is_that_of_a_guess(architecture: str, size: int) -> None:
    """ModernBERT 96: with another vocabulary size the first loss was ten times too high."""
    targets = np.arange(size) > 5
    vocabulary = Vocabulary(size, (3,), (), 2, 1, targets, targets.astype(np.int64))
    model = build_model(Model(scratch=Scratch(architecture, 32, 2, 2)), vocabulary, max_length=40, seed=0)[0].eval()
    ids = torch.randint(6, size, (8, 30), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        loss = float(torch.nn.functional.cross_entropy(model(input_ids=ids).logits.flatten(0, 1), ids.roll(7).flatten()))
    # A guess costs ln(size); logits of spread s add s**2 / 2.
    assert loss == pytest.approx(np.log(size), abs=0.3)


def test_config_keys_pass_through_and_typos_are_named() -> None:
    assert build("modernbert", config={"global_attn_every_n_layers": 1}).config.layer_types == ["full_attention"] * 2
    with pytest.raises(ModelError, match="modernbert has no global_attention"):
        build("modernbert", config={"global_attention": 1})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_activation": "nope"}, "can be made of this config"),
        ({"local_attention": "x"}, "local_attention"),
        ({"hidden_size": 30}, "hidden_size follow from the other keys"),
    ],
)
def test_a_config_that_makes_no_model_is_named(config: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build("modernbert", config=config)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ModelError, match="hidden_size = 32 is not a multiple of num_heads = 5"):
        build_model(Model(scratch=Scratch("bert", 32, 2, 5)), VOCABULARY, max_length=40, seed=0)


def test_a_length_beyond_the_positions_is_refused(tmp_path: Path) -> None:
    build("bert").save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="has 40 positions; set it to 40 or less"):
        build_model(Model(base=str(tmp_path)), VOCABULARY, max_length=41, seed=0)


def test_a_vocabulary_beyond_the_embeddings_is_refused(tmp_path: Path) -> None:
    """transformers 14020: a tokenizer that was given more tokens, before a model whose tables were not."""
    build("bert").save_pretrained(tmp_path)
    larger = Vocabulary(12, (3,), (), 2, 1, TARGETS, TARGETS.astype(np.int64))
    with pytest.raises(ModelError, match="11 embedding rows, its tokenizer 12 entries"):
        build_model(Model(base=str(tmp_path)), larger, max_length=40, seed=0)


def test_a_base_that_is_nowhere_says_so_at_once() -> None:
    with pytest.raises(ModelError, match="neither a folder here nor a model that the Hub gave us"):
        load_base("nobody/nothing-at-all")


def test_pickled_weights_are_never_loaded(tmp_path: Path) -> None:
    model = build("bert")
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load_base(str(tmp_path))


def test_an_encoder_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    model = build("bert")
    model.bert.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="no trained masked-LM head"):
        load_base(str(tmp_path))


def test_an_unsupported_architecture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}))
    with pytest.raises(ModelError, match="'t5' is an encoder with a decoder; encoders are supported: modernbert, bert, esm"):
        load_base(str(tmp_path))


def test_truncated_weights_are_named(tmp_path: Path) -> None:
    build("bert").save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_base(str(tmp_path))


def test_a_model_with_code_of_its_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "strange", "auto_map": {"AutoConfig": "modeling_strange.Config"}}))
    (tmp_path / "modeling_strange.py").write_text("raise SystemExit('executed')")
    with pytest.raises(ModelError):
        load_base(str(tmp_path))
