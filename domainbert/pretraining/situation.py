"""Looks at a base and a corpus, so that a preset can be chosen without a recipe."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.errors import CorpusError, RecipeError
from domainbert.pretraining.stores import adapter_of
from domainbert.recipe.document import to_toml
from domainbert.recipe.load import recipe_from
from domainbert.recipe.plan import matrix_rate, source_bytes
from domainbert.recipe.preset import Situation, max_length, preset
from domainbert.recipe.schema import SCRATCH, Recipe
from domainbert.recipe.size import Shape

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

_LOOKED_AT = 1_000_000  # characters; a corpus that ends before is known exactly
_USUAL_MASKS = 0.15


def preset_recipe(
    adapter: str, *, base: str, corpus: Sequence[str], overrides: Sequence[str] = (), teacher: str = ""
) -> tuple[Recipe, str]:
    """A recipe for a base, a corpus and this machine, and the TOML file that says the same, with reasons.

    Args:
        adapter: its name.
        base: a folder or a Hub id.
        corpus: sources.
        overrides: ``KEY=VALUE``, which win over the preset; the corpus is read with its own.
        teacher: as in ``load_recipe``.

    Raises:
        DomainBertError: something is missing, or the base or the corpus cannot be read.
    """
    missing = [name for name, value in (("--base", base), ("--corpus", corpus), ("--adapter", adapter)) if not value]
    if missing or base == SCRATCH:
        raise RecipeError(
            "without --recipe a model to continue, a corpus and its domain are needed: --base MODEL --corpus SRC --adapter NAME; "
            + (f"{', '.join(missing)} is missing" if missing else "random weights take a recipe, see: domainbert recipes list")
        )
    bare = {"adapter": adapter, "model": {"base": base}, "corpus": [{"sources": list(corpus)}], "stage": [{"steps": 1}]}
    asked = [text for text in overrides if text.startswith(("corpus", "model", "adapter"))]
    first = recipe_from(bare, "command line", overrides=asked)
    tables, reasons = preset(adapter, base, first.corpus[0].sources, situation(first))
    recipe = recipe_from(tables, "preset", overrides=overrides, teacher=teacher)
    return recipe, "".join(f"# {reason}\n" for reason in reasons) + "\n" + to_toml(recipe, brief=True)


def situation(recipe: Recipe) -> Situation:
    """What there is to know of a recipe's base, its first corpus and this machine."""
    import torch

    from domainbert.engine.families import bound_length
    from domainbert.engine.model import load_base_tokenizer, load_config

    adapter = adapter_of(recipe, recipe.corpus[0])
    config = load_config(recipe.model.base, revision=recipe.model.revision)
    tokenizer = load_base_tokenizer(recipe.model.base, revision=recipe.model.revision, adapter=adapter)
    lengths, characters, whole = _lengths(adapter, recipe.corpus[0].sources, tokenizer)
    seen = characters.sum()
    known = None if whole else source_bytes(recipe.corpus[0])
    total = int(seen if known is None else max(known, seen))
    shape = _shape(config)
    its = Situation(
        num_parameters=shape.num_matrix_parameters + shape.vocabulary_size * shape.hidden_size, flops_per_token=1.0,
        num_tokens=max(1, round(total * lengths.sum() / seen)), num_characters=total,
        record_tokens=int(lengths.max() if adapter.whole_records else np.quantile(lengths, 0.95)) + tokenizer.num_special_tokens_to_add(),
        max_positions=bound_length(config) or 0, on_gpu=torch.cuda.is_available(), flops_per_second=matrix_rate(),
    )  # fmt: skip
    return replace(its, flops_per_token=shape.flops_per_token(length=max_length(its), selected=_USUAL_MASKS))


def _lengths(
    adapter: Adapter, sources: Sequence[str], tokenizer: "PreTrainedTokenizerFast"
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Tokens and characters of the first records, and whether these are all."""
    tokens: list[int] = []
    characters: list[int] = []
    seen = 0
    for source in sources:
        for record in adapter.records(source):
            if seen >= _LOOKED_AT:
                return np.array(tokens), np.array(characters), False
            text = adapter.canonicalize(adapter.whole(record).text)
            if not text:
                continue
            tokens.append(len(tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)))
            characters.append(len(text))
            seen += len(text)
    if not seen:
        raise CorpusError(f"{', '.join(sources)}: holds no record that can be read")
    return np.array(tokens), np.array(characters), True


def _shape(config: "PretrainedConfig") -> Shape:
    width = int(getattr(config, "intermediate_size", 0) or 4 * config.hidden_size)
    numbers = (int(config.num_hidden_layers), int(config.num_attention_heads), width, int(config.vocab_size))
    return Shape(str(config.model_type), int(config.hidden_size), *numbers, int(getattr(config, "max_position_embeddings", 0) or 0))
