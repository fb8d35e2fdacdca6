"""The built-in biomedical corpus: abstracts of studies that never were, written by a grammar of this project.

An abstract is a study of one of seven kinds, with facts that its sentences share. What a model can learn, from near to far:

* letters and word parts: diseases, drugs and procedures are put together from Greek and Latin parts and from drug stems;
* words: frequencies after Zipf, numbers with units, raised and lowered figures, Greek letters;
* a clause: verbs agree with numbers, tense follows the section, percentages follow from counts;
* a document: a disease is abbreviated behind its first mention, doses, counts, drugs and genes come back, he stays he.

A group has a hundred names and a share of the sentences for itself, so that held-out groups hold out both. Only uniform doubles of
NumPy's PCG64 are drawn, and only + - * / is done with them, so that every platform writes the same abstracts.
"""

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import TypeVar

import numpy as np

from domainbert.adapters.base import Record
from domainbert.adapters.biomedical import templates
from domainbert.adapters.biomedical.facts import Facts
from domainbert.adapters.biomedical.lexicon import Lexicon, Names

SEED = 20261124
NUM_RECORDS = 4_000
NUM_GROUPS = 20
OWN = {"diseases": 30, "drugs": 26, "genes": 30, "procedures": 14}
SHARED = {"diseases": 80, "drugs": 60, "genes": 80, "procedures": 30}
OWN_SHARE = 0.75  # of the names in a document
PRIVATE_SHARE = 0.25  # of the sentences; of the variants, half belong to a group
TRIES = 60  # to find a variant of the group's own, where a template has few
LABELS = (
    ("BACKGROUND", "METHODS", "RESULTS", "CONCLUSIONS"),
    ("OBJECTIVE", "METHODS", "RESULTS", "CONCLUSION"),
    ("AIMS", "PATIENTS AND METHODS", "RESULTS", "CONCLUSION"),
    ("INTRODUCTION", "MATERIALS AND METHODS", "RESULTS", "DISCUSSION"),
)
T = TypeVar("T")

_CHOICE = re.compile(r"\{([^{}]*)\}")


@cache
def _zipf_sums(size: int) -> list[float]:
    return list(accumulate(1 / rank for rank in range(1, size + 1)))


class Dice:
    """Everything random, from uniform doubles alone."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(seed)).random

    def below(self, size: int) -> int:
        """A whole number from 0 up to ``size``, which is left out."""
        return int(self._random() * size)

    def happens(self, share: float) -> bool:
        """Whether something happens that does in this share of cases."""
        return bool(self._random() < share)

    def pick(self, items: Sequence[T]) -> T:
        """Any of them."""
        return items[self.below(len(items))]

    def zipf(self, items: Sequence[T]) -> T:
        """One of them, the n-th with a weight of 1/n."""
        sums = _zipf_sums(len(items))
        return items[min(bisect_right(sums, self._random() * sums[-1]), len(items) - 1)]

    def weighted(self, weights: Sequence[int]) -> int:
        """A place in ``weights``, as often as it weighs."""
        wanted = self.below(sum(weights))
        return next(place for place, total in enumerate(accumulate(weights)) if wanted < total)


def generate() -> Iterator[Record]:
    """The same 4,000 abstracts each time, group after group in turn."""
    dice = Dice(SEED)
    lexicon = Lexicon(dice.below)
    shared = lexicon.names(**SHARED)
    own = [lexicon.names(**OWN) for _ in range(NUM_GROUPS)]
    for number in range(NUM_RECORDS):
        group = number % NUM_GROUPS
        text = _Writer(dice, group, own[group], shared).abstract()
        yield Record(f"sample{number:04d}", text, f"group{group:02d}", {"file": "sample", "line": str(number + 1)})


class _Writer:
    """Writes one abstract."""

    def __init__(self, dice: Dice, group: int, own: Names, shared: Names) -> None:
        self.dice, self.group = dice, group
        self.kind = templates.STUDIES[dice.weighted(templates.STUDY_WEIGHTS)]
        self.facts = Facts(dice, own, shared, own_share=OWN_SHARE)
        self.used: set[str] = set()

    def abstract(self) -> str:
        dice = self.dice
        title = self.facts.fill(self._variant(dice.pick(templates.TITLES)), title=True)
        title = title if title.endswith("?") else f"{title}."
        background = self._sentences(templates.BACKGROUND, 1 + dice.below(2))
        if self.kind["aim"]:
            opening, aim = self._variant(dice.pick(templates.OPENINGS)), self._variant(dice.pick(self.kind["aim"]))
            background.append(self.facts.fill(f"{opening} {aim}"))
        sections = [
            background,
            self._sentences(self.kind["methods"], 2 + dice.below(2)),
            self._sentences(self.kind["results"], 2 + dice.below(3)),
            self._sentences(self.kind["conclusion"], 1 + dice.below(2)),
        ]
        if dice.happens(0.45):
            labels = dice.pick(LABELS)
            return "\n".join([title, *(f"{label}: {' '.join(lines)}" for label, lines in zip(labels, sections, strict=True))])
        return f"{title}\n{' '.join(line for lines in sections for line in lines)}"

    def _sentences(self, choices: Sequence[str], count: int) -> list[str]:
        """Different sentences, in the order of the templates."""
        places: set[int] = set()
        while len(places) < min(count, len(choices)):
            places.add(self.dice.below(len(choices)))
        return [self.facts.fill(self._variant(choices[place])) for place in sorted(places)]

    def _variant(self, template: str) -> str:
        """The template with its choices made: one of the group's own, or one that all may use."""
        wanted = self.group if self.dice.happens(PRIVATE_SHARE) else None
        fallback = ""
        parts = parsed(template)
        for _ in range(TRIES):
            text = "".join([part if isinstance(part, str) else self.dice.pick(part) for part in parts])
            owner = owner_of(text)
            if owner == wanted:
                return text
            if owner in (None, self.group):
                fallback = text
                if wanted is None:
                    break
        return fallback or text


@cache
def parsed(template: str) -> tuple[str | tuple[str, ...], ...]:
    """A template as fixed text and choices, in turn."""
    parts = _CHOICE.split(template)
    return tuple(tuple(part.split("|")) if place % 2 else part for place, part in enumerate(parts))


def owner_of(variant: str) -> int | None:
    """The group that a variant belongs to; ``None`` for the half that is everybody's."""
    number = zlib.crc32(variant.encode()) % (2 * NUM_GROUPS)
    return number if number < NUM_GROUPS else None
