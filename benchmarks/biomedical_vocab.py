"""Do word parts make better pieces? Two vocabularies of one size on gold morphemes (BioVocabBERT's question, arXiv 2306.17649).

    python benchmarks/biomedical_vocab.py sentences.tsv.gz dev_bio_words.tsv.gz --column 2

Each kind of tokenizer learns on the same text. Gold words come as the Bio-Tokenization repository has them: the word
in column ``0``, its morphemes in ``1_x``, joined by " @@". Their spelling is the dictionary's (radio @@sensitive
@@ize @@ing), so they are aligned to the word by edit distance; a boundary counts as found where a piece begins. The
table also gives how many gold morphemes are pieces, spelled alike.
"""

import argparse
import csv
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from domainbert.adapters.biomedical import BiomedicalAdapter
from domainbert.adapters.biomedical.options import BiomedicalOptions
from domainbert.corpus.open import open_source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("gold", type=Path)
    parser.add_argument("--column", default="")
    parser.add_argument("--vocabulary-size", type=int, default=8192)
    arguments = parser.parse_args()
    adapter = BiomedicalAdapter(BiomedicalOptions(column=arguments.column))
    words = read_gold(arguments.gold)
    print(f"{len(words):,} words, {sum(len(parts) for _, parts in words):,} morphemes; {arguments.vocabulary_size:,} entries")
    print("kind        pieces a word  boundary precision  recall     F1  morpheme precision  recall     F1")
    for kind, options in BiomedicalAdapter.tokenizer_kinds.items():
        records = adapter.records(arguments.corpus)
        tokenizer = adapter.tokenizer(kind, options(arguments.vocabulary_size), records, model_max_length=512)
        pieces = [spans(tokenizer, word) for word, _ in words]
        show(kind, words, pieces)


def spans(tokenizer: PreTrainedTokenizerFast, word: str) -> list[tuple[int, int]]:
    """Where the pieces of a word lie when it stands behind a blank, as words do."""
    offsets = tokenizer(f" {word}", add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return [(max(start - 1, 0), end - 1) for start, end in offsets if end > 1]


def show(kind: str, words: list[tuple[str, list[str]]], pieces: list[list[tuple[int, int]]]) -> None:
    edges = [({start for start, _ in found if start}, boundaries(word, parts)) for (word, parts), found in zip(words, pieces, strict=True)]
    names = [({word[start:end] for start, end in found}, set(parts)) for (word, parts), found in zip(words, pieces, strict=True)]
    mean = sum(map(len, pieces)) / len(pieces)
    figures = "  ".join(f"{value:{5 if place % 3 else 18}.3f}" for place, value in enumerate([*score(edges), *score(names)]))
    print(f"{kind:12s}{mean:13.2f}  {figures}")


def score(pairs: list[tuple[set, set]]) -> tuple[float, float, float]:
    """Precision, recall and F1 over all words together."""
    right = sum(len(found & gold) for found, gold in pairs)
    precision = right / max(sum(len(found) for found, _ in pairs), 1)
    recall = right / max(sum(len(gold) for _, gold in pairs), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def boundaries(word: str, parts: list[str]) -> set[int]:
    """Places in the word where a morpheme but the first begins: of all cuts, the one whose stretches are nearest to the morphemes."""
    best: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for number, part in enumerate(parts):
        after: dict[int, tuple[int, tuple[int, ...]]] = {}
        for begin, (cost, cuts) in best.items():
            ends = [len(word)] if number == len(parts) - 1 else range(begin + 1, len(word))
            for end in ends:
                total = cost + distance(word[begin:end], part)
                if end not in after or total < after[end][0]:
                    after[end] = (total, (*cuts, end))
        best = after
    return set(best[len(word)][1][:-1]) if len(word) in best else set()


def distance(one: str, other: str) -> int:
    """Edit distance (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        previous, row[0] = row[0], place
        for at, against in enumerate(other, start=1):
            previous, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, previous + (letter != against))
    return row[-1]


def read_gold(path: Path) -> list[tuple[str, list[str]]]:
    """Words and their morphemes."""
    with open_source(path) as source, source.text("utf-8") as file:
        return [(row["0"], row["1_x"].split(" @@")) for row in csv.DictReader(file) if row["0"].isalpha()]


if __name__ == "__main__":
    main()
