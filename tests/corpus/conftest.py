from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.dna.options import DnaOptions
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.recipe.schema import Corpus

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


@pytest.fixture(scope="session")
def reverse_complement():
    """Written anew here, so that the tests do not believe the adapter."""
    return lambda text: text.translate(COMPLEMENT)[::-1]


@pytest.fixture(scope="session")
def sequence():
    """Random bases, the same for the same seed."""

    def make(length: int, seed: int) -> str:
        return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))

    return make


@pytest.fixture
def fasta(tmp_path):
    """Writes entries to a FASTA file in lines of 60."""

    def write(entries: Mapping[str, str], name: str = "genome.fa") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f">{id}\n" + "".join(f"{text[i : i + 60]}\n" for i in range(0, len(text), 60)) for id, text in entries.items()]
        path.write_text("".join(lines))
        return path

    return write


@pytest.fixture
def build(tmp_path):
    """Builds a DNA store from paths."""
    built = []

    def make(
        *sources, kind="character", output=None, adapter=None, make_tokenizer=None, seed=0, report=None, options=None, **corpus
    ) -> TokenStore:
        adapter = adapter or DnaAdapter(DnaOptions(**(options or {})))

        def default(records):
            return adapter.tokenizer(kind, adapter.tokenizer_kinds[kind](), records, model_max_length=512)

        built.append(output or tmp_path / f"store{len(built)}")
        return build_store(
            adapter,
            Corpus(sources=tuple(map(str, sources)), **corpus),
            built[-1],
            make_tokenizer=make_tokenizer or default,
            seed=seed,
            report=report,
        )

    return make


@pytest.fixture
def entries():
    """Whole entries of a store by id: the pieces joined, views left out."""

    def join(store: TokenStore, role: str | None = None) -> dict[str, str]:
        joined: dict[str, str] = {}
        for index in range(len(store)) if role is None else store.indexes(role):
            record = store.record(int(index))
            if record.meta["strand"] == "+":
                joined[record.id] = joined.get(record.id, "") + record.text
        return joined

    return join
