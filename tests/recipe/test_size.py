import json

import numpy as np
import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.schema import Scratch
from domainbert.recipe.size import Shape, stored_parameters

SHAPES = [
    (Scratch("modernbert", 32, 2, 4), 11, 64),
    (Scratch("modernbert", 64, 3, 2, 100), 4107, 128),
    (Scratch("bert", 32, 2, 4), 11, 64),
    (Scratch("bert", 64, 3, 2, 100), 4107, 128),
    (Scratch("esm", 32, 2, 4), 11, 64),
    (Scratch("esm", 64, 3, 2, 100), 4107, 128),
    (Scratch("roberta", 64, 3, 2, 100), 4107, 128),
    (Scratch("deberta-v2", 64, 3, 2, 100), 4107, 128),
    (Scratch("delta-hybrid", 64, 3, 2), 11, 64),
    (Scratch("delta-hybrid", 64, 3, 4, 100), 4107, 128),
]


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape[0].architecture}-{shape[0].hidden_size}")
def model_and_shape(request):
    """A model as the engine builds it from scratch, and its shape by arithmetic."""
    from domainbert.engine.model import build_model
    from domainbert.recipe.schema import Model
    from domainbert.tokenization.spans import Vocabulary

    scratch, size, length = request.param
    vocabulary = Vocabulary(size, (3,), (4,), mask_id=2, pad_id=1, targets=np.ones(size, bool), widths=np.ones(size, np.int64))
    model, *_ = build_model(Model(scratch=scratch), vocabulary, max_length=length, seed=0)
    return model, Shape.of_scratch(scratch, vocabulary_size=size, max_length=length)


def test_parameters_equal_those_of_the_real_classes(model_and_shape, tmp_path):
    model, shape = model_and_shape
    assert shape.num_parameters == sum(parameter.numel() for parameter in model.parameters())
    model.save_pretrained(tmp_path)
    assert Shape.of_folder(tmp_path).num_parameters == shape.num_parameters
    stored = sum(tensor.numel() for tensor in model.state_dict().values())
    tied = shape.hidden_size * shape.vocabulary_size  # the decoder's matrix, in the state but not in the file
    assert stored_parameters(tmp_path) in (shape.num_parameters, stored - tied, stored)


def test_operations_agree_with_torchs_counter(model_and_shape):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model, shape = model_and_shape
    model.set_attn_implementation("eager")  # as matrix products, which the counter sees
    ids = torch.randint(5, 11, (4, 64))
    # Of a convolution within each channel the counter takes the backward pass for one across channels: left out, as is the forward pass.
    uncounted = {torch.ops.aten.convolution_backward: lambda *args, **keys: 0}
    with FlopCounterMode(display=False, custom_mapping=uncounted) as counter:
        model(input_ids=ids, labels=ids).loss.backward()
    counted = counter.get_total_flops() / ids.numel()
    # Exact but for the angles of rotary positions, which some releases of transformers compute as a small matrix product.
    # DeBERTa also projects its table of buckets, once a call: a tenth of these 256 tokens' operations, nothing of a real step's.
    # The delta rule's small convolutions and products of short vectors are left out.
    tolerance = {"deberta-v2": 0.1, "delta-hybrid": 0.05}.get(shape.architecture, 1e-3)
    assert shape.flops_per_token(length=64, selected=1.0) == pytest.approx(counted, rel=tolerance)


def test_activations_are_of_the_right_size(model_and_shape):
    import torch

    model, shape = model_and_shape
    ids = torch.randint(5, 11, (4, 64))
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept, alive = {}, []

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)  # or its address would be used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(input_ids=ids, labels=ids)
    measured = sum(kept.values()) / 4 / ids.numel()
    assert 0.5 < shape.activation_values(selected=1.0) / measured < 2.0  # an estimate, and the plan says "about"


def test_folders_that_are_no_models(tmp_path):
    with pytest.raises(RecipeError, match=r"config.json: cannot be read \(No such file"):
        Shape.of_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 8}))
    with pytest.raises(RecipeError, match=r"config.json: has no 'num_hidden_layers'; it is not the config of an encoder"):
        Shape.of_folder(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(RecipeError, match=r"config.json: is not a model config"):
        Shape.of_folder(tmp_path)
    assert stored_parameters(tmp_path) is None
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(RecipeError, match=r"model.safetensors: is not a safetensors file"):
        stored_parameters(tmp_path)
