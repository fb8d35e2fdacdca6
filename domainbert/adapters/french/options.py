"""What users can set for French: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.recipe.schema import choice, column_name, number


@dataclass(frozen=True, slots=True)
class FrenchOptions:
    """How French is read.

    Args:
        format: of the files; ``auto`` tells it by suffix and content. ``prose`` is running text (a book a file), ``lines`` a text a line.
        column: of a table, JSON lines or data set: where the texts are; by default ``text`` and the like, or the only column.
        id_column: where the ids are; by default rows are numbered.
        group_column: what must not straddle the split, such as an author; by default each text is its own.
        encoding: of everything but Parquet; one in which ASCII is ASCII.
        window: longest piece of a text, characters; cut between paragraphs, else sentences, else words.
        group: of prose: ``author`` as a metadata table beside the files or the file's name tells it, or ``file``.
    """

    format: str = choice("auto", "auto", "prose", "lines", "jsonl", "table", "conllu")
    column: str = column_name()
    id_column: str = column_name()
    group_column: str = column_name()
    encoding: str = "utf-8"
    window: int = number(8192, low=256, high=1 << 20)
    group: str = choice("author", "author", "file")


@dataclass(frozen=True, slots=True)
class WordPieceOptions:
    """``kind = "wordpiece"``: pieces learned on the corpus.

    Args:
        vocabulary_size: special tokens, bytes, digit pairs and emoji among them.
        emoji: whether each emoji is an entry (about 1,100); else it is four bytes.
    """

    vocabulary_size: int = number(32768, low=1200, high=65536)
    emoji: bool = True

    def __post_init__(self) -> None:
        """Refuse a vocabulary that the emoji alone would fill."""
        if self.emoji and self.vocabulary_size < _WITH_EMOJI:
            raise ValueError(f"vocabulary_size = {self.vocabulary_size} leaves no room for words beside emoji; set emoji = false")


_WITH_EMOJI = 4096
