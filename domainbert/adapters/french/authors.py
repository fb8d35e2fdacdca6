"""Who wrote a book, as a metadata table beside the files or the file's name tells it."""

import csv
import re
import unicodedata
from pathlib import Path

from domainbert.corpus.open import open_source, plain_suffix
from domainbert.errors import CorpusError

FILE_COLUMNS = ("filename", "file", "xmlid", "id")
AUTHOR_COLUMNS = ("author-name", "author_name", "author", "auteur", "creator")
_METADATA = re.compile(r".*metadata.*\.(tsv|csv)(\.gz|\.zst)?", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z]*\d+_(?P<numbered>[^_]+)|(?P<plain>.+?)[ _]+[-\u2013][ _]+.+")  # FRA00101_Adam; Zola - Germinal


def metadata_files(files: list[Path]) -> list[Path]:
    """The metadata tables in the folders of some files."""
    folders = sorted({file.parent for file in files})
    return [path for folder in folders for path in sorted(folder.iterdir()) if _METADATA.fullmatch(path.name)]


class Authors:
    """Authors of files; tables are read once."""

    def __init__(self) -> None:
        self._tables: dict[Path, dict[str, str]] = {}

    def __call__(self, path: Path) -> str:
        """The author of a file, or the file's own name where nothing tells more."""
        if path.parent not in self._tables:
            self._tables[path.parent] = {}
            for table in metadata_files([path]):
                self._tables[path.parent] |= _read(table)
        name = stem(path)
        told = _NAME.fullmatch(name)
        by_name = (told["numbered"] or told["plain"]) if told else name
        return self._tables[path.parent].get(name) or unicodedata.normalize("NFC", by_name)


def stem(path: Path) -> str:
    """A file's name without the suffixes of its format and compression."""
    suffix = plain_suffix(path)
    return path.name[: path.name.lower().rindex(suffix)] if suffix else path.name


def _read(path: Path) -> dict[str, str]:
    """Author by file name; empty where a table has no such columns."""
    with open_source(path) as source, source.text("utf-8") as file:
        try:
            rows = csv.DictReader(file, delimiter="\t" if plain_suffix(path) == ".tsv" else ",")
            names = {name.strip().lower(): name for name in rows.fieldnames or ()}
            file_column = next((names[name] for name in FILE_COLUMNS if name in names), None)
            author_column = next((names[name] for name in AUTHOR_COLUMNS if name in names), None)
            if file_column is None or author_column is None:
                return {}
            return {stem(Path(row[file_column])): row[author_column].strip() for row in rows if row[file_column] and row[author_column]}
        except (csv.Error, UnicodeDecodeError) as error:
            raise CorpusError(f"{path}: cannot be read as a table of authors ({error}); mend it, or set group = 'file'") from None
