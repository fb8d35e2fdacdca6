"""What may be said of a run's data, and what is missing before it may be published."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.corpus.store import SourceFile
from domainbert.errors import PublishError
from domainbert.publishing.data_card import DataCard, find_card
from domainbert.recipe.schema import Card, Corpus, Recipe
from domainbert.resources import data_card_files

_SAMPLE = "sample"
_HUB = "hub:"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one corpus of a run comes from.

    Args:
        corpus: as the recipe has it.
        sources: its files with their hashes.
        num_records: that were kept, views included.
        num_tokens: likewise.
        drops: entries left out, by reason.
        datasets: ids on the Hub.
        card: its data card, where there is one.
    """

    corpus: Corpus
    sources: tuple[SourceFile, ...]
    num_records: int
    num_tokens: int
    drops: Mapping[str, int]
    datasets: tuple[str, ...]
    card: DataCard | None

    def missing(self) -> Iterator[str]:
        """What has to be said before the model may be published."""
        if self.card is not None:
            yield from self.card.missing()
        elif len(self.datasets) < len(self.corpus.sources):
            name = self.corpus.name
            yield (
                f"corpus {name!r} ({', '.join(map(source_name, self.corpus.sources[:3]))}): no data card says where it comes from; "
                f"write one with: domainbert corpus card STORE --output FILE.md, complete it, and name it with corpus.card in the "
                f"recipe or --data-card {name}=FILE.md"
            )


def provenance(recipe: Recipe, stores: Mapping[str, Mapping[str, Any]], cards: Mapping[str, str]) -> tuple[Provenance, ...]:
    """One entry for each corpus of a run.

    Args:
        recipe: of the run.
        stores: ``stores`` of its ``recipe.json``.
        cards: data cards by corpus, which win over those of the recipe.

    Raises:
        PublishError: a card cannot be read, or is given for a corpus that the run does not have.
    """
    names = [corpus.name for corpus in recipe.corpus]
    for name in cards:
        if name not in names:
            raise PublishError(f"--data-card {name}=...: the run has no corpus of that name; it has {', '.join(names)}")
    return tuple(_of(corpus, stores.get(corpus.name, {}), cards.get(corpus.name, corpus.card)) for corpus in recipe.corpus)


def missing_statements(card: Card, corpora: tuple[Provenance, ...]) -> list[str]:
    """What a person has to state before a run may be published, one a line."""
    found = []
    if not card.license:
        found.append("no licence of the model: set card.license in the recipe, or give --license, such as --license apache-2.0")
    elif card.license == "other" and not (card.license_name and card.license_link):
        found.append("license 'other' needs card.license_name and card.license_link in the recipe")
    return found + [line for corpus in corpora for line in corpus.missing()]


def source_name(source: str) -> str:
    """A source as the world may read it: without the folders of this machine."""
    return source if source == _SAMPLE or source.startswith((_HUB, f"{_SAMPLE}:")) else Path(source).name


def _of(corpus: Corpus, store: Mapping[str, Any], card: str) -> Provenance:
    sources = tuple(SourceFile(**source) for source in store.get("sources", ()))
    shipped = f"{corpus.adapter}-{_SAMPLE}"
    if not card and corpus.sources == (_SAMPLE,) and shipped in data_card_files():
        card = shipped
    return Provenance(
        corpus=corpus,
        sources=sources,
        num_records=int(store.get("num_records", 0)),
        num_tokens=int(store.get("num_tokens", 0)),
        drops=store.get("drops", {}),
        datasets=tuple(_dataset(source) for source in corpus.sources if source.startswith(_HUB)),
        card=DataCard.read(find_card(card)) if card else None,
    )


def _dataset(source: str) -> str:
    """``owner/name`` of ``hub:owner/name[:config][/split]``."""
    return "/".join(source.removeprefix(_HUB).split(":")[0].split("/")[:2])
