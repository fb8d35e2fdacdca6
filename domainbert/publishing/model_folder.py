"""Writes ``model/``: a folder that transformers loads without us."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from domainbert.adapters.base import Adapter
from domainbert.durable import whole_folder
from domainbert.publishing.contract import Contract, line_before
from domainbert.tokenization.check import save_tokenizer

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def write_model_folder(
    folder: Path,
    *,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerFast",
    adapter: Adapter,
    card: Callable[[Path], str],
    heads: "Mapping[str, nn.Module] | None" = None,
) -> None:
    """Write config, safetensors weights, tokenizer, contract and card; the folder is whole or absent.

    Args:
        folder: ``model/`` of a run; replaced when there.
        model: as it is to be published, its config restored.
        tokenizer: complete in ``tokenizer.json``.
        adapter: whose spelling the model expects.
        card: gives the content of README.md, from the folder with all the rest in it.
        heads: further heads on its states, by name; written to ``heads.safetensors``, as ``<name>.<parameter>``.
    """
    with whole_folder(folder, replace=True) as partial:
        model.save_pretrained(partial)
        save_tokenizer(tokenizer, partial)
        Contract.of(adapter, tokenizer, loads_after=line_before(model.config.model_type)).write(partial)
        if heads:
            from safetensors.torch import save_file

            named = {f"{name}.{key}": value for name, head in heads.items() for key, value in head.state_dict().items()}
            save_file({key: value.detach().cpu().contiguous() for key, value in named.items()}, partial / "heads.safetensors")
        (partial / "README.md").write_text(card(partial))
