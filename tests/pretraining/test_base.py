"""Bases that need something first: an encoder without a head, another vocabulary, frozen parts."""

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer


@pytest.fixture
def headless(finished, tmp_path):
    """The finished run's model as an encoder alone, as sentence embedders are saved."""
    AutoModel.from_pretrained(finished / "model").save_pretrained(tmp_path / "encoder")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "encoder" / name).write_bytes((finished / "model" / name).read_bytes())
    return tmp_path / "encoder"


def test_a_missing_head_is_trained_first_with_the_rest_frozen(headless, recipe, process, tmp_path):
    done = process(
        "pretrain",
        "--recipe",
        recipe,
        "--base",
        headless,
        "--output",
        tmp_path / "run",
        "training.max_steps=20",
        "training.save_steps=2",
        "training.keep_checkpoints=20",
    )
    assert "have no trained masked-LM head" in " ".join(done.stderr.split())
    stages = json.loads((tmp_path / "run" / "recipe.json").read_text())["stages"]
    assert [(stage["name"], stage["steps"]) for stage in stages] == [("head", 2), ("mlm", 18)]
    start = load_file(headless / "model.safetensors")
    after = load_file(tmp_path / "run" / "checkpoints" / "step-2" / "model.safetensors")
    end = load_file(tmp_path / "run" / "model" / "model.safetensors")
    assert all(torch.equal(after[f"model.{name}"], value) for name, value in start.items())
    assert all(not torch.equal(end[f"model.{name}"], value) for name, value in start.items() if value.ndim > 1)


def test_a_frozen_stage_resumes_bit_for_bit(recipe, process, tmp_path):
    keys = ["stage.mlm.freeze=['body']", "stage.mlm.steps=8", "training.save_steps=3"]
    for name, steps in (("whole", []), ("cut", [])):
        process("pretrain", "--recipe", recipe, "--output", tmp_path / name, *keys, *steps)
    for step in ("step-6", "step-8"):
        for file in sorted((tmp_path / "cut" / "checkpoints" / step).glob("*")):
            file.unlink()
        (tmp_path / "cut" / "checkpoints" / step).rmdir()
    for name in ("evaluation.json",):
        (tmp_path / "cut" / name).unlink()
    process("resume", tmp_path / "cut")
    whole, cut = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    first = load_file(tmp_path / "whole" / "checkpoints" / "step-3" / "model.safetensors")
    assert all(torch.equal(whole[name], first[name]) for name in whole if name.startswith("model.layers."))
    assert not torch.equal(whole["head.dense.weight"], first["head.dense.weight"])


@pytest.mark.parametrize("init", ["mean", "focus"])
def test_a_base_goes_on_with_another_tokenizer(finished, recipe, process, tmp_path, init):
    keys = ["tokenizer.mode=replace", "tokenizer.kind=bpe", "tokenizer.options.vocabulary_size=40", f"tokenizer.init={init}"]
    done = process(
        "pretrain", "--recipe", recipe, "--base", finished / "model", "--output", tmp_path / "run", "training.max_steps=6", *keys
    )
    assert "with the new vocabulary" in " ".join(done.stderr.split())
    result = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    change = result["vocabulary"]
    assert change["mode"] == "replace" and change["entries"]["now"] == 40
    assert change["tokens_per_thousand_characters"]["now"] < change["tokens_per_thousand_characters"]["base"] == pytest.approx(1000)
    assert set(result["before"]) == {"single", "block"} and set(change["right_after"]) == set(result["after"]) == {"block"}
    model, tokenizer = (each.from_pretrained(tmp_path / "run" / "model") for each in (AutoModelForMaskedLM, AutoTokenizer))
    assert model.config.vocab_size == len(tokenizer) == 40
    assert model.config.pad_token_id == tokenizer.pad_token_id


def test_new_pieces_of_a_base_begin_where_it_stood_and_learn(recipe, domainbert, tmp_path):
    """transformers 14020, 33325, axolotl 2000, ModernBERT 96: tables that do not fit, rows that mean nothing, a first loss far too high."""
    pieces = ["tokenizer.kind=bpe", "tokenizer.options.vocabulary_size=40", "training.learning_rate=1e-2", "training.max_steps=40"]
    old = tmp_path / "base" / "model"
    domainbert("pretrain", "--recipe", recipe, "--output", tmp_path / "base", *pieces)
    for name, rate, steps in (("still", 1e-9, 2), ("run", 3e-3, 20)):
        keys = ["tokenizer.mode=extend", "tokenizer.num_pieces=24", f"training.learning_rate={rate}", f"training.max_steps={steps}"]
        domainbert("pretrain", "--recipe", recipe, "--base", old, "--output", tmp_path / name, *keys)
    result = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    before, first, last = (kinds["block"]["bits"] for kinds in (result["before"], result["vocabulary"]["right_after"], result["after"]))
    assert first < 1.1 * before
    assert last < first
    models = [AutoModelForMaskedLM.from_pretrained(tmp_path / name / "model") for name in ("base", "still", "run")]
    base, tokenizer = (AutoTokenizer.from_pretrained(tmp_path / name / "model") for name in ("base", "run"))
    start, still, end = (model.get_input_embeddings().weight.detach() for model in models)
    assert len(tokenizer) == len(base) + 24 == len(end) == len(models[2].get_output_embeddings().bias)
    assert models[2](**tokenizer("ACGTTGCA", return_tensors="pt")).logits.shape[-1] == len(tokenizer)
    moved = []
    for token, row in tokenizer.get_vocab().items() - base.get_vocab().items():
        mean = start[base.convert_tokens_to_ids(base.tokenize(token))].mean(0)
        assert torch.allclose(still[row], mean, atol=1e-6)  # two steps of 1e-9, fp32
        moved.append(float((end[row] - mean).norm() / mean.norm()))
    assert len(moved) == 24 and min(moved) > 0.01 and sorted(moved)[12] > 0.2
