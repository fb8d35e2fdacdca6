"""Decides what of a folder may leave the machine, and looks into it first."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domainbert.adapters.registry import load_adapter
from domainbert.errors import DomainBertError, ModelError
from domainbert.publishing.contract import FILE as CONTRACT
from domainbert.publishing.redact import find_secret
from domainbert.publishing.weights import read_header

# Everything that a published model consists of. What is not on this list stays here.
ALLOWED: Final = re.compile(
    r"config\.json|model(?:-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json|tokenizer\.json|tokenizer_config\.json"
    r"|special_tokens_map\.json|heads\.safetensors|domainbert\.json|README\.md|recipe\.json|evaluation(?:-step-\d+)?\.json|plots/[\w.-]+\.png|data_cards/[\w.-]+\.md"
)
WEIGHTS: Final = re.compile(r"model(?:-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json")
# Unpickled on loading, or run.
_PICKLES: Final = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".msgpack", ".dill"})
_CODE: Final = frozenset({".py", ".pyc", ".so", ".sh", ".dll"})
_PICKLE_MAGIC: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
_PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_REMOTE_CODE: Final = ("auto_map", "custom_pipelines")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look at a folder found.

    Args:
        files: that may be published, by their path in the folder.
        strays: that stay here.
        problems: reasons not to publish at all, one a line.
    """

    files: dict[str, Path]
    strays: tuple[str, ...]
    problems: tuple[str, ...]


def scan(folder: Path) -> Scan:
    """Look at every file of a folder, links and hidden ones too."""
    files: dict[str, Path] = {}
    strays, problems = [], []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            problems.append(f"{path}: is a link; only what lies in the folder itself is published")
        elif path.is_dir():
            continue
        elif ALLOWED.fullmatch(name):
            files[name] = path
            problems += [f"{path}: {problem}" for problem in _faults(path)]
        else:
            strays.append(name)
            problems += [f"{path}: {problem}" for problem in _dangers(path)]
    return Scan(files, tuple(strays), tuple(problems))


def _dangers(path: Path) -> Iterator[str]:
    """Why a file that does not belong here is more than clutter."""
    if path.suffix.lower() in _PICKLES or _starts_with(path, *_PICKLE_MAGIC):
        yield "may be a pickle, which runs code when it is loaded; remove it"
    elif path.suffix.lower() in _CODE:
        yield "is program code; a model folder holds none; remove it"


def _faults(path: Path) -> Iterator[str]:
    """What is wrong inside a file that is to be published."""
    if path.suffix == ".safetensors":
        try:
            header = read_header(path)
        except ModelError as error:
            yield str(error).removeprefix(f"{path}: ")
            return
        data = json.dumps(header.get("__metadata__", {})).encode()
    else:
        data = path.read_bytes()
        if path.suffix == ".png" and not data.startswith(_PNG_MAGIC):
            yield "is no PNG picture"
        if path.suffix == ".json":
            yield from _json_faults(data)
        if path.name == CONTRACT:
            data = _without_probes(data)
    if secret := find_secret(data):
        yield f"holds {secret}; remove it, and revoke it if it was real"


def _without_probes(contract: bytes) -> bytes:
    """A contract without the raw examples that are the adapter's own: they are public, and may show what a secret looks like."""
    try:
        content = json.loads(contract)
        probes = load_adapter(content["adapter"]).probes()
        own = [example["raw"] for example in content["examples"] if example["raw"] in probes]
    except (ValueError, KeyError, TypeError, DomainBertError):
        return contract
    for raw in own:
        contract = contract.replace(json.dumps(raw, ensure_ascii=False).encode(), b'""').replace(json.dumps(raw).encode(), b'""')
    return contract


def _json_faults(data: bytes) -> Iterator[str]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        yield f"is no JSON ({error})"
        return
    for key in _REMOTE_CODE:
        if isinstance(content, dict) and key in content:
            yield f"its key {key!r} asks for code to be run on loading; remove the key"


def _starts_with(path: Path, *magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(8).startswith(magic)
