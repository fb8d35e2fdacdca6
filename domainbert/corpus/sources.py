"""What a corpus was made of: its files with their hashes."""

import hashlib
from pathlib import Path

from domainbert.adapters.base import Adapter
from domainbert.corpus.store import SourceFile
from domainbert.errors import CorpusError


def source_files(adapter: Adapter, sources: tuple[str, ...]) -> tuple[SourceFile, ...]:
    """Every file of the sources, hashed; ``sample`` and ``hub:`` sources by name.

    Raises:
        CorpusError: a source does not exist or cannot be read.
    """
    found: list[SourceFile] = []
    for source in sources:
        if source == "sample":
            found.append(SourceFile(f"sample:{adapter.name}:{adapter.canonical_version}", "", 0))
        elif source.startswith("hub:"):
            found.append(SourceFile(source, "", 0))
        else:
            found.extend(_hashed(path) for path in adapter.files(source))
    return tuple(found)


def _hashed(path: Path) -> SourceFile:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return SourceFile(str(path), digest, file.tell())
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
