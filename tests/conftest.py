"""What every test stands on: no network, few threads, and the real data where there is some."""

import os

# Before anything imports torch, tokenizers or the Hub: they read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_TOKEN"] = ""
os.environ["TOKENIZERS_PARALLELISM"] = "false"
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout that is tested."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora: ``$DOMAINBERT_TEST_DATA``, or ``../shared/data`` beside the repository."""
    folder = Path(os.environ.get("DOMAINBERT_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder (set DOMAINBERT_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def dna_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the model folder of an architecture: DNA, one base a token, weights large enough that a leak shows."""
    from domainbert.adapters.dna import DnaAdapter
    from domainbert.engine.model import build_model
    from domainbert.publishing.model_folder import write_model_folder
    from domainbert.recipe.schema import Model, Scratch
    from domainbert.tokenization.spans import read_vocabulary

    made: dict[str, Path] = {}

    def make(architecture: str = "modernbert") -> Path:
        if architecture not in made:
            adapter = DnaAdapter()
            tokenizer = adapter.tokenizer("character", None, (), model_max_length=64)
            scratch = Scratch(architecture, hidden_size=32, num_layers=2, num_heads=2, config={"initializer_range": 0.2})
            model, *_ = build_model(Model(scratch=scratch), read_vocabulary(tokenizer, adapter), max_length=64, seed=0)
            made[architecture] = tmp_path_factory.mktemp(architecture) / "model"
            write_model_folder(made[architecture], model=model, tokenizer=tokenizer, adapter=adapter, card=lambda folder: "")
        return made[architecture]

    return make
