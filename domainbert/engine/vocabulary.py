"""Gives a model another vocabulary: its embeddings, its output layer and the output's bias follow one mapping of rows."""

import copy

import torch
from scipy import sparse
from torch import Tensor
from transformers import AutoModelForMaskedLM, PretrainedConfig, PreTrainedModel

from domainbert.errors import ModelError
from domainbert.tokenization.spans import Vocabulary


def with_vocabulary(model: PreTrainedModel, weights: sparse.csr_array, vocabulary: Vocabulary) -> PreTrainedModel:
    """The model with one row an entry of the new vocabulary; everything else is as it was.

    Args:
        model: a masked language model with ``O`` rows.
        weights: how each new row is made of old ones, ``(N, O)``; see ``tokenization.transfer``.
        vocabulary: the new one; its special ids join the config.

    Raises:
        ModelError: the architecture's rows cannot be told from its other weights.
    """
    config = copy.deepcopy(model.config)
    config.vocab_size = weights.shape[0]
    for name, index in _special_ids(config, vocabulary).items():
        setattr(config, name, index)
    changed: PreTrainedModel = AutoModelForMaskedLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
    rows = vocabulary_rows(model.config)
    if not rows:
        raise ModelError(f"architecture {config.model_type!r}: no weight follows its vocab_size; use tokenizer.mode = keep")
    matrix = torch.sparse_csr_tensor(
        torch.from_numpy(weights.indptr).long(), torch.from_numpy(weights.indices).long(), torch.from_numpy(weights.data).float(),
        size=weights.shape, check_invariants=True,
    )  # fmt: skip
    state = {name: _mapped(matrix, value) if name in rows else value for name, value in model.state_dict().items()}
    changed.load_state_dict(state)
    changed.tie_weights()
    changed.train(model.training)
    return changed


def vocabulary_rows(config: PretrainedConfig) -> set[str]:
    """Names of the weights that have a row for each entry: those whose shape changes with ``vocab_size``."""
    shapes = []
    for more in (0, 1):
        other = copy.deepcopy(config)
        other.vocab_size = config.vocab_size + more
        with torch.device("meta"):
            model = AutoModelForMaskedLM.from_config(other)  # type: ignore[no-untyped-call]
        shapes.append({name: value.shape for name, value in model.state_dict().items()})
    return {name for name, shape in shapes[0].items() if shapes[1][name] != shape}


def _mapped(matrix: Tensor, value: Tensor) -> Tensor:
    flat = value.float().reshape(value.shape[0], -1)
    return (matrix @ flat).reshape(matrix.shape[0], *value.shape[1:])


def _special_ids(config: PretrainedConfig, vocabulary: Vocabulary) -> dict[str, int | None]:
    """The config's own special ids, as the new vocabulary has them."""
    first = vocabulary.prefix[0] if vocabulary.prefix else None
    last = vocabulary.suffix[-1] if vocabulary.suffix else None
    ids = {
        "pad_token_id": vocabulary.pad_id, "mask_token_id": vocabulary.mask_id, "bos_token_id": first, "cls_token_id": first,
        "eos_token_id": last, "sep_token_id": last,
    }  # fmt: skip
    return {name: index for name, index in ids.items() if hasattr(config, name) and getattr(config, name) is not None}
