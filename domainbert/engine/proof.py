"""Proves on the model itself that it runs exactly: some sequences together against each alone in the library's own forward pass."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from domainbert.engine.encoder import PackedEncoder, PackedInput
from domainbert.engine.families import FAMILIES
from domainbert.engine.layout import Layout, candidates
from domainbert.engine.packing import Batch, ranges
from domainbert.errors import ModelError
from domainbert.tokenization.spans import Vocabulary

# Two of a length, since equal lengths are computed together, and neighbours that differ, since those are padded.
_LENGTHS = (5, 9, 9, 17, 18, 33)
# fp32 sums in another order differ by about 1e-6 of the logits' spread; a document that sees another differs by 1e-3 and more.
TOLERANCE = 1e-4


def proven_layout(model: PreTrainedModel, vocabulary: Vocabulary, *, max_length: int) -> Layout:
    """The quickest layout in which the model's logits are those of its own forward pass on each sequence alone.

    Args:
        model: in fp32 on the CPU, with its library attention.
        vocabulary: whose targets the sequences are made of.
        max_length: most tokens that the run gives it.

    Raises:
        ModelError: there is none.
    """
    batch = _sequences(vocabulary, max_length)
    was_training = model.training
    model.train(False)
    try:
        alone = _alone(model, batch)
        worst = []
        for layout in candidates(model):
            difference = _difference(model, layout, batch, alone)
            if difference <= TOLERANCE:
                return layout
            worst.append(f"{layout}: {difference:.1e}")
    finally:
        model.train(was_training)
    raise ModelError(
        f"architecture {model.config.model_type!r}: no way of running several sequences at once gives the logits of each alone "
        f"(differences over their spread: {'; '.join(dict.fromkeys(worst))}); architectures that are known to work: {', '.join(FAMILIES)}"
    )


def _sequences(vocabulary: Vocabulary, max_length: int) -> Batch:
    rng = np.random.default_rng(0)
    length_N = np.minimum(_LENGTHS, max_length).astype(np.int64)
    ids_T = rng.choice(vocabulary.alphabet, int(length_N.sum()))
    ids_T[rng.random(len(ids_T)) < 0.15] = vocabulary.mask_id  # noqa: PLR2004  # ESM treats masks apart
    return Batch(ids_T, ids_T.copy(), ranges(np.zeros_like(length_N), length_N), length_N)


def _alone(model: PreTrainedModel, batch: Batch) -> Tensor:
    parts: Sequence[Tensor] = torch.split(torch.from_numpy(batch.input_ids_T), batch.length_N.tolist())
    with torch.inference_mode():
        return torch.cat([model(input_ids=ids[None], attention_mask=torch.ones_like(ids)[None]).logits[0] for ids in parts])


def _difference(model: PreTrainedModel, layout: Layout, batch: Batch, alone: Tensor) -> float:
    """Largest difference of a logit over the logits' standard deviation; infinite where the model does not run that way."""
    try:
        encoder = PackedEncoder(model, layout=layout)
    except ValueError:  # transformers' word for an attention that the class cannot take
        return float("inf")
    try:
        with torch.inference_mode():
            together = encoder.logits(PackedInput.of(batch))
        assert together.shape == alone.shape
        return float((together - alone).abs().max() / alone.std())
    except (TypeError, RuntimeError, ValueError, IndexError, AttributeError, AssertionError):
        return float("inf")  # any failure of foreign code means: not this way
    finally:
        encoder.release()

