"""Texts a second: ``Encoder.encode`` against sentence-transformers' ``encode`` at its default batch size, same model and texts.

    python benchmarks/embedding.py MODEL --urls FILE.tsv.gz --abstracts FILE.jsonl.gz

Both read texts as they are, in single precision, cut at the model's own length. The two take turns; figures are medians of the rounds.
"""

import argparse
import gzip
import json
import logging
import statistics
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from domainbert.embedding.encoder import Encoder


def urls(path: Path) -> list[str]:
    with gzip.open(path, "rt") as lines:
        return [line.rstrip("\n").split("\t")[-1] for line in lines]


def abstracts(path: Path) -> list[str]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line)["text"] for line in lines]


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def worst_difference(encoder: Encoder, texts: Sequence[str]) -> float:
    """Largest difference of a vector's number to the library's own forward pass on the text alone, over the numbers' spread."""
    vectors = encoder.encode(texts, long="truncate")
    plain = type(encoder.model.base_model)(deepcopy(encoder.model.config)).eval()  # a copy: attention is set in the config
    plain.load_state_dict(encoder.model.base_model.state_dict(), strict=False)
    plain.set_attn_implementation("eager")
    worst = 0.0
    for text, vector in zip(texts, vectors, strict=True):
        encoded = encoder.tokenizer(text, return_tensors="pt", truncation=True, max_length=encoder.max_length)
        with torch.inference_mode():
            own = plain(**encoded).last_hidden_state[0, 1:-1].mean(0).numpy()
        worst = max(worst, float(np.abs(own - vector).max()))
    return worst / float(vectors.std())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--urls", type=Path, required=True)
    parser.add_argument("--abstracts", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    theirs = SentenceTransformer(given.model, device="cpu")
    ours = Encoder.from_pretrained(given.model, device="cpu", max_length=int(theirs.max_seq_length or 0))
    rng = np.random.default_rng(0)
    logging.disable()  # both say which texts they cut
    print(f"{given.threads} threads, torch {torch.__version__}, at most {ours.max_length} tokens, median of {given.rounds} rounds")
    for name, texts, count in (("urls", urls(given.urls), 2000), ("abstracts", abstracts(given.abstracts), 64)):
        chosen = [texts[number] for number in rng.choice(len(texts), count, replace=False)]
        tokens = sum(min(len(ids), ours.max_length) for ids in ours.tokenizer(chosen)["input_ids"])
        times: dict[str, list[float]] = {"theirs": [], "ours": []}
        for _ in range(given.rounds):
            times["theirs"].append(seconds(lambda texts=chosen: theirs.encode(texts)))
            times["ours"].append(seconds(lambda texts=chosen: ours.encode(texts, long="truncate")))
        ratio = statistics.median(a / b for a, b in zip(times["theirs"], times["ours"], strict=True))
        theirs_rate, ours_rate = (count / statistics.median(times[who]) for who in ("theirs", "ours"))
        rates = f"sentence-transformers {theirs_rate:,.1f} texts/s, Encoder {ours_rate:,.1f}: {ratio:.2f} x"
        print(f"{name}: {tokens / count:.0f} tokens a text; {rates}")
        print(f"  largest difference to each text alone in the library: {worst_difference(ours, chosen[:20]):.1e} of the spread")


if __name__ == "__main__":
    main()
