"""A finished run of a tiny model, a Hub on loopback, and the program with both."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hub_server import TOKEN, Hub

RECIPE = """
schema = 1
adapter = "dna"
[model.scratch]
hidden_size = 32
num_layers = 2
num_heads = 2
config = { local_attention = 16 }
[tokenizer]
kind = "character"
[corpus]
sources = ["GENOME"]
validation_fraction = 0.2
[training]
max_length = 64
batch_tokens = 600
micro_batch_tokens = 600
evaluation_steps = 2
[[stage]]
steps = 4
[card]
license = "apache-2.0"
tags = ["bacteria"]
limits = "It has seen four thousand random bases."
"""

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def domainbert() -> Program:
    """Run the program as a user types it, but in this process."""
    import torch

    from domainbert.cli.app import app

    torch.set_num_threads(1)

    def run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
        out, prose = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(prose), pytest.raises(SystemExit) as left:
            app(args=list(map(str, arguments)))
        code = int(left.value.code or 0)
        assert code == status, f"exit {code}\n{out.getvalue()}\n{prose.getvalue()}"
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), prose.getvalue())

    return run


@pytest.fixture(scope="session")
def finished(domainbert: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run whose corpus has a complete data card."""
    folder = tmp_path_factory.mktemp("published")
    letters = np.random.default_rng(0).choice(list("ACGT"), 4000)
    (folder / "genome.fa").write_text(f">one\n{''.join(letters[:3000])}\n>two\n{''.join(letters[3000:])}\n>odd\n!!\n")
    (folder / "card.md").write_text(
        "---\npretty_name: Four thousand bases\nlicense: cc0-1.0\n---\n# Four thousand bases\n\nDrawn by a generator.\n"
    )
    recipe = folder / "tiny.toml"
    recipe.write_text(
        RECIPE.replace("GENOME", str(folder / "genome.fa")).replace(
            "[training]", f'max_drop_rate = 0.5\ncard = "{folder}/card.md"\n[training]'
        )
    )
    domainbert("pretrain", "--recipe", recipe, "--output", folder / "run")
    return folder / "run"


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    yield server
    server.close()


@pytest.fixture
def environment(hub: Hub, tmp_path: Path) -> dict[str, str]:
    """Where a process of its own finds the Hub on loopback."""
    loopback = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    return {**os.environ, **loopback}


@pytest.fixture
def publish(hub: Hub, finished: Path, domainbert: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """``domainbert publish`` to the Hub on loopback, as if the environment said so; nothing may print the token."""
    from huggingface_hub import constants

    for name, value in {"ENDPOINT": hub.url, "HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # waits between tries are not what is tested

    def run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = domainbert("publish", finished, "--repo", "me/dna", *arguments, status=status)
        assert TOKEN not in done.stdout + done.stderr
        return done

    return run
