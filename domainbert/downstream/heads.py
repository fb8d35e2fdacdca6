"""What a run's own regression head says of whole texts: nothing is learned from the task's rows."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from domainbert.downstream.dataset import Dataset, Ints, pick, whole_texts
from domainbert.downstream.opponents import Opponent, Predictions
from domainbert.embedding.encoder import Encoder, Vectors
from domainbert.errors import CorpusError, ModelError
from domainbert.objectives.regression import RegressionHead, whole_samples
from domainbert.tokenization.spans import second_halves

HEADS = "heads.safetensors"


def has_head(folder: str) -> bool:
    """Whether a model folder holds heads of its own."""
    return (Path(folder) / HEADS).is_file()


def head_opponent(encoder: Encoder, dataset: Dataset, *, folder: str, name: str, role: str) -> Opponent:
    """An opponent that predicts with the regression head that was trained with the encoder.

    Raises:
        ModelError: there is none, or the task is no regression.
    """
    if dataset.task.kind != "regression":
        raise ModelError(f"{folder}: method 'head' predicts numbers, and task {dataset.task.name!r} is {dataset.task.kind}; use 'probe'")
    head = read_head(folder, encoder.dimension).to(encoder.model.device)

    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Predictions:
        texts = pick(whole_texts(dataset, encoder.adapter), test)
        with torch.inference_mode():
            vectors = encoder.encode(texts, pooling="cls") if head.halves is None else pair_vectors(head, encoder, texts)
            return head(torch.from_numpy(vectors).to(encoder.model.device)).cpu().double().numpy()

    return Opponent(name, role, "head", learn)


def pair_vectors(head: RegressionHead, encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """What a head of two halves makes of each text, ``(N, D)``.

    Args:
        head: on the encoder's device.
        encoder: that it was trained with.
        texts: raw; those longer than the encoder takes are cut at their end.

    Raises:
        CorpusError: a text has no two halves, or its second one lies beyond the encoder's length.
    """
    vectors = np.empty((len(texts), encoder.dimension), np.float32)
    for rows, batch, states_TD in encoder.states(texts):
        second_N = second_halves(batch.input_ids_T, batch.length_N, encoder.vocabulary)
        if not second_N.all():
            text = texts[int(rows[np.flatnonzero(second_N == 0)[0]])]
            raise CorpusError(
                f"{encoder.name}: its head reads two halves with {encoder.adapter.separator!r} between them, and {text[:60]!r} has none "
                f"within {encoder.max_length} tokens; leave it out, or use the method 'probe'"
            )
        start_N = np.cumsum(batch.length_N) - batch.length_N
        units = whole_samples(np.arange(len(rows)), start_N, batch.length_N, second_N).each(partial(Tensor.to, device=states_TD.device))
        vectors[rows] = head.pooled(states_TD, units).cpu().numpy()
    return vectors


def read_head(folder: str, hidden_size: int) -> RegressionHead:
    """The first regression head of a model folder.

    Raises:
        ModelError: it holds none, or one of the mean of all tokens, which no pooling of an encoder gives.
    """
    state = load_file(Path(folder) / HEADS) if has_head(folder) else {}
    title = next((key.removesuffix(".linear.weight") for key in state if key.endswith(".linear.weight")), "")
    if not title:
        raise ModelError(f"{folder}: has no head of its own; train with [[stage.objective]] kind = 'regression', or use the method 'probe'")
    own = {key.removeprefix(f"{title}."): value for key, value in state.items() if key.startswith(f"{title}.")}
    head = RegressionHead(hidden_size, mean=0.0, spread=1.0, num_heads=int(own.get("halves.num_heads", 0)))
    head.load_state_dict(own)
    if head.halves is None and not head.of_first:
        raise ModelError(f"{folder}: its head {title!r} reads the mean of all tokens; train with another pooling, or use 'probe'")
    return head
