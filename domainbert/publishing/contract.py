"""``domainbert.json``: how a model's input must be spelled, with examples that are checked at every load."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.adapters.base import Adapter
from domainbert.engine.families import OWN
from domainbert.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FILE = "domainbert.json"
_LIBRARIES = ("domainbert", "transformers", "tokenizers")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Example:
    """A raw text, its canonical spelling and its ids with special tokens."""

    raw: str
    canonical: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """What a model expects of its input.

    Args:
        adapter: name of the adapter.
        canonical_version: of its canonicaliser.
        tokenizer_sha256: of ``tokenizer.json``.
        libraries: versions that made the examples.
        examples: raw text, canonical text and ids.
        options: of the adapter, those that are not the default and change how the examples are spelled.
        loads_after: a line of Python without which transformers does not know the model's architecture; empty where it does.
    """

    adapter: str
    canonical_version: str
    tokenizer_sha256: str
    libraries: Mapping[str, str]
    examples: tuple[Example, ...]
    schema: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    loads_after: str = ""

    @classmethod
    def of(cls, adapter: Adapter, tokenizer: "PreTrainedTokenizerFast", *, loads_after: str = "") -> "Contract":
        """The contract of an adapter and a tokenizer as they are now."""
        examples = tuple(_example(adapter, tokenizer, raw) for raw in adapter.probes())
        digest = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()
        libraries = library_versions((*_LIBRARIES, *adapter.libraries))
        options = spelling_options(adapter)
        return cls(adapter.name, adapter.canonical_version, digest, libraries, examples, options=options, loads_after=loads_after)

    def write(self, folder: Path) -> None:
        """Write ``domainbert.json``."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Contract | None":
        """The contract of a model folder, or ``None`` where there is none.

        Raises:
            ModelError: the file is there and cannot be read.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            fields = json.loads(path.read_text())
            examples = tuple(Example(e["raw"], e["canonical"], tuple(e["ids"])) for e in fields.pop("examples"))
            return cls(**fields, examples=examples)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: cannot be read ({error}); the model folder is damaged, fetch or write it again") from error


def check_contract(folder: Path, adapter: Adapter, tokenizer: "PreTrainedTokenizerFast") -> None:
    """Check that this adapter and tokenizer spell the examples of a model folder as the model was trained on them.

    Raises:
        ModelError: the folder was made for another adapter, or its examples differ under equal library versions.
    """
    contract = Contract.read(folder)
    if contract is None:
        return
    if contract.adapter != adapter.name:
        raise ModelError(f"{folder}: was made with adapter {contract.adapter!r}, not {adapter.name!r}; use the one it was made with")
    if (mine := spelling_options(adapter)) != contract.options:
        then, given = (", ".join(f"{name} = {value!r}" for name, value in each.items()) for each in (contract.options, mine))
        raise ModelError(
            f"{folder}: its input is spelled by adapter {adapter.name!r} with {then or 'its defaults'}, this run has "
            f"{given or 'the defaults'}; set the same under corpus.options"
        )
    now = [_example(adapter, tokenizer, example.raw) for example in contract.examples]
    wrong = [(then, again) for then, again in zip(contract.examples, now, strict=True) if then != again]
    if not wrong:
        return
    message = f"{folder}: {len(wrong)} of {len(now)} examples of {FILE} come out differently, the first is {wrong[0][0].raw!r}"
    changed = {name for name, then in contract.libraries.items() if library_versions([name])[name] != then}
    if not changed:
        raise ModelError(f"{message}; the model would see other input than it was trained on. Fetch the folder again")
    log.warning("%s; versions differ from those it was made with: %s", message, ", ".join(sorted(changed)))


def spelling_options(adapter: Adapter) -> dict[str, Any]:
    """The adapter's options that are not the default and change how its probes are spelled; the rest say how files are read."""
    kind, usual = type(adapter), adapter.Options()
    spelled = _spelled(kind(usual))
    changed = {each.name: getattr(adapter.options, each.name) for each in fields(usual)}
    changed = {name: value for name, value in changed.items() if value != getattr(usual, name)}
    return {name: value for name, value in changed.items() if _spelled(kind(replace(usual, **{name: value}))) != spelled}


def _spelled(adapter: Adapter) -> list[str]:
    return [adapter.canonicalize(raw) for raw in adapter.probes()]


def line_before(architecture: str) -> str:
    """What Python must have run before transformers can load a model of this type; empty for those that it knows."""
    return "import domainbert" if architecture == OWN else ""


def library_versions(names: "tuple[str, ...] | list[str]") -> dict[str, str]:
    """Installed versions by name; empty where a library is absent."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _example(adapter: Adapter, tokenizer: "PreTrainedTokenizerFast", raw: str) -> Example:
    canonical = adapter.canonicalize(raw)
    return Example(raw, canonical, tuple(tokenizer.backend_tokenizer.encode(canonical).ids))
