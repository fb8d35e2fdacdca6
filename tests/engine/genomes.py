"""Steps on a random genome that a 6-mer companion reads too."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from domainbert.adapters.registry import load_adapter
from domainbert.corpus.build import build_store
from domainbert.engine.packing import BatchMaker
from domainbert.engine.reading import Reader
from domainbert.engine.steps import Steps
from domainbert.recipe.schema import Corpus, Corruption, Objective, Stage, Training
from domainbert.tokenization.spans import read_vocabulary

TRAINING = Training(max_length=60, batch_tokens=1200, micro_batch_tokens=400)
GROUPS = Corruption(select="companion", rate=0.3, mask=1.0, random=0.0, options={"companion": "teacher"})
ALIGN = Objective("align", companion="teacher", positions="visible")


def dna(kind: str, **options: int):
    adapter = load_adapter("dna")
    return adapter.tokenizer(kind, adapter.tokenizer_kinds[kind](**options), iter(()), model_max_length=60)


def random_genomes() -> dict[str, str]:
    rng, genomes = np.random.default_rng(0), {}
    for name in ("main", "other"):
        letters = rng.choice(list("ACGT"), 3000)
        letters[rng.random(3000) < 0.01] = "N"
        genomes[name] = "".join(letters)
    return genomes


def dna_steps(
    folder: Path, *, student: str = "character", companion: str = "kmer", phase: bool = False, corruption: Corruption = GROUPS,
    objective: tuple[Objective, ...] = (ALIGN,), sources: frozenset[int] = frozenset({0, 1}), training: Training = TRAINING,
    genomes: Mapping[str, str] | None = None, **options: int,
) -> tuple[Steps, Reader]:  # fmt: skip
    """Steps on two corpora with a few unknown bases."""
    adapter = load_adapter("dna", options={"max_n_run": 5})
    stores = []
    for name, letters in (genomes or random_genomes()).items():
        (folder / f"{name}.fa").write_text(f">{name}\n{letters}\n")
        corpus = Corpus(name=name, sources=(str(folder / f"{name}.fa"),), validation_fraction=0.0)
        stores.append(build_store(adapter, corpus, folder / name, make_tokenizer=lambda _: dna(student, **options), seed=0))
    reader = Reader("teacher", dna(companion), adapter, random_phase=phase, max_length=None, sources=sources)
    maker = BatchMaker(stores, [adapter, adapter], read_vocabulary(stores[0].tokenizer, adapter), {"teacher": reader})
    return Steps(maker, ["main", "other"], [Stage(steps=6, corruption=corruption, objective=objective)], training), reader
