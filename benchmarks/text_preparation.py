"""How fast text files become a token store, beside the bare batch call of the tokenizers library on the same text.

    python benchmarks/text_preparation.py --adapter french livres/

The tokenizer is made beforehand. Both are measured in turn, in one process and on one core; the table gives medians and their ratio.
The bare call gets the canonical text that the build makes, in memory, and gives lists of ids.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from domainbert.adapters.registry import load_adapter
from domainbert.corpus.build import build_store
from domainbert.recipe.schema import Corpus


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    adapter = load_adapter(arguments.adapter)
    kind, options = next(iter(type(adapter).tokenizer_kinds.items()))
    records = [record for source in arguments.sources for record in adapter.records(source)]
    records = [replace(record, text=adapter.canonicalize(record.text)) for record in records]
    texts = [record.text for record in records]
    tokenizer = adapter.tokenizer(kind, options(), records, model_max_length=512)
    corpus = Corpus(sources=tuple(arguments.sources), max_drop_rate=1.0)
    bare: list[tuple[float, float]] = []
    whole: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(arguments.repeats):
            began = clocks()
            ids = [encoding.ids for encoding in tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
            bare.append(since(began))
            del ids
            began = clocks()
            build_store(adapter, corpus, Path(scratch) / str(number), make_tokenizer=lambda _: tokenizer, seed=0)
            whole.append(since(began))
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    ratios = [statistics.median(one[clock] / other[clock] for one, other in zip(whole, bare, strict=True)) for clock in (0, 1)]
    print(f"{len(texts):,} records, {megabytes:.1f} MB of canonical text, vocabulary {len(tokenizer):,}, medians of {arguments.repeats}")
    print(f"bare batch call        {megabytes / statistics.median(seconds for seconds, _ in bare):.2f} MB/s")
    print(f"files to token store   {megabytes / statistics.median(seconds for seconds, _ in whole):.2f} MB/s")
    print(f"times the bare call    {ratios[0]:.2f} by the clock, {ratios[1]:.2f} in CPU seconds")


def clocks() -> tuple[float, float]:
    """Wall and CPU seconds; where other work shares the core, the second tells more."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> tuple[float, float]:
    """Wall and CPU seconds since then."""
    now = clocks()
    return now[0] - began[0], now[1] - began[1]


if __name__ == "__main__":
    main()
