"""The model card that goes with every run: what the model is, how to load it, what it was measured to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.evaluation.report import render
from domainbert.recipe.schema import SCRATCH


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a run knows about its model.

    Args:
        name: of the model folder's run.
        adapter: name of the adapter.
        architecture: model type.
        num_parameters: of the model.
        base: what it started from.
        sources: of the training corpus.
        num_tokens: seen in training, at most.
        num_steps: optimizer steps.
        seconds: of training.
        canonical_note: one sentence on what the input must look like.
        evaluation: content of ``evaluation.json``.
        versions: of the libraries.
    """

    name: str
    adapter: str
    architecture: str
    num_parameters: int
    base: str
    sources: tuple[str, ...]
    num_tokens: int
    num_steps: int
    seconds: float
    canonical_note: str
    evaluation: Mapping[str, Any]
    versions: Mapping[str, str]


def model_card(facts: CardFacts) -> str:
    """README.md of a model folder, in the Hub's format."""
    start = "random weights" if facts.base == SCRATCH else f"`{Path(facts.base).name if Path(facts.base).exists() else facts.base}`"
    header = ["---", "library_name: transformers", "pipeline_tag: fill-mask"]
    if facts.base != SCRATCH and not Path(facts.base).exists():  # a folder of this machine is no name on the Hub
        header.append(f"base_model: {facts.base}")
    header += ["tags:", "- domainbert", f"- {facts.adapter}", "---"]
    body = f"""
# {facts.name}

An encoder for the domain *{facts.adapter}*, trained from {start} with domainbert by masked-language modelling.

```python
from transformers import AutoModelForMaskedLM, AutoTokenizer
model = AutoModelForMaskedLM.from_pretrained("PATH")
tokenizer = AutoTokenizer.from_pretrained("PATH")
```

{facts.canonical_note} `domainbert.json` holds examples of raw text, canonical text and ids.

| | |
| --- | --- |
| architecture | {facts.architecture}, {facts.num_parameters:,} parameters |
| training data | {", ".join(f"`{source}`" for source in facts.sources)} |
| training | {facts.num_steps:,} steps, {facts.num_tokens:,} tokens at most, {facts.seconds:,.0f} seconds |
| versions | {", ".join(f"{name} {number}" for name, number in facts.versions.items())} |

## Evaluation

One run, one seed. Letters of held-out text are hidden at a fixed 15 %; the counts see what the model sees.

```
{render(facts.evaluation)}
```
"""
    return "\n".join(header) + "\n" + body
