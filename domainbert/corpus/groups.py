"""Groups of a corpus by name: which globs name them, and the order in which the split visits them."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import translate
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

NAMES_KEPT = 5000  # for the suggestion in an error
GROUPS_CACHED = 1 << 16


class GroupGlobs:
    """The group globs of a corpus, and which of them have matched so far.

    Args:
        corpus: names ``validation_groups`` and ``exclude_groups``; a name without wildcards matches itself.
        seed: of the order of the groups.

    Attributes:
        excluded: says whether ``exclude_groups`` names a group.
    """

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self.corpus = corpus
        self.validation, self.exclude = corpus.validation_groups, corpus.exclude_groups
        self._patterns = {glob: re.compile(translate(glob)) for glob in (*self.validation, *self.exclude)}
        self._unmatched = set(self._patterns)
        self._names: dict[str, None] = {}
        self._salt = f"{seed}\0".encode()
        # Records of one group are often neighbours, and most corpora have fewer groups than this.
        self.excluded = lru_cache(GROUPS_CACHED)(lambda group: self._match(group, self.exclude))
        self._held_out = lru_cache(GROUPS_CACHED)(lambda group: self._match(group, self.validation))
        self._digest = lru_cache(GROUPS_CACHED)(lambda group: sha256(self._salt + group.encode(errors="replace")).digest()[:8])

    def keys(self, groups: Sequence[str]) -> NDArray[np.uint64]:
        """A number for each group, a hash of seed and name: the order in which the split visits groups."""
        # 64 bits: two groups that share a key would merely stay on one side of the split together.
        return np.frombuffer(b"".join(map(self._digest, groups)), "<u8")

    def held_out(self, groups: Sequence[str]) -> NDArray[np.bool_]:
        """Whether ``validation_groups`` names each group."""
        return np.fromiter(map(self._held_out, groups), bool, len(groups))

    def require_matches(self) -> None:
        """Raise ``CorpusError`` if a glob has matched no group."""
        if not self._unmatched:
            return
        lines = []
        for glob in self._patterns:
            if glob in self._unmatched:
                key = "validation_groups" if glob in self.validation else "exclude_groups"
                lines.append(f"corpus {self.corpus.name!r}: {key} names {glob!r}, which no group matches; {self._nearest(glob)}")
        raise CorpusError("\n".join(lines))

    def _nearest(self, glob: str) -> str:
        near = get_close_matches(glob, self._names, n=3, cutoff=0.4)
        if near:
            return f"nearest: {', '.join(near)}"
        return f"groups are, for example: {', '.join(list(self._names)[:5]) or '(none)'}"

    def _match(self, group: str, globs: tuple[str, ...]) -> bool:
        if self._unmatched and len(self._names) < NAMES_KEPT:
            self._names[group] = None
        found = False
        for glob in globs:
            if group == glob or self._patterns[glob].match(group):
                self._unmatched.discard(glob)
                found = True
        return found
