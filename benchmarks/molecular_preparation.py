"""How fast molecules, proteins and crystals become token stores, and what more processes gain.

    TOKENIZERS_PARALLELISM=false python benchmarks/molecular_preparation.py smiles molecules.smi.gz
    TOKENIZERS_PARALLELISM=false python benchmarks/molecular_preparation.py proteins chains.fasta.gz
    TOKENIZERS_PARALLELISM=false python benchmarks/molecular_preparation.py chemistry molecules.smi.gz --processes 1 2
    TOKENIZERS_PARALLELISM=false python benchmarks/molecular_preparation.py chemistry cifs.tar.gz --processes 1 2

``smiles`` and ``proteins`` take turns between the tokenizers library's batch call on canonical text in memory and the whole build from
the file: reading, exact duplicates, split, tokens, writing. For ``smiles`` the file must hold canonical SMILES; RDKit is left out, and
``chemistry`` measures it alone: records of an adapter, read in so many processes in turn. Medians.
"""

import argparse
import gzip
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from domainbert.adapters.base import Adapter, Drops, Record
from domainbert.adapters.crystals import CrystalAdapter
from domainbert.adapters.molecules import MoleculesAdapter
from domainbert.adapters.proteins import ProteinsAdapter
from domainbert.corpus.build import build_store
from domainbert.recipe.schema import Corpus


class CanonicalMolecules(MoleculesAdapter):
    """SMILES that are canonical already: RDKit has nothing to do."""

    def records(self, source: str, *, drops: Drops | None = None) -> Iterator[Record]:
        """The lines of a file."""
        with gzip.open(source, "rt") as lines:
            for number, line in enumerate(lines, start=1):
                yield Record(str(number), line.split()[0], "")

    def canonicalize(self, text: str) -> str:
        """As it is."""
        return text


def main() -> None:
    arguments = _arguments()
    if arguments.what == "chemistry":
        chemistry(arguments.file, arguments.processes, arguments.repeats, arguments.limit)
        return
    smiles = arguments.what == "smiles"
    adapter: Adapter = CanonicalMolecules() if smiles else ProteinsAdapter()
    build(adapter, "atom" if smiles else "residue", arguments.file, arguments.repeats)


def build(adapter: Adapter, kind: str, file: Path, repeats: int) -> None:
    """From file to token store, beside the bare call."""
    texts = [adapter.canonicalize(record.text) for record in adapter.records(str(file))]
    tokenizer = adapter.tokenizer(kind, None, (), model_max_length=512)
    encode = adapter.fast_encoder(tokenizer)
    assert encode is not None
    bare_call = partial(tokenizer.backend_tokenizer.encode_batch_fast, add_special_tokens=False)

    def store() -> None:
        with tempfile.TemporaryDirectory() as folder:
            corpus = Corpus(sources=(str(file),), max_drop_rate=1.0)
            build_store(adapter, corpus, Path(folder) / "store", make_tokenizer=lambda _: tokenizer, seed=0)

    tasks: dict[str, Callable[[], object]] = {
        "bare batch call": lambda: bare_call(texts),
        "quick encoder": lambda: [encode(text) for text in texts],
        "file to token store": store,
    }
    same = all(encode(text).tolist() == encoding.ids for text, encoding in zip(texts, bare_call(texts), strict=True))
    seconds = in_turn(tasks, repeats)
    megabytes = sum(map(len, texts)) / 1e6
    print(f"{len(texts):,} records, {megabytes:.1f} MB, ids identical: {same}; medians of {repeats}")
    print("\n| | seconds | records a second | MB a second | times the bare call's speed |\n| --- | ---: | ---: | ---: | ---: |")
    for name, each in seconds.items():
        ratio = statistics.median(bare / own for bare, own in zip(seconds["bare batch call"], each, strict=True))
        middle = statistics.median(each)
        print(f"| {name} | {middle:.2f} | {len(texts) / middle:,.0f} | {megabytes / middle:.1f} | {ratio:.2f} |")


def chemistry(file: Path, processes: list[int], repeats: int, limit: int) -> None:
    """Records of a file in so many processes."""
    kind: Any = CrystalAdapter if ".tar" in file.name or "cif" in file.name else MoleculesAdapter

    def read(number: int) -> int:
        adapter = kind(replace(kind.Options(), processes=number))
        return sum(1 for _ in islice(adapter.records(str(file)), limit or None))

    num_records = read(processes[0])
    seconds = in_turn({str(number): partial(read, number) for number in processes}, repeats)
    print(f"{num_records:,} records; medians of {repeats}\n")
    print("| processes | seconds | records a second | gain |\n| ---: | ---: | ---: | ---: |")
    for name, each in seconds.items():
        gain = statistics.median(first / own for first, own in zip(seconds[str(processes[0])], each, strict=True))
        print(f"| {name} | {statistics.median(each):.2f} | {num_records / statistics.median(each):,.0f} | {gain:.2f} |")


def in_turn(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each task in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("smiles", "proteins", "chemistry"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=int, default=0, help="records that chemistry reads; 0 for all")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    return parser.parse_args()


if __name__ == "__main__":
    main()
