"""What a trivial method sees of a pair: a fingerprint of the drug, and which residues the target is made of."""

# N texts, F features

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer

from domainbert.adapters.drug_target.tokenizers import BAR

RADIUS, SIZE = 2, 1024  # Morgan fingerprint; Rogers and Hahn 2010, J. Chem. Inf. Model. 50, 742-754


class PairFeatures(BaseEstimator, TransformerMixin):  # type: ignore[misc]  # scikit-learn has no types
    """Features of canonical halves, ``(N, F)`` sparse: bits of a fingerprint of drugs, frequencies of short strings of targets.

    Args:
        shortest: residues of the strings that are counted.
        longest: the same.
    """

    def __init__(self, shortest: int = 1, longest: int = 2) -> None:
        self.shortest, self.longest = shortest, longest

    def fit(self, texts: Sequence[str], labels: Any = None) -> Self:
        """Learn which strings of residues there are."""
        targets = [text for text in texts if text.startswith(BAR)]
        strings = TfidfVectorizer(analyzer="char", ngram_range=(self.shortest, self.longest), lowercase=False, use_idf=False)
        self.strings_ = strings.fit(targets) if targets else None
        return self

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """The features of each text; each distinct one is looked at once."""
        distinct = list(dict.fromkeys(texts))
        rows = {text: row for row, text in enumerate(distinct)}
        made = self._targets(distinct) if self.strings_ is not None else _fingerprints(distinct)
        return made[[rows[text] for text in texts]]

    def _targets(self, texts: Sequence[str]) -> sparse.csr_matrix:
        assert self.strings_ is not None
        return self.strings_.transform(texts).tocsr()


def _fingerprints(texts: Sequence[str]) -> sparse.csr_matrix:
    from rdkit import Chem
    from rdkit.Chem import rdFingerprintGenerator

    make = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=SIZE)
    empty = np.zeros(SIZE, np.float32)
    molecules = (Chem.MolFromSmiles(text) for text in texts)
    rows = [empty if each is None else make.GetFingerprintAsNumPy(each).astype(np.float32) for each in molecules]
    return sparse.csr_matrix(np.array(rows))
