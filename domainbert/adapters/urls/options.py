"""What users can set for URLs: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.recipe.schema import choice, column_name, number


@dataclass(frozen=True, slots=True)
class UrlsOptions:
    """How URLs are read.

    Args:
        format: of the files; ``auto`` tells it by content and suffix. ``log`` is a log whose line ``#Fields`` names its columns.
        column: of a table, a log or JSON lines: where the URLs are; a number counts the columns of a file without a header, from 1.
        id_column: where the ids are; by default lines are numbered.
        kind_column: where a record's kind is (its feed, its family): held-out figures are given for each kind apart.
        encoding: of text files; one in which ASCII is ASCII.
        keep_scheme: whether ``http`` or ``https`` stays: in many labelled sets it gives the label away.
        keep_www: likewise for a leading ``www.``.
        max_characters: longer entries are dropped.
    """

    format: str = choice("auto", "auto", "lines", "table", "jsonl", "log")
    column: str = column_name()
    id_column: str = column_name()
    kind_column: str = column_name()
    encoding: str = "utf-8"
    keep_scheme: bool = False
    keep_www: bool = False
    max_characters: int = number(4096, low=16, high=1_000_000)


@dataclass(frozen=True, slots=True)
class BpeOptions:
    """``kind = "bpe"``: pieces learned on the corpus; ``vocabulary_size`` counts the special, structure and byte tokens (about 600)."""

    vocabulary_size: int = number(4096, low=700, high=65536)
