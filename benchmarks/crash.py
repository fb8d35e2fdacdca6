"""Kills corpus builds, training and saving at random moments, and looks at what is left.

    python benchmarks/crash.py --kills 50

After each kill (SIGKILL: no handler runs) every finished-looking store, checkpoint and model folder must be whole, and in the end the
store and the model must equal, byte for byte, those of a run that was left alone.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

from domainbert.corpus.store import TokenStore
from domainbert.errors import StoreError

RECIPE = """
schema = 1
adapter = "dna"
[model.scratch]
hidden_size = 64
num_layers = 2
num_heads = 2
[tokenizer]
kind = "character"
[corpus]
sources = ["GENOME"]
validation_fraction = 0.1
[training]
max_length = 128
batch_tokens = 2048
micro_batch_tokens = 2048
evaluation_steps = 0
save_steps = 3
keep_checkpoints = 2
[[stage]]
steps = 40
"""
BASES = 1_500_000


@dataclass
class Tally:
    """What the kills of one phase left."""

    kills: int = 0
    nothing: int = 0
    whole: int = 0
    broken: int = 0
    ends: int = 0
    equal_ends: int = 0


def main() -> None:
    """Run the three phases and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    share = arguments.kills // 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = prepare(folder)
        print(f"seed {arguments.seed}", flush=True)
        print(
            f"{'killed while':<14}{'kills':>6}{'nothing there':>15}{'whole':>7}{'half':>6}{'brought to its end':>20}{'equal':>7}",
            flush=True,
        )
        phases = [
            ("building", lambda: building(folder, share, rng)),
            ("training", lambda: training(folder, recipe, 2 * share, rng, when=anywhere)),
            ("saving", lambda: training(folder, recipe, arguments.kills - 3 * share, rng, when=saving)),
        ]
        bad = 0
        for title, phase in phases:
            tally = phase()
            row = (tally.kills, tally.nothing, tally.whole, tally.broken, tally.ends, tally.equal_ends)
            print(f"{title:<14}" + "".join(f"{value:>{width}}" for value, width in zip(row, (6, 15, 7, 6, 20, 7), strict=True)), flush=True)
            bad += tally.broken + tally.ends - tally.equal_ends
        sys.exit(1 if bad else 0)


def prepare(folder: Path) -> Path:
    """A genome and a recipe."""
    letters = random.Random(1).choices("ACGT", k=BASES)
    lines = (f">contig{start}\n{''.join(letters[start : start + 100_000])}\n" for start in range(0, BASES, 100_000))
    (folder / "genome.fa").write_text("".join(lines))
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.replace("GENOME", str(folder / "genome.fa")))
    return recipe


def building(folder: Path, kills: int, rng: random.Random) -> Tally:
    """Kill ``corpus build``: the store is there as a whole, or not at all."""
    tally, store = Tally(), folder / "store"
    command = ("corpus", "build", "--adapter", "dna", str(folder / "genome.fa"), "--output")
    seconds, due = timed(*command, str(folder / "due")), digest(folder / "due")
    while tally.kills < kills:
        if not killed(start(*command, str(store)), lambda: False, rng.uniform(0, seconds)):
            finish(tally, digest(store) == due, store)
            continue
        tally.kills += 1
        if not store.exists():
            tally.nothing += 1
        else:
            try:
                TokenStore(store).record(0)
                tally.whole += 1
                finish(tally, digest(store) == due, store)
            except StoreError:
                tally.broken += 1
    if not store.exists():
        timed(*command, str(store))
        finish(tally, digest(store) == due, store)
    return tally


def training(folder: Path, recipe: Path, kills: int, rng: random.Random, *, when: Callable[[Path], bool]) -> Tally:
    """Kill ``pretrain`` and ``resume`` again and again: every checkpoint is whole, and the model comes out as if nothing had happened."""
    tally, run, due = Tally(), folder / "run", folder / "due-run"
    seconds = 0.0
    if not due.exists():
        seconds = timed("pretrain", "--recipe", str(recipe), "--output", str(due))
        (folder / "seconds").write_text(str(seconds))
    seconds = float((folder / "seconds").read_text())
    while tally.kills < kills or run.exists():
        command = ("resume", str(run)) if (run / "recipe.json").exists() else ("pretrain", "--recipe", str(recipe), "--output", str(run))
        process = start(*command)
        patience = rng.uniform(0, seconds) if when is anywhere else seconds
        skip = rng.randrange(8)  # savings that are let through
        if tally.kills >= kills:
            require(process)
        if tally.kills >= kills or not killed(process, counted(when, run, skip), patience, pause=rng.uniform(0, 0.02)):
            finish(tally, weights(run) == weights(due) and losses(run) == losses(due), run)
            continue
        tally.kills += 1
        found = [checkpoint_is_whole(path) for path in (run / "checkpoints").glob("step-*")]
        if (run / "model").exists():
            found.append(is_safetensors(run / "model" / "model.safetensors"))
        tally.nothing += not found
        tally.whole += bool(found) and all(found)
        tally.broken += not all(found)
    return tally


def anywhere(run: Path) -> bool:
    """Time alone decides."""
    return False


def saving(run: Path) -> bool:
    """Whether a checkpoint or the model is being written."""
    return any(run.glob("checkpoints/.step-*.partial-*")) or any(run.glob(".model.partial-*"))


def counted(when: Callable[[Path], bool], run: Path, skip: int) -> Callable[[], bool]:
    """``when`` in the time after the first ``skip`` occasions."""
    seen = {"now": False, "count": 0}

    def reached() -> bool:
        now = when(run)
        seen["count"] += now and not seen["now"]
        seen["now"] = now
        return bool(now and seen["count"] > skip)

    return reached


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """The program in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "domainbert", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def killed(process: subprocess.Popen[bytes], reached: Callable[[], bool], patience: float, *, pause: float = 0.0) -> bool:
    """Kill the process once ``reached`` or after some seconds; ``False`` if it ended before."""
    deadline = time.monotonic() + patience
    while process.poll() is None:
        if reached() or time.monotonic() > deadline:
            time.sleep(pause)
            process.kill()
            return process.wait() == -9  # SIGKILL
        time.sleep(0.0005)
    require(process)
    return False


def require(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that must end well."""
    _, prose = process.communicate()
    if process.returncode:
        sys.exit(f"ended with {process.returncode}:\n{prose.decode()}")


def timed(*arguments: str) -> float:
    """Seconds of a run that is left alone."""
    began = time.monotonic()
    require(start(*arguments))
    return time.monotonic() - began


def finish(tally: Tally, equal: bool, folder: Path) -> None:
    """Count an end, and clear the place; nothing half-written may lie beside it."""
    tally.ends += 1
    strays = [path.name for path in folder.parent.iterdir() if path.name.startswith(f".{folder.name}.")]
    strays += [path.name for path in folder.rglob(".*.partial*")]
    tally.equal_ends += equal and not strays
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def digest(store: Path) -> str:
    """Hash of everything in a store."""
    found = hashlib.sha256()
    for path in sorted(path for path in store.rglob("*") if path.is_file()):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def weights(run: Path) -> bytes:
    """The model's file."""
    return (run / "model" / "model.safetensors").read_bytes()


def losses(run: Path) -> list[float]:
    """The loss of every step."""
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def checkpoint_is_whole(folder: Path) -> bool:
    """Whether everything that a resume reads is there and can be read."""
    return is_safetensors(folder / "model.safetensors") and all(
        (folder / name).stat().st_size for name in ("optimizer.pt", "trainer_state.json")
    )


def is_safetensors(path: Path) -> bool:
    """Whether a weight file can be read to its end."""
    try:
        with safe_open(path, "pt") as file:
            return all(file.get_tensor(name) is not None for name in file.keys())  # no mapping
    except Exception:
        return False


if __name__ == "__main__":
    main()
