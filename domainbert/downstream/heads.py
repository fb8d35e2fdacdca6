"""What a run's own regression head says of whole texts: nothing is learned from the task's rows."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from domainbert.downstream.dataset import Dataset, Ints, pick, whole_texts
from domainbert.downstream.opponents import Opponent, Predictions
from domainbert.embedding.encoder import Encoder
from domainbert.errors import ModelError
from domainbert.objectives.regression import RegressionHead

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
    head = read_head(folder, encoder.dimension)

    def learn(train: Ints, validation: Ints, test: Ints, seed: int) -> Predictions:
        texts = pick(whole_texts(dataset, encoder.adapter), test)
        with torch.inference_mode():
            return head(torch.from_numpy(encoder.encode(texts, pooling="cls"))).double().numpy()

    return Opponent(name, role, "head", learn)


def read_head(folder: str, hidden_size: int) -> RegressionHead:
    """The first regression head of a model folder.

    Raises:
        ModelError: it holds none, or one of the mean of all tokens, which no pooling of an encoder gives.
    """
    state = load_file(Path(folder) / HEADS) if has_head(folder) else {}
    title = next((key.removesuffix(".linear.weight") for key in state if key.endswith(".linear.weight")), "")
    if not title:
        raise ModelError(f"{folder}: has no head of its own; train with [[stage.objective]] kind = 'regression', or use the method 'probe'")
    head = RegressionHead(hidden_size, mean=0.0, spread=1.0)
    head.load_state_dict({key.removeprefix(f"{title}."): value for key, value in state.items() if key.startswith(f"{title}.")})
    if not head.of_first:
        raise ModelError(f"{folder}: its head {title!r} reads the mean of all tokens; train with pooling = 'first', or use 'probe'")
    return head
