"""Two runs on one folder, and places that cannot be written: refused, and nothing is lost."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

SMALL = ("training.max_steps=8", "training.max_length=64", "training.batch_tokens=512", "training.micro_batch_tokens=512",
         "model.scratch.hidden_size=32", "model.scratch.num_layers=1", "model.scratch.num_heads=2", "model.scratch.config={}")  # fmt: skip


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    genome = tmp_path / "genome.fa"
    genome.write_text("".join(f">r{number}\n{'ACGTTGCAGG' * 40}{'ACGT' * number}\n" for number in range(12)))
    return [sys.executable, "-m", "domainbert", "pretrain", "--recipe", "dna", "--corpus", str(genome), *SMALL, "--output"]


def test_the_second_of_two_runs_on_one_folder_is_refused(command: list[str], tmp_path: Path) -> None:
    first = subprocess.Popen([*command, str(tmp_path / "run")], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100
    while not (tmp_path / "run" / "recipe.json").exists():
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    for arguments in ([*command, str(tmp_path / "run")], [*command[:3], "resume", str(tmp_path / "run")]):
        second = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=100)
        assert first.poll() is None, "the first run was over too early for this test"
        assert second.returncode == 2 and str(tmp_path / "run") in second.stderr
        assert "already holds" in second.stderr or "another run is writing" in second.stderr
    _, prose = first.communicate(timeout=100)
    assert first.returncode == 0, prose
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize("place", ["/proc/run", "FILE/run"])
def test_an_output_that_cannot_be_written_is_named(command: list[str], tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    place = place.replace("FILE", str(tmp_path / "file"))
    before = sorted(tmp_path.iterdir())
    for arguments in ([*command, place], [*command[:3], "corpus", "build", "--adapter", "dna", command[7], "--output", place]):
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 2 and place in done.stderr, done.stderr
    assert sorted(tmp_path.iterdir()) == before
