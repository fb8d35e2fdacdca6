"""ONNX by torch's own exporter, with the head's logits and the encoder's vectors in one graph."""

# B texts, L tokens of the longest, D hidden size, V vocabulary

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from domainbert.errors import ModelError
from domainbert.publishing.export import examples, keep, load, write_card

FILE: Final = "model.onnx"
INPUTS: Final = ("input_ids", "attention_mask")
_LARGEST: Final = 1 << 30  # bytes in one file; protobuf ends at twice that
OUTPUTS: Final = ("logits", "last_hidden_state")
TOLERANCE: Final = 1e-3  # of single precision over a dozen layers, on values of size 1 to 10; a wrong mask shows in the first digit


class _Both(nn.Module):
    """The two things that one wants of an encoder, from one pass."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids_BL: Tensor, attention_mask_BL: Tensor) -> tuple[Tensor, Tensor]:
        out = self.model(input_ids=input_ids_BL, attention_mask=attention_mask_BL, output_hidden_states=True)
        return out.logits, out.hidden_states[-1]


def fill(folder: Path, source: Path) -> None:
    """Write the graph and what goes with it, and check it with onnxruntime on texts of other numbers and lengths.

    Raises:
        ModelError: the model cannot be exported, or the graph gives other values.
    """
    model, tokenizer = load(source)
    texts = examples(source)
    trace = encode(tokenizer, [*texts, *texts][:2])
    dynamic = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    try:
        with _quiet():
            torch.onnx.export(
                _Both(model).eval(),
                tuple(torch.from_numpy(trace[name]) for name in INPUTS),
                folder / FILE,
                input_names=INPUTS,
                output_names=OUTPUTS,
                dynamic_shapes=(dynamic, dynamic),
                dynamo=True,
                external_data=sum(weight.nbytes for weight in model.parameters()) > _LARGEST,
            )
    except (RuntimeError, ValueError, TypeError) as error:
        kind = type(model).__name__
        raise ModelError(f"{source}: torch cannot export a {kind} to ONNX ({str(error).strip().splitlines()[0]})") from error
    check(folder / FILE, model, [encode(tokenizer, texts[:1]), trace, encode(tokenizer, [*texts, texts[0] * 3])])
    keep(source, folder, weights=False)
    write_card(source, folder, _SECTION)


def check(path: Path, model: Any, batches: Sequence[dict[str, NDArray[np.int64]]]) -> None:
    """Compare the graph with the model.

    Raises:
        ModelError: a value differs by more than ``TOLERANCE``.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch in batches:
        tensors = {name: torch.from_numpy(batch[name]) for name in INPUTS}
        with torch.inference_mode():
            wanted = (model(**tensors).logits, model.base_model(**tensors).last_hidden_state)
        seen_BL = batch["attention_mask"].astype(bool)
        for name, is_now, is_due in zip(OUTPUTS, session.run(list(OUTPUTS), batch), wanted, strict=True):
            worst = float(np.abs(is_now - is_due.numpy())[seen_BL].max())
            if not worst <= TOLERANCE:
                raise ModelError(
                    f"the ONNX graph's {name} differ from the model's by {worst:.2g}, allowed are {TOLERANCE:g}; nothing was kept"
                )


def encode(tokenizer: Any, texts: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Ids and mask of some texts, padded to the longest."""
    encoded = tokenizer(list(texts), return_tensors="np", padding=True, truncation=True)
    return {name: encoded[name].astype(np.int64) for name in INPUTS}


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of its own deprecations and of libraries that nobody asked for."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)


_SECTION: Final = f"""## ONNX

`{FILE}` takes `input_ids` and `attention_mask` (int64, any number of texts of any length) and gives `logits` and `last_hidden_state`:

```python
import onnxruntime
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("PATH")
session = onnxruntime.InferenceSession("PATH/{FILE}")
encoded = tokenizer(["TEXT"], return_tensors="np", return_token_type_ids=False)
logits, last_hidden_state = session.run(["logits", "last_hidden_state"], dict(encoded))
```"""
