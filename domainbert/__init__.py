"""Adapts Hugging Face encoders to a domain's own files, and measures whether it helped.

Names are imported when they are first used, so that ``import domainbert`` costs nothing. All the same transformers knows the one
architecture that it lacks, the hybrid encoder, after it: when the modules with its ``Auto`` classes are executed, that is registered.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domainbert.adapters.base import Record
    from domainbert.adapters.registry import load_adapter
    from domainbert.downstream.run import evaluate
    from domainbert.embedding.encoder import Encoder
    from domainbert.pretraining import pretrain
    from domainbert.publishing.publish import publish
    from domainbert.recipe.load import load_recipe

__version__ = "0.1.0"
__all__ = ["Encoder", "Record", "__version__", "evaluate", "load_adapter", "load_recipe", "pretrain", "publish"]

_HOMES = {
    "Encoder": "domainbert.embedding.encoder",
    "Record": "domainbert.adapters.base",
    "evaluate": "domainbert.downstream.run",
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


class _Registering:
    """Finds the modules of the ``Auto`` classes as Python does, and registers what is ours as soon as they are executed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _AUTO:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _register(name)

            setattr(spec.loader, "exec_module", exec_module)  # noqa: B010  # of this one instance
        return spec


def _register(name: str) -> None:
    getattr(import_module("domainbert.registration"), _AUTO[name])()


_AUTO = {
    "transformers.models.auto.configuration_auto": "register_config",
    "transformers.models.auto.modeling_auto": "register_models",
}
for _name in _AUTO:
    if _name in sys.modules:
        _register(_name)
sys.meta_path.insert(0, _Registering)
