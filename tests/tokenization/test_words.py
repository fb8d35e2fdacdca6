"""Texts looked up together have the ids that each has alone."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domainbert.adapters.base import Record
from domainbert.adapters.registry import load_adapter
from domainbert.corpus.encode import Encoder
from domainbert.tokenization.words import WordTable


@pytest.fixture(scope="module")
def encoders():
    found = {}
    for name in ("urls", "french"):
        adapter = load_adapter(name)
        options = next(iter(adapter.tokenizer_kinds.values()))()
        records = [Record("", adapter.canonicalize(probe), "") for probe in adapter.probes() * 12]
        tokenizer = adapter.tokenizer(next(iter(adapter.tokenizer_kinds)), options, records, model_max_length=64)
        assert isinstance(adapter.fast_encoder(tokenizer), WordTable)
        exact = Encoder(adapter, tokenizer)._backend
        found[name] = (adapter, Encoder(adapter, tokenizer), exact)
    return found


@pytest.mark.parametrize("name", ["urls", "french"])
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=6))
@example(texts=["", "a\0b", "l'", "été"])
@example(texts=["a.com/x", "l'", "arbre", "12", "34", "", "\n"])
@example(texts=["[DOMAIN]a.com", "%4", "1%"])
@example(texts=["l'été", "Привет", "aujourd'", "hui"])
def test_texts_together_and_alone(encoders, name, texts):
    adapter, encode, exact = encoders[name]
    canonical = [adapter.canonicalize(text) for text in texts]
    for several in (texts, canonical) if name == "urls" else (canonical,):
        ids, counts = encode(several)
        alone = [exact.encode(text, add_special_tokens=False).ids for text in several]
        assert counts.tolist() == [len(found) for found in alone]
        assert ids.tolist() == [identifier for found in alone for identifier in found]
