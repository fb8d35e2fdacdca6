"""Records that a corpus does not want: too short, too long, or texts of an evaluation."""

import re
from collections.abc import Iterable

import numpy as np

from domainbert.adapters.base import Adapter
from domainbert.corpus.shingles import Hashes, shingles
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

OVERLAP = 48  # letters and digits, eight or nine words: a stretch that two texts rarely share by chance
_OTHERS = re.compile(r"[\W_]+")


class Filters:
    """The filters of a corpus on canonical text, each with the reason that it is counted under.

    Args:
        adapter: reads the evaluation files.
        corpus: names limits and files.

    Raises:
        CorpusError: an evaluation file cannot be read, or holds nothing.
    """

    def __init__(self, adapter: Adapter, corpus: Corpus) -> None:
        self.corpus = corpus
        self.evaluation = EvaluationTexts(adapter, corpus.exclude_files) if corpus.exclude_files else None
        self.active = bool(self.evaluation or corpus.min_characters or corpus.max_characters)

    def reason(self, text: str) -> str:
        """Why a record is left out; empty for one that stays."""
        corpus = self.corpus
        if len(text) < corpus.min_characters:
            return "too_short"
        if corpus.max_characters and len(text) > corpus.max_characters:
            return "too_long"
        return "in_evaluation" if self.evaluation and text in self.evaluation else ""


class EvaluationTexts:
    """Texts that must not be trained on, whatever their case, blanks and punctuation; their hashes are held in memory.

    Args:
        adapter: reads the files as it reads a corpus.
        files: source strings.

    Raises:
        CorpusError: a file cannot be read, or holds nothing.
    """

    def __init__(self, adapter: Adapter, files: Iterable[str]) -> None:
        hashes: list[Hashes] = []
        self._short: set[bytes] = set()
        for source in files:
            before = len(hashes) + len(self._short)
            for record in adapter.records(source):
                letters = _letters(adapter.canonicalize(record.text))
                if len(letters) >= OVERLAP:
                    hashes.append(shingles(letters, OVERLAP))
                elif letters:
                    self._short.add(letters)
            if len(hashes) + len(self._short) == before:
                raise CorpusError(f"exclude_files: {source}: there is no text in it")
        self._hashes = np.unique(np.concatenate([np.empty(0, np.uint64), *hashes]))

    def __contains__(self, text: object) -> bool:
        """Whether a text shares ``OVERLAP`` letters in a row with one of them, or is one that is shorter."""
        letters = _letters(str(text))
        if len(letters) < OVERLAP:
            return letters in self._short
        found = shingles(letters, OVERLAP)
        if not len(self._hashes):
            return False
        places = np.minimum(np.searchsorted(self._hashes, found), len(self._hashes) - 1)
        return bool((self._hashes[places] == found).any())


def _letters(text: str) -> bytes:
    return _OTHERS.sub("", text.lower()).encode()
