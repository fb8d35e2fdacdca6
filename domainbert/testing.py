"""The contract that every adapter keeps, as a check that authors of adapters call in their own tests.

from domainbert.testing import check_adapter

def test_contract():
    check_adapter(MyAdapter())
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from domainbert.adapters.base import Adapter, Drops, Record

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MAX_LENGTH = 512  # tokens
MAX_CHARACTERS = 200_000  # encoded by every kind of tokenizer; a few seconds' worth


def check_adapter(adapter: Adapter, *, num_records: int = 10, kinds: tuple[str, ...] | None = None) -> None:
    """Check an adapter on its own sample and probes.

    Args:
        adapter: with the options to check.
        num_records: of the sample that are read and encoded.
        kinds: of tokenizers to build, with their default options; when absent, all that read what the adapter's options write.

    Raises:
        AssertionError: a promise of ``domainbert.adapters.base.Adapter`` is broken; the message says which, and on what.
    """
    probes = [Record(f"probe {number}", text, "probe") for number, text in enumerate(adapter.probes())]
    records = _check_canonical_text(adapter, [*probes, *_check_records(adapter, num_records)])
    texts = [record.text for record in records]
    _check_mirror(adapter, texts)
    _check_units(adapter, texts)
    _check_views(adapter, records)
    _check_tasks(adapter, texts)
    reading = tuple(kind for kind in adapter.tokenizer_kinds if not adapter.tokenizer_problem(kind, adapter.options))
    for kind in reading if kinds is None else kinds:
        _check_tokenizer(adapter, kind, records)


def _check_records(adapter: Adapter, num_records: int) -> list[Record]:
    """The sample streams and is the same each time, and ``records("sample")`` reads it."""
    samples = [list(islice(adapter.sample(), num_records)) for _ in range(2)]
    _expect(isinstance(adapter.sample(), Iterator), "sample() does not stream: it must return an iterator")
    _expect(bool(samples[0]), "sample() yields nothing")
    _expect(samples[0] == samples[1], "sample() differs between two calls")
    drops = Drops()
    read, again = (list(islice(adapter.records("sample", drops=drops), num_records)) for _ in range(2))
    _expect(read == again, "records('sample') differs between two calls")
    _expect(bool(read) and drops.rate < 1, f"records('sample') drops every entry: {dict(drops.counts)}")
    for record in [*samples[0], *read]:
        _expect(bool(record.id and record.text and record.group), f"record {record.id!r} of the sample lacks id, text or group")
    return read


def _check_canonical_text(adapter: Adapter, raw: list[Record]) -> list[Record]:
    """``canonicalize`` has a version and is idempotent; returns the records with canonical text."""
    _expect(bool(adapter.canonical_version), "canonical_version is empty")
    _expect(bool(adapter.probes()), "probes() is empty")
    for record in raw:
        text = adapter.canonicalize(record.text)
        _expect(bool(text), f"canonicalize() leaves nothing of {_shown(record.text)}")
        _expect(adapter.canonicalize(text) == text, f"canonicalize() is not idempotent on {_shown(record.text)}")
    return [replace(record, text=adapter.canonicalize(record.text)) for record in raw]


def _check_mirror(adapter: Adapter, texts: list[str]) -> None:
    """``mirror`` twice gives the same text back, keeps it canonical, and turns concatenation around."""
    for left, right in pairwise([*texts, texts[0]]):
        mirrored, other = adapter.mirror(left), adapter.mirror(right)
        if mirrored is None or other is None:
            _expect(mirrored is other, "mirror() is None for one text and not for another")
            continue
        _expect(adapter.mirror(mirrored) == left, f"mirror() twice does not give back {_shown(left)}")
        _expect(adapter.canonicalize(mirrored) == mirrored, f"mirror() of {_shown(left)} is not canonical")
        _expect(adapter.mirror(left + right) == other + mirrored, f"mirror(a + b) is not mirror(b) + mirror(a) for a = {_shown(left)}")


def _check_units(adapter: Adapter, texts: list[str]) -> None:
    """Units are not empty, ascend, do not overlap, and lie inside the text."""
    for unit in adapter.unit_names:
        for text in ["", *texts]:
            spans = adapter.units(text, unit)
            what = f"units({unit!r}) of {_shown(text)}"
            _expect(spans.shape == (len(spans), 2), f"{what} have shape {spans.shape}, not (N, 2)")
            _expect(bool(np.all(spans[:, 0] < spans[:, 1])), f"{what}: one is empty")
            _expect(bool(np.all(spans[1:, 0] >= spans[:-1, 1])), f"{what} overlap or do not ascend")
            _expect(bool(np.all((spans >= 0) & (spans <= len(text)))), f"{what} lie outside the text")
    _expect_refusal(lambda: adapter.units("", "no such unit"), "units() accepts a unit that it does not have")


def _check_views(adapter: Adapter, records: list[Record]) -> None:
    """A view keeps id, group and label, is canonical or another spelling of the same entry, and follows from the generator alone."""
    for name in adapter.view_names:
        for record in records:
            view = adapter.view(name, record, np.random.default_rng(1))
            what = f"view {name!r} of {_shown(record.text)}"
            _expect((view.id, view.group, view.label) == (record.id, record.group, record.label), f"{what} changes id, group or label")
            _expect(adapter.canonicalize(view.text) in (view.text, record.text), f"{what} is not canonical, and not led back to its record")
            _expect(view == adapter.view(name, record, np.random.default_rng(1)), f"{what} does not follow from its generator")
    missing = "no such view"
    _expect_refusal(lambda: adapter.view(missing, records[0], np.random.default_rng(1)), "view() accepts a view that it does not have")


def _check_tasks(adapter: Adapter, texts: list[str]) -> None:
    """Canonical text is an entry that stays what it is; groups are names; baselines make a row of each text, with the rows it learned."""
    entries = list(adapter.entries(texts))
    _expect(len(entries) == len(texts), f"entries() gives {len(entries)} of {len(texts)} texts")
    for text, (entry, reason) in zip(texts, entries, strict=True):
        what = f"entries() of {_shown(text)}"
        _expect(bool(entry) != bool(reason), f"{what}: a text or a reason is wanted, not both or none")
        _expect(entry in ("", text), f"{what}, which is canonical, gives {_shown(entry)}")
        _expect(isinstance(adapter.group(text), str), f"group() of {_shown(text)} is no string")
    for baseline in adapter.baselines():
        rows = baseline.features().fit(texts).transform(texts)
        _expect(rows.shape[0] == len(texts), f"baseline {baseline.name!r} makes {rows.shape[0]} rows of {len(texts)} texts")


def _check_tokenizer(adapter: Adapter, kind: str, records: list[Record]) -> None:
    """A tokenizer loses nothing, is whole in its folder, and the fast encoder gives its ids."""
    from domainbert.tokenization.check import check_tokenizer, comparable

    tokenizer = adapter.tokenizer(kind, adapter.tokenizer_kinds[kind](), iter(records), model_max_length=MAX_LENGTH)
    check_tokenizer(tokenizer, adapter)
    what = f"tokenizer {kind!r}"
    _expect(tokenizer.model_max_length == MAX_LENGTH, f"{what} has model_max_length {tokenizer.model_max_length}, not the one asked for")
    _expect(None not in (tokenizer.mask_token_id, tokenizer.pad_token_id), f"{what} lacks a mask or a padding token")
    targets = {token for token in tokenizer.get_vocab() if adapter.is_target(token)}
    _expect(bool(targets), f"{what} has no entry that is_target() accepts")
    _expect(targets.isdisjoint(tokenizer.all_special_tokens), f"is_target() accepts a special token of {what}")
    if adapter.separator:
        _expect(adapter.separator in tokenizer.get_vocab(), f"{what} has no token for the separator {_shown(adapter.separator)}")
        _expect(not adapter.is_target(adapter.separator), f"is_target() accepts the separator {_shown(adapter.separator)}")
    loaded = _saved_and_loaded(tokenizer)
    _expect(loaded.get_vocab() == tokenizer.get_vocab(), f"{what} has another vocabulary after saving and loading")
    fast = adapter.fast_encoder(loaded)
    num_characters = 0
    for record in records:
        num_characters += len(record.text)
        if num_characters > MAX_CHARACTERS:
            break
        text, ids = record.text, _ids(tokenizer, record.text)
        _expect(tokenizer.unk_token_id not in ids, f"{what} gives an unknown token on {_shown(text)}")
        given_back = comparable(str(tokenizer.decode(ids)), tokenizer) == comparable(text, tokenizer)
        _expect(given_back, f"{what} does not give back {_shown(text)}")
        _expect(_ids(loaded, text, True) == _ids(tokenizer, text, True), f"{what}, saved and loaded, gives other ids on {_shown(text)}")
        if fast is not None:
            _expect(fast(text).tolist() == ids, f"fast_encoder() and {what} differ on {_shown(text)}")


def _ids(tokenizer: "PreTrainedTokenizerFast", text: str, add_special_tokens: bool = False) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=add_special_tokens, truncation=False, verbose=False)["input_ids"]
    return ids


def _saved_and_loaded(tokenizer: "PreTrainedTokenizerFast") -> "PreTrainedTokenizerFast":
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    from domainbert.tokenization.check import save_tokenizer

    with TemporaryDirectory() as folder:
        save_tokenizer(tokenizer, Path(folder))
        loaded = AutoTokenizer.from_pretrained(folder)
    if not isinstance(loaded, PreTrainedTokenizerFast):
        raise AssertionError(f"AutoTokenizer loads a {type(loaded).__name__}")
    return loaded


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")  # noqa: PLR2004  # of a line


def _expect_refusal(call: Callable[[], object], message: str) -> None:
    try:
        call()
    except ValueError:
        return
    raise AssertionError(message)


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
