"""What counting reaches on a corpus, with letters visible and hidden: the opponents that a model has to beat.

    python benchmarks/count_baselines.py --adapter dna sample
    python benchmarks/count_baselines.py --adapter dna genome.gbk.gz

Of several records every eighth is held out (the 3rd, 11th, 19th ...), of a single one the last fifth. Training text is
counted in both readings where the domain has two. Hidden letters are 15 % of windows of 254: single ones, and aligned
blocks of the adapter's length.
"""

import argparse
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Adapter
from domainbert.adapters.registry import load_adapter
from domainbert.evaluation.baselines import Score, best_one_sided, best_two_sided, count_tables, hidden_scores, visible_scores
from domainbert.evaluation.leakage import repeat_share

WINDOW = 254
RATE = 0.15
Codes = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--adapter", default="dna")
    arguments = parser.parse_args()
    adapter = load_adapter(arguments.adapter)
    assert adapter.alphabet is not None
    letters, unit, block = adapter.alphabet.letters, adapter.alphabet.unit, adapter.alphabet.block
    train, held_out = split(texts(adapter, arguments.source))
    began = time.perf_counter()
    counts = count_tables((codes(text, letters) for text in readings(adapter, train)), num_letters=len(letters))
    seconds = time.perf_counter() - began
    print(f"counted {int(counts.tables[0][0]):,} letters in {seconds:.2f} s")
    windows = [codes(text[at : at + WINDOW], letters) for text in held_out for at in range(0, len(text) - WINDOW + 1, WINDOW)]
    rng = np.random.default_rng(0)
    show(f"every {unit} visible but the predicted one", visible_scores(counts, [codes(text, letters) for text in held_out]))
    show(f"15 % of single {unit}s hidden", hidden_scores(counts, windows, [hide(rng, 1) for _ in windows]))
    if block > 1:
        show(f"15 % of aligned blocks of {block} hidden", hidden_scores(counts, windows, [hide(rng, block) for _ in windows]))
    share = repeat_share(train, held_out, mirror=adapter.mirror)
    print(f"{100 * share:.1f} % of held-out {unit}s lie in stretches of 31 that training text holds too")


def texts(adapter: Adapter, source: str) -> dict[str, list[str]]:
    """Canonical text by group, the pieces of a record joined where they touch."""
    groups: dict[str, list[str]] = {}
    end = {"": 0}
    for record in adapter.records(source):
        pieces = groups.setdefault(record.group, [])
        start = int(record.meta.get("start", 0))
        if pieces and end.get(record.id) == start:
            pieces[-1] += adapter.canonicalize(record.text)
        else:
            pieces.append(adapter.canonicalize(record.text))
        end = {record.id: start + len(record.text)}
    return groups


def split(groups: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    """Training and held-out texts."""
    if len(groups) == 1:
        whole = "".join(*groups.values())
        cut = len(whole) - len(whole) // 5
        return [whole[:cut]], [whole[cut:]]
    sides: tuple[list[str], list[str]] = ([], [])
    for number, pieces in enumerate(groups.values()):
        sides[number % 8 == 2].extend(pieces)
    return sides


def readings(adapter: Adapter, train: Sequence[str]) -> Iterator[str]:
    for text in train:
        yield text
        other = adapter.mirror(text)
        if other is not None:
            yield other


def codes(text: str, letters: str) -> Codes:
    table = np.full(256, len(letters), np.uint8)
    table[np.frombuffer(letters.encode(), np.uint8)] = np.arange(len(letters))
    return table[np.frombuffer(text.encode("latin-1", "replace"), np.uint8)]


def hide(rng: np.random.Generator, block: int) -> NDArray[np.bool_]:
    hidden = np.zeros(WINDOW, np.bool_)
    num_blocks = WINDOW // block
    hidden[: num_blocks * block] = np.repeat(rng.random(num_blocks) < RATE, block)
    return hidden


def show(title: str, scores: Sequence[Score]) -> None:
    print(f"{title}: {scores[0].num_letters:,} letters")
    for family, best in (("order", best_one_sided(scores)), ("two-sided", best_two_sided(scores))):
        figures = [f"{score.name.removeprefix(family).strip()} {score.bits:.3f}" for score in scores if score.name.startswith(family)]
        print(f"  {family}: {', '.join(figures)} (best: {best.name})")


if __name__ == "__main__":
    main()
