"""How fast sequence files become a token store, and in how much memory.

    python benchmarks/corpus_preparation.py                       # 200 MB of synthetic FASTA
    python benchmarks/corpus_preparation.py --input genomes/      # one's own files
    python benchmarks/corpus_preparation.py --records 1000000     # many short records instead of a few long ones

Each store is built in a process of its own by ``domainbert.corpus.build.build_store``; the table gives medians, the time is that
of the build without starting Python, the memory is the process's peak with everything that it imported.
"""

import argparse
import json
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

KINDS = ("character", "kmer")
COLUMNS = (
    "tokens", "characters", "MB/s", "MB/s, best", "CPU seconds", "records/s", "peak memory",
    "bytes a token", "offset bytes a record", "origin bytes a record",
)  # fmt: skip
LINE = 80
LETTERS = np.frombuffer(b"ACGT", np.uint8)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One build."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    num_characters: int
    num_tokens: int
    num_records: int
    token_bytes: int
    offset_bytes: int
    origin_bytes: int


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        if arguments.build:
            print(json.dumps(asdict(measure(arguments.build, arguments.input, Path(scratch) / "store"))))
            return
        source = arguments.input
        if source is None:
            source = Path(scratch) / "synthetic.fasta"
            write_fasta(source, megabytes=arguments.megabytes, num_records=arguments.records)
        runs = {kind: [_in_own_process(kind, source, arguments.scratch) for _ in range(arguments.repeats)] for kind in arguments.kinds}
    print(table(runs, arguments.repeats))


def measure(kind: str, source: Path, output: Path) -> Measurement:
    """Build one store in this process."""
    from domainbert.adapters.registry import load_adapter
    from domainbert.corpus.build import build_store
    from domainbert.recipe.schema import Corpus

    adapter = load_adapter("dna")
    options = type(adapter).tokenizer_kinds[kind]()
    begin, cpu = time.perf_counter(), time.process_time()
    store = build_store(
        adapter,
        Corpus(sources=(str(source),)),
        output,
        make_tokenizer=lambda records: adapter.tokenizer(kind, options, records, model_max_length=512),
        seed=0,
    )
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    sizes = {path.name: path.stat().st_size for path in output.iterdir()}
    shutil.rmtree(output)
    totals = store.manifest
    return Measurement(
        seconds, cpu, _peak_bytes(), totals.num_characters, totals.num_tokens, totals.num_records,
        sizes["tokens.bin"], sizes["offsets.bin"], sizes["records.arrow"],
    )  # fmt: skip


def write_fasta(path: Path, *, megabytes: int, num_records: int) -> None:
    """Uniformly random bases in lines of 80: ``num_records`` entries of 20, or contigs of 0.3 to 5 million up to ``megabytes``."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        if num_records:
            for begin in range(0, num_records, 100_000):
                bases = LETTERS[rng.integers(0, 4, (min(100_000, num_records - begin), 20))]
                file.write(b"".join(b">read%d\n%s\n" % (begin + row, bases[row].tobytes()) for row in range(len(bases))))
            return
        left, number = megabytes * 1_000_000, 0
        while left > 0:
            num_lines = min(int(rng.integers(300_000, 5_000_000)), left) // LINE + 1
            lines = np.full((num_lines, LINE + 1), ord("\n"), np.uint8)
            lines[:, :LINE] = LETTERS[rng.integers(0, 4, (num_lines, LINE))]
            file.write(b">contig%d synthetic\n" % number + lines.tobytes())
            left, number = left - lines.size, number + 1


def table(runs: dict[str, list[Measurement]], repeats: int) -> str:
    """Medians as Markdown."""
    lines = [
        f"Median of {repeats}; {platform.machine()}, Python {platform.python_version()}, one process.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"| --- |{' ---: |' * (len(COLUMNS) - 1)}",
    ]
    for kind, made in runs.items():
        first, seconds = made[0], [each.seconds for each in made]
        middle = statistics.median(seconds)
        cells = (
            kind,
            f"{first.num_characters:,}",
            f"{first.num_characters / middle / 1e6:.1f}",
            f"{first.num_characters / min(seconds) / 1e6:.1f}",
            f"{statistics.median(each.cpu_seconds for each in made):.2f}",
            f"{first.num_records / middle:,.0f}",
            f"{statistics.median(each.peak_bytes for each in made) / 1e6:.0f} MB",
            f"{first.token_bytes / first.num_tokens:.2f}",
            f"{first.offset_bytes / first.num_records:.2f}",
            f"{first.origin_bytes / first.num_records:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _peak_bytes() -> int:
    """Most memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux counts the parent's memory at the fork in ru_maxrss, but not in VmHWM
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _in_own_process(kind: str, source: Path, scratch: Path | None) -> Measurement:
    command = [sys.executable, __file__, "--build", kind, "--input", str(source)]
    if scratch:
        command += ["--scratch", str(scratch)]
    return Measurement(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200, help="of synthetic FASTA")
    parser.add_argument("--records", type=int, default=0, help="this many entries of 20 bases instead of contigs")
    parser.add_argument("--input", type=Path, help="a file or folder instead of synthetic FASTA")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="folder for the FASTA and the stores; the system's temporary folder when left out")
    parser.add_argument("--build", choices=KINDS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
