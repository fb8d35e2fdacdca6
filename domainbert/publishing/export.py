"""Hands a trained model to other programs: a sentence-transformers folder, or ONNX, checked against the model before it is kept."""

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from domainbert.durable import whole_folder
from domainbert.engine.folder import RunFolder
from domainbert.errors import ModelError, PublishError
from domainbert.publishing.contract import Contract

# Needed by each format, under the name of our extra.
EXTRAS: Final = {"sentence-transformers": ("sentence_transformers",), "onnx": ("onnx", "onnxscript", "onnxruntime")}
TEXTS: Final = ("A", "AC")  # what a folder without examples is checked with; any tokenizer has pieces for letters
_KEPT: Final = ("config.json", "tokenizer.json", "tokenizer_config.json", "domainbert.json")


def export(model: Path, output: Path, *, to: str, normalize: bool = True) -> Path:
    """Write a model in another program's format; the folder is whole or absent.

    Args:
        model: a run folder, its ``model/``, or any folder that transformers loads with a masked-language head.
        output: a new folder.
        to: ``sentence-transformers`` or ``onnx``.
        normalize: whether sentence vectors have length 1.

    Raises:
        DomainBertError: a library is missing, the model cannot be loaded, or the result differs from it.
    """
    require_extra(to)
    source = find_model(model)
    _quiet_transformers()
    with whole_folder(output) as folder:
        if to == "onnx":
            from domainbert.publishing.onnx_folder import fill as fill_onnx

            fill_onnx(folder, source)
        else:
            from domainbert.publishing.sentence_folder import fill as fill_sentence

            fill_sentence(folder, source, normalize=normalize)
    return output


def find_model(path: Path) -> Path:
    """The model folder that is meant by itself or by its run.

    Raises:
        PublishError: there is none.
    """
    for folder in (RunFolder(path).model, path):
        if (folder / "config.json").is_file():
            return folder
    raise PublishError(f"{path}: is no model folder (config.json is missing) and no finished run")


def _quiet_transformers() -> None:
    """Reports on heads that are left out on purpose, and a bar for each of several loads, only hide what matters."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def require_extra(to: str) -> None:
    """Check that the libraries of a format are there.

    Raises:
        PublishError: says how to install what is missing.
    """
    for module in EXTRAS[to]:
        try:
            import_module(module)
        except ImportError as error:
            raise PublishError(f"export --to {to} needs {module} ({error}); install it with: pip install 'domainbert[{to}]'") from None


def load(source: Path) -> tuple[Any, Any]:
    """The model, in single precision and evaluation mode, and its tokenizer.

    Raises:
        ModelError: the folder cannot be loaded without running code of its own.
    """
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    try:
        model = AutoModelForMaskedLM.from_pretrained(source, dtype=torch.float32, attn_implementation="sdpa", use_safetensors=True)
        return model.eval(), AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{source}: cannot be loaded ({error})") from error


def examples(source: Path) -> list[str]:
    """Canonical texts of different lengths to check with, the model's own where it has some."""
    contract = Contract.read(source)
    return [example.canonical for example in contract.examples] if contract and contract.examples else list(TEXTS)


def keep(source: Path, folder: Path, *, weights: bool) -> None:
    """Copy what every format shares."""
    names = [*_KEPT, *((path.name for path in source.glob("model*.safetensors*")) if weights else ())]
    for name in names:
        if (source / name).is_file():
            (folder / name).unlink(missing_ok=True)
            shutil.copyfile(source / name, folder / name)


def write_card(source: Path, folder: Path, section: str) -> None:
    """The model's card, and a section on the new format."""
    card = source / "README.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {source.resolve().name}\n"
    (folder / "README.md").write_text(text.rstrip() + "\n\n" + section + "\n", encoding="utf-8")
