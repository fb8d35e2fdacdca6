"""What every test stands on: no network, few threads, and the real data where there is some."""

import os

# Before anything imports torch, tokenizers or the Hub: they read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_TOKEN"] = ""
os.environ["TOKENIZERS_PARALLELISM"] = "false"
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

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
