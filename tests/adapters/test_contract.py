"""The contract, for every registered adapter; and that it notices an adapter that breaks it."""

from dataclasses import replace

import pytest

from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.registry import list_adapters, load_adapter
from domainbert.testing import check_adapter


@pytest.mark.invariant
@pytest.mark.parametrize("name", [listing.name for listing in list_adapters()])
def test_adapter_keeps_the_contract(name):
    check_adapter(load_adapter(name))


class ForgetsCase(DnaAdapter):
    def canonicalize(self, text):
        return text.swapcase()


class Shifts(DnaAdapter):
    def mirror(self, text):
        return super().mirror(text[1:] + text[:1])


class Overlaps(DnaAdapter):
    def units(self, text, unit):
        spans = super().units(text, unit)
        spans[:-1, 1] += 1
        return spans


class Straddles(DnaAdapter):
    def view(self, name, record, rng):
        return replace(super().view(name, record, rng), group="other")


class PredictsPadding(DnaAdapter):
    def is_target(self, token):
        return token != "N"


class EncodesElse(DnaAdapter):
    def fast_encoder(self, tokenizer):
        encode = super().fast_encoder(tokenizer)
        return encode and (lambda text: encode(text)[::-1])


class RespellsEntries(DnaAdapter):
    def entries(self, texts):
        return ((text[::-1], "") for text in texts)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (ForgetsCase, "not idempotent"),
        (Shifts, "mirror"),
        (Overlaps, "overlap"),
        (Straddles, "changes id, group or label"),
        (PredictsPadding, "accepts a special token"),
        (EncodesElse, "fast_encoder"),
        (RespellsEntries, "which is canonical, gives"),
    ],
)
def test_broken_adapter_is_noticed(broken, message):
    with pytest.raises(AssertionError, match=message):
        check_adapter(broken(), num_records=1, kinds=("kmer",))
