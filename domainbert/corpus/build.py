"""From source files to a token store, in two passes and with constant memory."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from domainbert.adapters.base import Adapter, Record
from domainbert.corpus.encode import Encoder
from domainbert.corpus.prepare import Prepared, TrainingSample, prepare
from domainbert.corpus.rows import Rows
from domainbert.corpus.sources import source_files
from domainbert.corpus.staging import Report
from domainbert.corpus.store import Manifest, SourceFile, TokenStore
from domainbert.corpus.views import Views, require_views
from domainbert.corpus.weights import WEIGHTS, token_weights
from domainbert.corpus.writer import StoreWriter, Totals, token_dtype
from domainbert.durable import whole_folder
from domainbert.recipe.schema import Corpus
from domainbert.tokenization.check import save_tokenizer
from domainbert.tokenization.spans import read_vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MakeTokenizer = Callable[[Iterable[Record]], "PreTrainedTokenizerFast"]


def build_store(
    adapter: Adapter, corpus: Corpus, output: Path, *, make_tokenizer: MakeTokenizer, seed: int, report: Report | None = None
) -> TokenStore:
    """Build the token store of a corpus at ``output``: whole or not at all.

    Args:
        adapter: of the corpus, with its options.
        corpus: sources, split and views.
        output: a folder that does not exist yet, or is empty.
        make_tokenizer: gets training records of canonical text to learn from, see ``TrainingSample``.
        seed: of the split and of random views.
        report: called with a phase ("reading", "encoding") and the characters done in it.

    Raises:
        CorpusError: a source cannot be read, too many entries were dropped, nothing is left, or a group glob matches nothing.
        OutputError: the output is taken, or the disk is full.
        TokenizerError: the adapter's quick encoder and its tokenizer disagree.
    """
    report = report or _silent
    require_views(adapter, corpus)
    files = source_files(adapter, corpus.sources)
    with whole_folder(output) as folder, _settled_heap():
        prepared = prepare(adapter, corpus, folder, seed=seed, report=report)
        tokenizer = make_tokenizer(TrainingSample(prepared))
        save_tokenizer(tokenizer, folder / "tokenizer")
        totals = _write(prepared, adapter, corpus, tokenizer, folder, seed=seed, report=report)
        prepared.staging.remove()
        _manifest(prepared, adapter, corpus, tokenizer, totals, files, folder, seed=seed).write(folder)
    return TokenStore(output)


def _write(
    prepared: Prepared,
    adapter: Adapter,
    corpus: Corpus,
    tokenizer: "PreTrainedTokenizerFast",
    folder: Path,
    *,
    seed: int,
    report: Report,
) -> Totals:
    encode = Encoder(adapter, tokenizer)
    views = Views(adapter, corpus, seed)
    has_weights = prepared.staging.has_weights
    vocabulary = read_vocabulary(tokenizer, adapter) if has_weights else None
    # Where nothing was left out and nothing is added, the staged text is the store's text already.
    text = None if any(corpus.views.values()) or prepared.duplicate.any() else prepared.staging.text
    with StoreWriter(folder, dtype=token_dtype(len(tokenizer)), has_weights=has_weights, text=text) as writer:
        for original in prepared.rows():
            for rows in (original, *views(original)):
                texts = rows.texts()
                ids, counts = encode(texts)
                weights = token_weights(tokenizer, vocabulary, texts, _spans(rows), ids, counts) if vocabulary else None
                writer.add(rows, ids, counts, weights)
                report("encoding", writer.totals.num_characters)
    return writer.totals


def _spans(rows: Rows) -> list[str]:
    return [dict(meta or ()).get(WEIGHTS, "") for meta in rows.origins["meta"].to_pylist()]


def _manifest(
    prepared: Prepared,
    adapter: Adapter,
    corpus: Corpus,
    tokenizer: "PreTrainedTokenizerFast",
    totals: Totals,
    files: tuple[SourceFile, ...],
    folder: Path,
    *,
    seed: int,
) -> Manifest:
    drops = prepared.drops
    return Manifest(
        adapter=adapter.name,
        canonical_version=adapter.canonical_version,
        options=asdict(adapter.options),
        tokenizer_sha256=sha256((folder / "tokenizer" / "tokenizer.json").read_bytes()).hexdigest(),
        vocabulary_size=len(tokenizer),
        dtype=token_dtype(len(tokenizer)),
        num_records=totals.num_records,
        num_tokens=totals.num_tokens,
        num_characters=totals.num_characters,
        num_entries=prepared.staging.num_entries - int(prepared.duplicate.sum()),
        drops=dict(drops.counts),
        first_drops=dict(drops.first),
        trimmed=dict(drops.trimmed),
        altered=dict(drops.altered),
        sources=files,
        split=_split_summary(prepared, corpus, totals, seed),
        has_weights=prepared.staging.has_weights,
    )


def _split_summary(prepared: Prepared, corpus: Corpus, totals: Totals, seed: int) -> str:
    """How the corpus was split, for people."""
    split = prepared.split
    share = f"{totals.characters['validation'] / prepared.num_characters:.2%} of the characters held out"
    if split.rule == "fraction":
        parts = [f"{split.num_groups:,} whole {'group' if split.num_groups == 1 else 'groups'}"] if split.num_groups else []
        if split.block_group is not None:
            parts.append("one block at the end of the largest group left")
        return f"{share}: {' and '.join(parts)} (validation_fraction {corpus.validation_fraction:g}, seed {seed})"
    if split.rule == "globs":
        return f"{share}: groups {', '.join(corpus.validation_groups)}"
    return "all held out (role validation)" if split.rule == "all" else "nothing held out (validation_fraction 0)"


@contextmanager
def _settled_heap() -> Iterator[None]:
    """Spare what is there already: as records come and go, the collector would visit a million objects of libraries again and again."""
    is_ours = gc.get_freeze_count() == 0
    if is_ours:
        gc.freeze()
    try:
        yield
    finally:
        if is_ours:
            gc.unfreeze()


def _silent(phase: str, characters: int) -> None:
    """Report nothing."""
