"""Adapts Hugging Face encoders to a domain's own files, and measures whether it helped.

Names are imported when they are first used, so that ``import domainbert`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domainbert.adapters.base import Record
    from domainbert.adapters.registry import load_adapter
    from domainbert.embedding.encoder import Encoder
    from domainbert.pretraining import pretrain
    from domainbert.publishing.publish import publish
    from domainbert.recipe.load import load_recipe

__version__ = "0.1.0"
__all__ = ["Encoder", "Record", "__version__", "load_adapter", "load_recipe", "pretrain", "publish"]

_HOMES = {
    "Encoder": "domainbert.embedding.encoder",
    "Record": "domainbert.adapters.base",
    "load_adapter": "domainbert.adapters.registry",
    "load_recipe": "domainbert.recipe.load",
    "pretrain": "domainbert.pretraining",
    "publish": "domainbert.publishing.publish",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'domainbert' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
