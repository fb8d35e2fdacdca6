"""Coverage-guided fuzzing of everything that reads what others wrote. Needs atheris (pip install atheris).

    python benchmarks/fuzz.py --seconds 60            every target in turn, with a table at the end
    python benchmarks/fuzz.py --target recipe FILE    one input again, such as a finding

Whatever the bytes, a reader yields or raises a DomainBertError; canonicalize is idempotent on what it yields.
"""

import argparse
import gzip
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import zstandard

PLACE = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
SEEDS = {
    "dna": [b">a b\nACGTNNNACGU\n>c\n\nacgt*-\n", b"ACGT\nACGTA\n", b"sequence,id\nACGT,1\n\"AC\nGT\",2\n",
            b"LOCUS       X 8 bp DNA\nDEFINITION  x\nORIGIN\n        1 acgtacgt\n//\n", gzip.compress(b">a\nACGT\n"),
            zstandard.compress(b">a\nACGT\n")],
    "documents": [b"text,id\nabc,1\n\"a,\"\"b\",2\n", b'{"text": "abc", "id": 1}\n{"text": null}\n', b"one\r\ntwo\n\n",
                  b"\xef\xbb\xbfa\tb\n1\t2\n",
                  gzip.compress(b"line\n")],
    "recipe": [(Path(__file__).parents[1] / "recipes" / "dna.toml").read_bytes(), b'adapter = "dna"\n[[stage]]\nsteps = 1\n'],
    "data_card": [b"---\nlicense: mit\npretty_name: x\n---\n# x\nTODO\n"],
    "weights": [(60).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(60) + b"\0" * 4],
}  # fmt: skip


def main() -> None:
    """Run one target under atheris, or all of them one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=SEEDS)
    parser.add_argument("--seconds", type=int, default=60)
    arguments, rest = parser.parse_known_args()
    if arguments.target:
        fuzz(arguments.target, rest)
        return
    print(f"{'target':<12}{'seconds':>9}{'inputs':>11}{'edges':>8}  finding", flush=True)
    for target in SEEDS:
        print(run(target, arguments.seconds), flush=True)


def run(target: str, seconds: int) -> str:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "corpus").mkdir()
        for number, seed in enumerate(SEEDS[target]):
            (folder / "corpus" / str(number)).write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            f"-artifact_prefix={Path.cwd()}/fuzz-{target}-",
            "-max_len=4096",
            "-timeout=10",
            "-rss_limit_mb=4096",
        ]
        command = [sys.executable, __file__, "--target", target, *options, str(folder / "corpus")]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    prose = done.stdout + done.stderr
    counts = re.findall(r"#(\d+)\s", prose)
    edges = re.findall(r"cov: (\d+)", prose)
    failures = re.findall(r"^(?:(?:\w+\.)*\w+(?:Error|Exception)\b|.*libFuzzer: (?:timeout|out-of-memory)).*$", prose, re.MULTILINE)
    finding = "none" if done.returncode == 0 else failures[0] if failures else prose[-300:]
    return f"{target:<12}{seconds:>9}{counts[-1] if counts else '?':>11}{edges[-1] if edges else '?':>8}  {finding}"


def fuzz(target: str, options: list[str]) -> None:
    """Never returns."""
    import atheris

    with atheris.instrument_imports(include=["domainbert"]):
        call = TARGETS[target]()
    atheris.Setup([sys.argv[0], *options], call)
    atheris.Fuzz()


def dna() -> Callable[[bytes], None]:
    """The DNA adapter's readers, told by content."""
    from domainbert.adapters.base import Drops
    from domainbert.adapters.dna import DnaAdapter
    from domainbert.adapters.dna import reading as _reading  # noqa: F401  # instrumented with the rest
    from domainbert.errors import DomainBertError

    adapter, path = DnaAdapter(), PLACE / "domainbert-fuzz.input"

    def call(data: bytes) -> None:
        path.write_bytes(data)
        try:
            for record in adapter.records(str(path), drops=Drops()):
                text = adapter.canonicalize(record.text)
                assert adapter.canonicalize(text) == text and record.id is not None
        except DomainBertError:
            pass

    return call


def documents() -> Callable[[bytes], None]:
    """Readers of short texts; the first byte chooses format, column and encoding."""
    from domainbert.adapters.base import Drops
    from domainbert.corpus.documents import Columns, read_documents
    from domainbert.corpus.open import open_source
    from domainbert.errors import DomainBertError

    formats, encodings = ("auto", "lines", "table", "jsonl"), ("utf-8", "latin-1", "cp1252", "ascii")
    columns = (None, Columns("text", "id"), Columns("1"), Columns("", "", ("id",)))

    def call(data: bytes) -> None:
        choice = data[0] if data else 0
        suffix = (".txt", ".csv", ".tsv", ".jsonl")[choice >> 6]
        path = PLACE / f"domainbert-fuzz{suffix}"
        path.write_bytes(data[1:])
        try:
            with open_source(path) as source:
                options = {"format": formats[choice & 3], "encoding": encodings[choice >> 2 & 3], "columns": columns[choice >> 4 & 3]}
                for document in read_documents(source, Drops(), **options):
                    assert document.text.strip()
        except DomainBertError:
            pass

    return call


def recipe() -> Callable[[bytes], None]:
    """The recipe loader; what it takes is written and read again as the same."""
    from domainbert.errors import DomainBertError
    from domainbert.recipe.document import from_dict, to_dict
    from domainbert.recipe.load import load_recipe

    path = PLACE / "domainbert-fuzz.toml"

    def call(data: bytes) -> None:
        path.write_bytes(data)
        try:
            loaded = load_recipe(path)
        except DomainBertError:
            return
        assert from_dict(to_dict(loaded)) == loaded

    return call


def data_card() -> Callable[[bytes], None]:
    """Data cards, which are YAML."""
    from domainbert.errors import DomainBertError
    from domainbert.publishing.data_card import DataCard

    path = PLACE / "domainbert-fuzz.md"

    def call(data: bytes) -> None:
        path.write_bytes(data)
        try:
            list(DataCard.read(path).missing())
        except DomainBertError:
            pass

    return call


def weights() -> Callable[[bytes], None]:
    """Headers of safetensors files."""
    from domainbert.errors import DomainBertError
    from domainbert.publishing.weights import read_header

    path = PLACE / "domainbert-fuzz.safetensors"

    def call(data: bytes) -> None:
        path.write_bytes(data)
        try:
            read_header(path)
        except DomainBertError:
            pass

    return call


TARGETS = {"dna": dna, "documents": documents, "recipe": recipe, "data_card": data_card, "weights": weights}

if __name__ == "__main__":
    main()
