"""A tiny recipe and a tiny genome, and the program as a user starts it."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

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
views = { reverse_complement = 1 }
[training]
max_length = 64
batch_tokens = 600
micro_batch_tokens = 400
learning_rate = 3e-3
evaluation_steps = 6
save_steps = 4
keep_checkpoints = 9
[[stage]]
steps = 14
[stage.schedule]
warmup_steps = 2
decay_steps = 4
"""
NUM_STEPS = 14

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """One thread: what is compared bit for bit must not depend on how a sum is shared."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe file whose corpus is a FASTA file of two records, one much longer than a piece of a batch."""
    folder = tmp_path_factory.mktemp("recipe")
    rng = np.random.default_rng(0)
    # Order-1 structure, so that there is something to learn.
    following = rng.permuted(np.tile([0.55, 0.25, 0.15, 0.05], (4, 1)), axis=1).cumsum(1)
    letters = [0]
    for draw in rng.random(6000):
        letters.append(int((draw > following[letters[-1]]).sum()))
    genome = "".join("ACGT"[letter] for letter in letters)
    (folder / "genome.fa").write_text(f">one\n{genome[:5000]}\n>two\n{genome[5000:]}\n")
    path = folder / "tiny.toml"
    path.write_text(RECIPE.replace("GENOME", str(folder / "genome.fa")))
    return path


@pytest.fixture(scope="session")
def process(environment: dict[str, str]) -> Program:
    """Run the program in a process of its own; ``status`` is what it must exit with."""

    def run(*arguments: object, status: int = 0, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "domainbert", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=timeout, check=False)
        assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def domainbert() -> Program:
    """Run the program as a user types it, but in this process: starting one costs more than these runs do."""
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
def finished(recipe: Path, process: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    process("pretrain", "--recipe", recipe, "--output", folder)
    return folder
