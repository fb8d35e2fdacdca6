"""How fast URLs become canonical text, and a token store beside the bare tokenizers call on the same text.

    OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false python benchmarks/urls.py urls.txt

The file holds one URL a line. Each round measures, one after another, canonicalisation, ``encode_batch`` and ``encode_batch_fast`` on
canonical text that is in memory, and the whole of ``build_store`` from the file; the table gives medians.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from domainbert.adapters.base import Record
from domainbert.adapters.urls import UrlsAdapter
from domainbert.adapters.urls.canonical import canonicalize
from domainbert.corpus.build import build_store
from domainbert.recipe.schema import Corpus

BATCH = 8192


def main() -> None:
    arguments = _arguments()
    raw = arguments.file.read_text(encoding="utf-8").split("\n")
    texts = [canonicalize(url) for url in raw]
    tokenizer = UrlsAdapter().tokenizer("bpe", None, (Record("", text, "") for text in texts[::5]), model_max_length=128)
    backend = tokenizer.backend_tokenizer

    def build() -> None:
        with tempfile.TemporaryDirectory() as folder:
            sources = Corpus(sources=(str(arguments.file),))
            build_store(UrlsAdapter(), sources, Path(folder) / "store", make_tokenizer=lambda _: tokenizer, seed=0)

    tasks: dict[str, Callable[[], object]] = {
        "canonicalize": lambda: [canonicalize(url) for url in raw],
        "encode_batch": lambda: _in_batches(backend.encode_batch, texts),
        "encode_batch_fast": lambda: _in_batches(backend.encode_batch_fast, texts),
        "text to token store": build,
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for _ in range(arguments.repeats):
        for name, task in tasks.items():
            wall, cpu = time.perf_counter(), time.process_time()
            task()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    print(f"Median of {arguments.repeats}, {len(raw):,} URLs.\n\n| | seconds | CPU seconds | URLs/CPU s |\n| --- | ---: | ---: | ---: |")
    for name, values in seconds.items():
        wall, cpu = (statistics.median(each) for each in zip(*values, strict=True))
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {len(raw) / cpu:,.0f} |")
    for name in ("encode_batch", "encode_batch_fast"):
        pairs = list(zip(seconds["text to token store"], seconds[name], strict=True))
        ratios = [statistics.median(store[clock] / bare[clock] for store, bare in pairs) for clock in (0, 1)]
        print(f"\ntext to token store / {name}: {ratios[0]:.2f} by the clock, {ratios[1]:.2f} in CPU seconds")


def _in_batches(encode: Callable[..., object], texts: list[str]) -> None:
    for begin in range(0, len(texts), BATCH):
        encode(texts[begin : begin + BATCH], add_special_tokens=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="one URL a line")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
