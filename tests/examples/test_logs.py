"""The worked example of a plugin: installed, listed, checked, and trained by its own recipe."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Run:
    """Runs python in an environment of its own with the example installed, which takes everything else from this one."""
    folder = tmp_path_factory.mktemp("plugin")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    libraries = [str(repository), *dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(libraries)}
    options = ["--no-deps", "--no-index", "--no-build-isolation"]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", *options, repository / "examples" / "logs"]
    subprocess.run(pip, check=True, capture_output=True, env=environment)

    def run(*arguments: object) -> str:
        command = [python, *map(str, arguments)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_it_is_listed_beside_the_built_in_ones(installed: Run) -> None:
    listed = {entry["name"]: entry for entry in json.loads(installed("-m", "domainbert", "adapters", "--json"))}
    assert listed["logs"] == {"name": "logs", "origin": "domainbert-logs", "summary": "log lines from plain text", "problem": ""}
    assert listed["dna"]["origin"] == "built in"


def test_its_own_test_passes(installed: Run, repository: Path) -> None:
    out = installed("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, repository / "examples" / "logs" / "test_logs.py")
    assert " passed" in out


def test_its_recipe_trains_a_model_that_loads_without_it(installed: Run, repository: Path, tmp_path: Path) -> None:
    lines = [f"Jan  1 00:00:{second:02} web1 app[{second % 7}]: step {second} of <mask>, naïve{second % 5}" for second in range(60)]
    lines += [f"GET /page/{name} took {name}" for name in "abcdefghij"]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    small = ("max_steps=4", "batch_tokens=1024", "micro_batch_tokens=1024")
    shape = ("model.scratch.hidden_size=32", "model.scratch.num_layers=2", "tokenizer.options.vocabulary_size=400")
    arguments = ("--corpus", tmp_path / "app.log", "--output", tmp_path / "run", *(f"training.{key}" for key in small), *shape)
    installed("-m", "domainbert", "pretrain", "--recipe", repository / "examples" / "logs" / "logs.toml", *arguments)
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert evaluation["hidden_unit"] == "word" and evaluation["after"]["unit"]["num_letters"] > 0
    assert json.loads((tmp_path / "run" / "model" / "domainbert.json").read_text())["adapter"] == "logs"
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "| bits per character, lower is better | whole words hidden |" in card and "| order 3 counts |" in card
    load = "import sys; from transformers import AutoModelForMaskedLM as M; print(M.from_pretrained(sys.argv[1]).config.vocab_size)"
    command = [sys.executable, "-c", load, tmp_path / "run" / "model"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert int(done.stdout) >= 256 + 5
