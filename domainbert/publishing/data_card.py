"""Data cards: what a corpus is and where it comes from, in the Hub's dataset-card format."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domainbert.corpus.store import Manifest, SourceFile
from domainbert.errors import PublishError
from domainbert.resources import data_card_files

OPEN = "TODO"
"""What a generated card leaves to a person; ``publish`` refuses a card that still holds it."""
UNKNOWN = ("", "unknown")
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
          (10**8, "10M<n<100M"), (10**9, "100M<n<1B"))  # fmt: skip
_OPEN = re.compile(rf"\b{OPEN}\b|\[More Information Needed\]")
_MOST_SOURCES = 200  # rows; a card is read by people


@dataclass(frozen=True, slots=True)
class DataCard:
    """A data card that was read.

    Args:
        path: its file.
        title: ``pretty_name``, else the file's name.
        license: its licence, an identifier of the Hub.
        text: the whole file.
    """

    path: Path
    title: str
    license: str
    text: str

    @classmethod
    def read(cls, path: Path) -> "DataCard":
        """Read a card.

        Raises:
            PublishError: there is no such file, or its metadata are no YAML.
        """
        import yaml  # of huggingface_hub
        from huggingface_hub import DatasetCardData

        try:
            text = path.read_text(encoding="utf-8")
            header = _header(text)
            fields = DatasetCardData(**header)
        except OSError as error:
            raise PublishError(f"{path}: cannot be read ({error.strerror}); a data card is a Markdown file with YAML metadata") from None
        except (ValueError, TypeError, yaml.YAMLError) as error:
            raise PublishError(f"{path}: its metadata cannot be read ({error})") from None
        return cls(path, str(fields.pretty_name or path.stem), _one_licence(fields.license), text)

    def missing(self) -> Iterator[str]:
        """What a person still has to say in it."""
        if self.license in UNKNOWN:
            yield f"{self.path}: no licence of the data: set 'license' in its metadata"
        if found := _OPEN.search(self.text):
            line = self.text.count("\n", 0, found.start()) + 1
            yield f"{self.path}:{line}: {found[0]!r} is left to be answered"


def find_card(name: str) -> Path:
    """The file of a data card: a shipped one by its name, else a path."""
    return data_card_files().get(name) or Path(name)


def make_card(manifest: Manifest, *, title: str, license: str = "") -> str:
    """A data card of a token store's sources, to be completed by a person where it says ``TODO``."""
    from huggingface_hub import DatasetCardData

    fields = DatasetCardData(
        pretty_name=title,
        license=license or "unknown",
        annotations_creators=["no-annotation"],
        size_categories=[size_category(manifest.num_entries)],
        source_datasets=["original"],
        task_categories=["fill-mask"],
        tags=["domainbert", manifest.adapter],
    )
    return f"""---
{fields.to_yaml()}
---

# {title}

{OPEN}: what this corpus is, who made it and what for, in a few sentences.

## Provenance

{OPEN}: where each file comes from, and under which terms.

{provenance_table(manifest.sources)}

{records_table(manifest)}

Read with the adapter `{manifest.adapter}` ({manifest.canonical_version}){_options(manifest.options)}.
{manifest.split}.

## Limits

{OPEN}: what is not in it, known errors, persons or rights that it touches.
"""


def provenance_table(sources: tuple[SourceFile, ...]) -> str:
    """Source, date, hash and size of each file, as Markdown."""
    rows = ["| source | retrieved | bytes | SHA-256 |", "| --- | --- | ---: | --- |"]
    rows += [
        f"| {_cell(Path(source.path).name)} | {_retrieved(source)} | {source.num_bytes:,} | `{source.sha256}` |"
        if source.sha256
        else f"| {_cell(source.path)} | | | |"
        for source in sources[:_MOST_SOURCES]
    ]
    if len(sources) > _MOST_SOURCES:
        rest = sum(source.num_bytes for source in sources[_MOST_SOURCES:])
        rows.append(f"| and {len(sources) - _MOST_SOURCES:,} more | | {rest:,} | in `recipe.json` of the run |")
    return "\n".join(rows)


def records_table(manifest: Manifest) -> str:
    """Entries kept and dropped by reason, as Markdown."""
    rows = ["| entries | | first at |", "| --- | ---: | --- |", f"| kept | {manifest.num_entries:,} | |"]
    rows += [f"| dropped: {_cell(reason)} | {count:,} | {_cell(Path(manifest.first_drops.get(reason, '')).name)} |"
             for reason, count in manifest.drops.items()]  # fmt: skip
    rows += [f"| trimmed: {_cell(reason)} | {count:,} characters | |" for reason, count in manifest.trimmed.items()]
    counts = f"{manifest.num_records:,} records, {manifest.num_characters:,} characters, {manifest.num_tokens:,} tokens (views included)."
    return "\n".join(rows) + f"\n\n{counts}"


def size_category(num_entries: int) -> str:
    """The Hub's word for a number of entries."""
    return next((name for limit, name in _SIZES if num_entries < limit), "n>1B")


def _header(text: str) -> dict[str, Any]:
    from huggingface_hub import RepoCard

    if not text.startswith("---"):
        raise ValueError("it does not begin with a line ---")
    return dict(RepoCard(text).data.to_dict())  # type: ignore[no-untyped-call]


def _one_licence(value: Any) -> str:
    licences = [value] if isinstance(value, str) else list(value or ())
    return ", ".join(map(str, licences))


def _retrieved(source: SourceFile) -> str:
    """The day of the file, if it is still the one that was read."""
    try:
        found = Path(source.path).stat()
    except OSError:
        return OPEN
    return f"{datetime.fromtimestamp(found.st_mtime, UTC):%Y-%m-%d}" if found.st_size == source.num_bytes else OPEN


def _options(options: dict[str, Any]) -> str:
    return f", options {', '.join(f'`{key} = {value!r}`' for key, value in options.items())}" if options else ""


def _cell(text: str) -> str:
    """Text in a table: file names may hold anything."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ").replace("\r", " ")
