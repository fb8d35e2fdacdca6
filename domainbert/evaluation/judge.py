"""Scores model folders on one held-out text, each with its own tokenizer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from domainbert.adapters.base import Adapter
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.embedding.loading import longest, quiet_transformers
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.model import load_base, load_base_tokenizer
from domainbert.errors import CorpusError
from domainbert.evaluation.held_out import HeldOut
from domainbert.recipe.schema import Corpus
from domainbert.tokenization.spans import read_vocabulary

_LENGTH = 512  # tokens of a window, at most
_MICRO_BATCH = 8192


class Judge:
    """Bits per hidden letter of a model on a text.

    Args:
        adapter: spells and hides the text.
        store: all of it held out.
    """

    def __init__(self, adapter: Adapter, store: TokenStore) -> None:
        self.adapter, self.store = adapter, store

    def __call__(self, folder: Path) -> float:
        """Bits of the first figure that the domain gives."""
        tokenizer = load_base_tokenizer(str(folder))
        vocabulary = read_vocabulary(tokenizer, self.adapter)
        with quiet_transformers():
            model = load_base(str(folder))
        length = min(_LENGTH, longest(model, tokenizer, wanted=0, name=str(folder)))
        held_out = HeldOut(
            [self.store], self.adapter, vocabulary, max_length=length, micro_batch_tokens=_MICRO_BATCH, tokenizer=tokenizer
        )
        if not held_out.kinds:
            raise CorpusError(f"{', '.join(file.path for file in self.store.manifest.sources)}: too short, nothing of it can be hidden")
        encoder = PackedEncoder(model)
        bits = next(iter(held_out.full(encoder).values())).bits
        encoder.release()
        return bits


@contextmanager
def judge_on(adapter: Adapter, corpus: Corpus, *, tokenizer_of: Path, seed: int = 0) -> Iterator[Judge]:
    """A judge of a corpus that is held out as a whole; its store goes with the block.

    Args:
        adapter: of the corpus, with its options.
        corpus: of role ``validation``.
        tokenizer_of: a model folder whose tokenizer the store is made with.
        seed: of nothing but views.

    Raises:
        CorpusError: the corpus cannot be read.
    """
    with TemporaryDirectory(prefix="domainbert-") as place:
        tokenizer = load_base_tokenizer(str(tokenizer_of), adapter=adapter)
        yield Judge(adapter, build_store(adapter, corpus, Path(place) / "store", make_tokenizer=lambda _: tokenizer, seed=seed))
