"""A sentence-transformers folder: the mean of the last layer's vectors, of length 1 if wanted; the head that predicts tokens stays."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from domainbert.errors import ModelError
from domainbert.publishing.export import examples, keep, load, write_card

TOLERANCE: Final = 1e-4  # of single precision, on vectors of length 1


def fill(folder: Path, source: Path, *, normalize: bool) -> None:
    """Write the folder, and check what ``SentenceTransformer`` makes of it.

    Raises:
        ModelError: its vectors differ from the mean of the model's own.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    encoder = Transformer(str(source))
    modules = [encoder, Pooling(encoder.get_embedding_dimension(), pooling_mode="mean"), *([Normalize()] if normalize else [])]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder), create_model_card=False)
    # Its own copy has lost the head, which a sparse encoder starts from, and names a tokenizer class that older readers lack.
    keep(source, folder, weights=True)
    _check(SentenceTransformer(str(folder), device="cpu"), source, normalize=normalize)
    write_card(source, folder, _section(normalize))


def mean_vectors(model: Any, tokenizer: Any, texts: list[str], *, normalize: bool) -> NDArray[np.float32]:
    """Mean of the last layer's vectors over a text's tokens, special ones included."""
    encoded = tokenizer(texts, return_tensors="pt", padding=True, truncation=True)
    with torch.inference_mode():
        hidden_BLD = model.base_model(**encoded).last_hidden_state
    weight_BL1 = encoded["attention_mask"].unsqueeze(-1)
    mean_BD = (hidden_BLD * weight_BL1).sum(1) / weight_BL1.sum(1)
    if normalize:
        mean_BD = torch.nn.functional.normalize(mean_BD, dim=-1)
    vectors: NDArray[np.float32] = mean_BD.numpy()
    return vectors


def _check(sentences: Any, source: Path, *, normalize: bool) -> None:
    model, tokenizer = load(source)
    texts = examples(source)
    due = mean_vectors(model, tokenizer, texts, normalize=normalize)
    worst = float(np.abs(sentences.encode(texts) - due).max() / np.abs(due).max())
    if not worst <= TOLERANCE:
        raise ModelError(
            f"{source}: SentenceTransformer gives vectors that differ by {worst:.2g}, allowed are {TOLERANCE:g}; nothing was kept"
        )


def _section(normalize: bool) -> str:
    length = "of length 1" if normalize else "not normalised"
    return f"""## Vectors of whole texts

The mean of the last layer's vectors, {length}. The model was trained to predict hidden tokens, not to place similar texts near each other:
fine-tune it for search.

```python
from sentence_transformers import SentenceTransformer

vectors = SentenceTransformer("PATH").encode(["TEXT"])
```

The head that predicts tokens is in the folder too, so a sparse (SPLADE) encoder starts from it:

```python
from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling

encoder = SparseEncoder(modules=[MLMTransformer("PATH"), SpladePooling()])
```"""
