"""What a model is told by its folder: where it lies, who spells its input, how long that may be."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from domainbert.adapters.base import Adapter
from domainbert.adapters.plain import PlainText
from domainbert.adapters.registry import load_adapter
from domainbert.engine.families import bound_length
from domainbert.errors import CorpusError, ModelError, TokenizerError
from domainbert.publishing.contract import Contract
from domainbert.tokenization.check import check_tokenizer

_NO_LIMIT = 10**6  # tokens; transformers writes 1e30 where a tokenizer was saved without a limit
_DEFAULT_LENGTH = 512
log = logging.getLogger(__name__)


def model_folder(path: str | Path) -> Path:
    """``model/`` of a run folder, any other folder or Hub id as it is."""
    inside = Path(path) / "model"
    return inside if (inside / "config.json").is_file() else Path(path)


def adapter_for(folder: Path, wanted: str | Adapter = "") -> Adapter:
    """The adapter that spells a model's input: the one that is wanted, else the folder's own, else plain text.

    Raises:
        ModelError: the folder has options that its adapter does not know.
    """
    if isinstance(wanted, Adapter):
        return wanted
    contract = Contract.read(folder)
    name = wanted or (contract.adapter if contract else "")
    options = dict(contract.options) if contract and contract.adapter == name else None
    try:
        return load_adapter(name, options=options) if name else PlainText()
    except TypeError as error:
        raise ModelError(f"{folder}: its options {options} are none of adapter {name!r} ({error}); fetch the folder again") from None


def with_column(adapter: Adapter, column: str) -> Adapter:
    """The adapter reading a column of tables; itself where none is named.

    Raises:
        CorpusError: it reads no tables.
    """
    if not column:
        return adapter
    if "column" not in {field.name for field in fields(adapter.options)}:
        raise CorpusError(f"--column {column}: adapter {adapter.name!r} reads no tables")
    return type(adapter)(replace(adapter.options, column=column))


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from listing the weights of heads that nobody uses."""
    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)


def longest(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, *, wanted: int, name: str) -> int:
    """Tokens of a window: what is wanted, or what the tokenizer says, within the model's positions."""
    bound = bound_length(model.config)
    own = tokenizer.model_max_length if tokenizer.model_max_length < _NO_LIMIT else (bound or _DEFAULT_LENGTH)
    if wanted and bound and wanted > bound:
        raise ModelError(f"{name}: max_length = {wanted}, but the model has {bound} positions; set it to {bound} or less")
    return wanted or min(own, bound or own)


def warn_misfit(tokenizer: PreTrainedTokenizerFast, adapter: Adapter, name: str) -> None:
    """A base without a contract may lose some of the domain's text: that is its own score, but it is said."""
    length, tokenizer.model_max_length = tokenizer.model_max_length, min(tokenizer.model_max_length, _NO_LIMIT)
    try:
        check_tokenizer(tokenizer, adapter)
    except TokenizerError as error:
        log.warning("%s", error)
    tokenizer.model_max_length = length
