"""Text of no domain: what stands in for an adapter where a model has none and none is named."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from domainbert.adapters.base import Adapter, Drops, Record
from domainbert.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_SENTENCES = ("The encoder reads this text as it is.", "Figures such as 12.5 and names such as Zürich stay what they are.")


@dataclass(frozen=True, slots=True)
class PlainOptions:
    """How texts are read: ``column`` and ``id_column`` of tables and JSON lines, ``encoding`` of everything but Parquet."""

    column: str = ""
    id_column: str = ""
    encoding: str = "utf-8"


class PlainText(Adapter):
    """Any text, spelled as it comes; it has no tokenizer of its own and is not listed."""

    name = "plain"
    summary = "text as it is"
    canonical_version = "plain-1"
    Options = PlainOptions
    tokenizer_kinds: ClassVar = {}

    options: PlainOptions

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """One record a line, or a row of a table."""
        from domainbert.corpus.documents import Columns, read_documents
        from domainbert.corpus.open import Source

        drops = Drops() if drops is None else drops
        columns = Columns(self.options.column, self.options.id_column)
        for path in self.files(source):
            with Source(path) as opened:
                for document in read_documents(opened, drops, columns=columns, encoding=self.options.encoding):
                    drops.num_kept += 1
                    yield Record(document.id, document.text, document.id)

    def canonicalize(self, text: str) -> str:
        """The text itself."""
        return text

    def tokenizer(self, kind: str, options: Any, records: Iterable[Record], *, model_max_length: int) -> "PreTrainedTokenizerFast":
        """There is none."""
        raise TokenizerError(f"plain text has no tokenizer kind {kind!r}; name an adapter, see: domainbert adapters")

    def is_target(self, token: str) -> bool:
        """Every entry that is no special token."""
        return bool(token)

    def sample(self) -> Iterator[Record]:
        """A handful of sentences."""
        for number, (first, second) in enumerate(pairwise((*_SENTENCES, _SENTENCES[0]))):
            yield Record(str(number), f"{first} {second}", str(number))

    def probes(self) -> tuple[str, ...]:
        """Plain sentences."""
        return _SENTENCES
