"""What users can set for biomedical text: ``[corpus.options]`` and ``[tokenizer.options]``."""

from dataclasses import dataclass

from domainbert.recipe.schema import choice, column_name, number


@dataclass(frozen=True, slots=True)
class BiomedicalOptions:
    """How biomedical text is read.

    Args:
        format: of the files; ``auto`` tells it by content. ``pubmed`` is PubMed's and MEDLINE's XML, ``medline`` its text form (.nbib).
        column: of a table or of JSON lines: where the text is; by default ``text``, ``abstract`` and the like, or the only column.
        title_column: of a table or of JSON lines: a title that goes before the text.
        id_column: of a table or of JSON lines: where the ids are (the PMID); by default rows are numbered.
        group_column: of a table or of JSON lines: what must not straddle training and validation; by default the id.
        encoding: of everything but Parquet; XML says its own, and this overrules it.
        titles: whether a PubMed record begins with its title.
        section_labels: whether a structured abstract keeps its section names ("METHODS: ").
        other_abstracts: whether abstracts in other languages and plain-language summaries become records too.
        retracted: what to do with retracted articles and with the notices that retract them.
        boilerplate: what to do with copyright lines, affiliations and truncation marks.
    """

    format: str = choice("auto", "auto", "pubmed", "medline", "jsonl", "table", "lines")
    column: str = column_name()
    title_column: str = column_name()
    id_column: str = column_name()
    group_column: str = column_name()
    encoding: str = "utf-8"
    titles: bool = True
    section_labels: bool = True
    other_abstracts: bool = False
    retracted: str = choice("drop", "drop", "keep")
    boilerplate: str = choice("drop", "drop", "keep")


@dataclass(frozen=True, slots=True)
class BpeOptions:
    """``kind = "bpe"``: byte-level pieces merged by frequency; ``vocabulary_size`` counts the special tokens."""

    vocabulary_size: int = number(16384, low=300, high=262144)


@dataclass(frozen=True, slots=True)
class WordPieceOptions:
    """``kind = "wordpiece"``: the longest piece first, pieces learned by frequency; bytes for what they cannot spell."""

    vocabulary_size: int = number(16384, low=600, high=262144)


@dataclass(frozen=True, slots=True)
class MorphemeOptions:
    """``kind = "morpheme"``: the longest piece first, pieces cut where Greek and Latin word parts meet (BioVocabBERT's question)."""

    vocabulary_size: int = number(16384, low=600, high=262144)
