"""``domainbert env``: versions for a bug report. It shows no paths, no variables and no tokens."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version

import typer

import domainbert
from domainbert.cli.arguments import JsonOption
from domainbert.cli.table import columns

PACKAGES = (
    "torch", "transformers", "tokenizers", "accelerate", "datasets", "safetensors", "huggingface_hub", "numpy", "pyarrow",
    "biopython", "pymatgen", "rdkit", "scikit-learn", "matplotlib", "typer", "rich", "zstandard",
)  # fmt: skip


def env(as_json: JsonOption = False) -> None:
    """Print versions and the device, for a bug report.

    Example: domainbert env --json
    """
    facts = {
        "domainbert": domainbert.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": str(os.cpu_count()),
        "device": _device(),
        **{name: _version(name) for name in PACKAGES},
    }
    typer.echo(json.dumps(facts, indent=1) if as_json else columns(list(facts.items())))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _device() -> str:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a broken shared library
        return f"torch cannot be imported: {error}"
    if torch.cuda.is_available():
        return f"cuda {torch.version.cuda}: {torch.cuda.get_device_name()}"
    return "mps" if torch.backends.mps.is_available() else "cpu"
