import subprocess
import sys
from dataclasses import dataclass

import pytest


@dataclass
class Done:
    code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(tmp_path):
    """Runs the program in an empty folder."""

    def start(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "domainbert", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return start
