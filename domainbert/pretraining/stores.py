"""The token stores of a run: built once from the recipe's sources, or opened where a source is a store already."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.adapters.base import Adapter, Record
from domainbert.adapters.registry import adapter_class, load_adapter
from domainbert.corpus.store import MANIFEST, Manifest, TokenStore
from domainbert.engine.folder import RunFolder
from domainbert.errors import RunError, StoreError
from domainbert.recipe.document import fingerprint
from domainbert.recipe.schema import SCRATCH, Corpus, Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_NO_LIMIT = 10**6  # tokens; transformers writes 1e30 where a tokenizer was saved without a limit


def open_stores(folder: RunFolder, recipe: Recipe, *, progress: bool) -> list[TokenStore]:
    """One store for each of the recipe's corpora, in its order, all with one tokenizer.

    Hashes of sources and tokenizer are recorded in ``recipe.json``; a store built again must match them.

    Raises:
        DomainBertError: a source is not usable, a store belongs to another adapter or tokenizer, or a source changed since the
            run began.
    """
    if recipe.model.base != SCRATCH:
        from domainbert.engine.model import load_config, require_own_weights

        load_config(recipe.model.base, revision=recipe.model.revision)  # what is wrong with a base shows before hours of reading
        require_own_weights(Path(recipe.model.base))
    stores: dict[str, TokenStore] = {}
    # Training text first: it is what a tokenizer learns from.
    for corpus in sorted(recipe.corpus, key=lambda corpus: corpus.role != "train"):
        path = store_path(folder, corpus)
        first = next(iter(stores.values()), None)
        if not (path / MANIFEST).is_file():
            _build(path, recipe, corpus, first.tokenizer if first else None, progress=progress)
        stores[corpus.name] = TokenStore(path)
        _check(stores[corpus.name], recipe, corpus, first)
    in_order = [stores[corpus.name] for corpus in recipe.corpus]
    record_stores(folder, recipe, in_order)
    return in_order


def stores_ready(folder: RunFolder, recipe: Recipe) -> bool:
    """Whether another process has built every store of this very recipe."""
    try:
        content = json.loads(folder.recipe.read_text())
    except (OSError, ValueError):
        return False
    built = all((store_path(folder, corpus) / MANIFEST).is_file() for corpus in recipe.corpus)
    return built and content.get("fingerprint") == fingerprint(recipe) and "stores" in content


def store_path(folder: RunFolder, corpus: Corpus) -> Path:
    """Where a corpus's store stands: the source itself if it is one, else inside the run folder."""
    if len(corpus.sources) == 1 and (Path(corpus.sources[0]) / MANIFEST).is_file():
        return Path(corpus.sources[0])
    return folder.stores / corpus.name


def adapter_of(recipe: Recipe, corpus: Corpus) -> Adapter:
    """The adapter that reads a corpus, with its options."""
    return load_adapter(corpus.adapter or recipe.adapter, options=dict(corpus.options))


def _build(path: Path, recipe: Recipe, corpus: Corpus, tokenizer: "PreTrainedTokenizerFast | None", *, progress: bool) -> None:
    from domainbert.corpus.build import build_store
    from domainbert.corpus.progress import store_display

    adapter = adapter_of(recipe, corpus)

    def make(records: Iterable[Record]) -> "PreTrainedTokenizerFast":
        return tokenizer if tokenizer is not None else make_tokenizer(recipe, adapter, records)

    with store_display(enabled=progress) as report:
        build_store(adapter, corpus, path, make_tokenizer=make, seed=recipe.training.seed, report=report)


def make_tokenizer(recipe: Recipe, adapter: Adapter, records: Iterable[Record]) -> "PreTrainedTokenizerFast":
    """The recipe's tokenizer: the base's own, also with more pieces, or one that the adapter makes from ``records``; checked.

    Raises:
        TokenizerError: it does not fit the domain.
        ModelError: the base has none, or was made for another spelling of the input.
    """
    from domainbert.tokenization.check import check_tokenizer

    model = recipe.model
    if recipe.tokenizer.mode == "replace":
        options = type(adapter).tokenizer_kinds[recipe.tokenizer.kind](**recipe.tokenizer.options)
        tokenizer = adapter.tokenizer(recipe.tokenizer.kind, options, records, model_max_length=recipe.training.max_length)
    else:
        from domainbert.engine.model import load_base_tokenizer
        from domainbert.publishing.contract import check_contract

        tokenizer = load_base_tokenizer(model.base, revision=model.revision, adapter=adapter)
        check_contract(Path(model.base), adapter, tokenizer)
        if tokenizer.model_max_length > _NO_LIMIT:
            tokenizer.model_max_length = recipe.training.max_length
        if recipe.tokenizer.mode == "extend":
            from domainbert.tokenization.extend import extend_tokenizer

            tokenizer = extend_tokenizer(tokenizer, (record.text for record in records), recipe.tokenizer.num_pieces)
    check_tokenizer(tokenizer, adapter, learned=recipe.tokenizer.mode == "replace")
    return tokenizer


def _check(store: TokenStore, recipe: Recipe, corpus: Corpus, first: TokenStore | None) -> None:
    """A store that was not built for this run may be another adapter's or another tokenizer's."""
    wanted = adapter_class(corpus.adapter or recipe.adapter)
    manifest = store.manifest
    if (manifest.adapter, manifest.canonical_version) != (wanted.name, wanted.canonical_version):
        raise StoreError(
            f"{store.folder}: made by adapter {manifest.adapter} ({manifest.canonical_version}), this run reads "
            f"{wanted.name} ({wanted.canonical_version}); build it again with: domainbert corpus build --adapter {wanted.name} ..."
        )
    adapter = adapter_of(recipe, corpus)
    if manifest.options != asdict(adapter.options):
        _check_spelling(store, adapter)
    if first is not None and first.manifest.tokenizer_sha256 != manifest.tokenizer_sha256:
        raise StoreError(f"{store.folder}: made with another tokenizer than {first.folder}; build one of them again")
    if first is None and recipe.tokenizer.mode == "keep":
        own = make_tokenizer(recipe, adapter, ())
        if own.backend_tokenizer.to_str() != store.tokenizer.backend_tokenizer.to_str():
            raise StoreError(f"{store.folder}: was not made with the tokenizer of {recipe.model.base}; give its sources instead")


def _check_spelling(store: TokenStore, adapter: Adapter) -> None:
    """What the options of a store and of the run write must be the same; how files were read does not matter any more."""
    from domainbert.publishing.contract import spelling_options

    known = {name: value for name, value in store.manifest.options.items() if name in asdict(adapter.options)}
    then, now = spelling_options(type(adapter)(adapter.Options(**known))), spelling_options(adapter)
    if then != now:
        held, given = (", ".join(f"{name} = {value!r}" for name, value in each.items()) or "the defaults" for each in (then, now))
        raise StoreError(f"{store.folder}: its text was spelled with {held}, this run has {given}; set the same under corpus.options")


def record_stores(folder: RunFolder, recipe: Recipe, stores: list[TokenStore]) -> None:
    """Note the hashes of sources and tokenizer in ``recipe.json``.

    Raises:
        RunError: others stand there.
    """
    names = [corpus.name for corpus in recipe.corpus]
    now = {name: _identity(store.manifest) for name, store in zip(names, stores, strict=True)}
    content = folder.read_recipe()
    for name, then in content.get("stores", {}).items():
        if then != now[name]:
            raise RunError(
                f"{folder.path}: the sources or the tokenizer of corpus {name!r} are not those that the run began with; "
                "restore them, or start a new run"
            )
    if "stores" not in content:
        folder.write_json(folder.recipe, {**content, "stores": now})


def _identity(manifest: Manifest) -> dict[str, Any]:
    return {
        "sources": [asdict(source) for source in manifest.sources],
        "tokenizer_sha256": manifest.tokenizer_sha256,
        "num_tokens": manifest.num_tokens,
        "num_records": manifest.num_records,
        "drops": manifest.drops,
    }
