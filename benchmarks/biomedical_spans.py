"""Does an encoder guess whole entities, and what does its tokenizer make of them? The trained half of BioVocabBERT's question.

    domainbert pretrain --recipe biomedical-vocab --corpus sentences.tsv.gz corpus.options.column=2 --output runs/parts
    domainbert pretrain --recipe biomedical-vocab-learned --corpus sentences.tsv.gz corpus.options.column=2 --output runs/learned
    python benchmarks/biomedical_spans.py runs/parts/model runs/learned/model --mentions test.tsv.gz --max 2000

Files of mentions have a token and its IOB tag a line, and blank lines between sentences. Each mention in turn is hidden whole, its sentence
stays; it is right where every piece is the likeliest one. Bits a character compare tokenizers that cut mentions into different numbers
of pieces; the pieces of one mention are guessed apart, as the model gives them.
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from domainbert.corpus.open import open_source

Mention = tuple[str, int, int]
BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--mentions", nargs="+", type=Path, required=True)
    parser.add_argument("--max", type=int, default=2000, help="mentions, evenly spread")
    arguments = parser.parse_args()
    every = [mention for path in arguments.mentions for mention in read_mentions(path)]
    mentions = every[:: max(1, -(-len(every) // arguments.max))]
    print(f"{len(mentions):,} of {len(every):,} mentions\n")
    print("| model | pieces a mention | right | bits a character |\n| --- | ---: | ---: | ---: |")
    for model in arguments.models:
        pieces, right, bits = score(model, mentions)
        print(f"| {model} | {pieces:.2f} | {right:.2%} | {bits:.3f} |")


def read_mentions(path: Path) -> Iterator[Mention]:
    """Sentences of tokens with blanks between them, with start and end of one mention each."""
    with open_source(path) as source, source.text("utf-8") as file:
        for sentence in file.read().split("\n\n"):
            rows = [line.split("\t") for line in sentence.splitlines() if "\t" in line]
            text, spans, at = " ".join(row[0] for row in rows), [], 0
            for token, tag in ((row[0], row[-1]) for row in rows):
                if tag.startswith("B"):
                    spans.append([at, at])
                if tag[0] in "BI" and spans:
                    spans[-1][1] = at + len(token)
                at += len(token) + 1
            yield from ((text, start, end) for start, end in spans)


@torch.inference_mode()
def score(folder: str, mentions: list[Mention]) -> tuple[float, float, float]:
    """Pieces a mention, share of mentions of which every piece is right, bits a character."""
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    pieces = right = letters = 0
    nats = 0.0
    for begin in range(0, len(mentions), BATCH):
        lot = mentions[begin : begin + BATCH]
        batch = tokenizer([text for text, _, _ in lot], return_tensors="pt", padding=True, truncation=True, return_offsets_mapping=True)
        starts, ends = batch.pop("offset_mapping").unbind(-1)
        first, last = (torch.tensor([mention[place] for mention in lot])[:, None] for place in (1, 2))
        hidden = (starts < last) & (ends > first) & (ends > starts)
        inputs = batch.input_ids.masked_fill(hidden, tokenizer.mask_token_id)
        logits = model(inputs, attention_mask=batch.attention_mask).logits.log_softmax(-1)
        hit = (logits.argmax(-1) == batch.input_ids) | ~hidden
        right += int((hit.all(1) & hidden.any(1)).sum())
        nats -= float(logits.gather(-1, batch.input_ids[..., None])[..., 0][hidden].sum())
        pieces, letters = pieces + int(hidden.sum()), letters + sum(end - start for _, start, end in lot)
    return pieces / len(mentions), right / len(mentions), nats / math.log(2) / letters


if __name__ == "__main__":
    main()
