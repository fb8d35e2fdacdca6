"""How well models predict unlabelled text: the model, its base and random weights on the same letters, whatever their tokenizers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForMaskedLM, PreTrainedModel, PreTrainedTokenizerFast

from domainbert.adapters.base import Adapter, Record
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.embedding.loading import longest, model_folder, quiet_transformers, warn_misfit
from domainbert.engine.encoder import PackedEncoder
from domainbert.engine.families import family_of
from domainbert.engine.model import load_base, load_base_tokenizer, load_config
from domainbert.engine.proof import proven_layout
from domainbert.errors import CorpusError, DomainBertError
from domainbert.evaluation.held_out import HeldOut
from domainbert.evaluation.likelihood import diffusion_bound, pseudo_perplexity
from domainbert.evaluation.report import best, columns
from domainbert.publishing.contract import Contract, check_contract
from domainbert.recipe.schema import Corpus
from domainbert.tokenization.spans import Vocabulary, read_vocabulary

MEASURES = ("masked", "diffusion", "pseudo")
MICRO_BATCH_TOKENS = 4096
MAX_LENGTH = 512
VIEW_SEED = 4_11  # fixed for good: every model meets the same spelling
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TextRequest:
    """What is measured on text.

    Args:
        sources: of text that the models have not seen; without any, what the run held out.
        measures: of ``MEASURES``.
        num_draws: of the masked-diffusion bound.
        num_scored: tokens of pseudo-perplexity.
        views: of the adapter: the text once more in each of these spellings, ``masked`` only.
    """

    sources: tuple[str, ...] = ()
    measures: tuple[str, ...] = ("masked",)
    num_draws: int = 16
    num_scored: int = 1000
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """A model with what it needs to read text.

    Args:
        name: for people.
        role: ``model``, ``base`` or ``random``.
        encoder: the model.
        tokenizer: its own.
        vocabulary: of the tokenizer.
        max_length: tokens of a window.
    """

    name: str
    role: str
    encoder: PackedEncoder
    tokenizer: PreTrainedTokenizerFast
    vocabulary: Vocabulary
    max_length: int


def measure_texts(
    request: TextRequest, model: str, against: str, adapter: Adapter, stores: Sequence[TokenStore], report: Report
) -> dict[str, Any]:
    """Figures of every reader on the same text.

    Args:
        request: what is asked.
        model: a run folder, a model folder or a Hub id.
        against: another one; empty for none.
        adapter: reads and spells the text.
        stores: of the run that made the model, where it is known.
        report: is told what is going on.

    Raises:
        DomainBertError: a model has no masked-LM head, the text cannot be used, or the adapter has no such view.
    """
    _require_views(request, adapter)
    readers = [_reader(str(model_folder(model)), adapter, "this model", "model")]
    if against:
        readers.append(_reader(str(model_folder(against)), adapter, f"base: {Path(against).name or against}", "base"))
    readers.append(_with_random_weights(readers[0], str(model_folder(model))))
    length = min(reader.max_length for reader in readers)
    with TemporaryDirectory(prefix="domainbert-") as folder:
        texts = [_store(request.sources, adapter, readers[0].tokenizer, Path(folder) / "store")] if request.sources else list(stores)
        if not texts or not any(len(store.indexes("validation")) for store in texts):
            raise CorpusError(f"{model}: no text of its own was held out, or it is not there any more; name some with --corpus SRC")
        held_out_of: Callable[[Sequence[TokenStore]], HeldOut] = partial(
            HeldOut, adapter=adapter, vocabulary=readers[0].vocabulary, max_length=length, micro_batch_tokens=MICRO_BATCH_TOKENS,
            tokenizer=readers[0].tokenizer, letters=length - max(reader.vocabulary.num_special for reader in readers), counted=stores,
        )  # fmt: skip
        held_out = held_out_of(texts)
        lines = []
        for reader in readers:
            report(f"{reader.name}: {', '.join(request.measures)}")
            lines.append(_measured(request, reader, held_out))
        views = {}
        for view in request.views:
            report(f"view {view}: masked")
            rewritten = [_Rewritten(store, adapter, view) for store in texts]
            views[view] = _in_view(rewritten, readers, held_out_of(rewritten))
        counts = _counts(held_out) if "masked" in request.measures else {}
        return {**_about(held_out), "models": lines, "counts": counts, "views": views}


class _Rewritten(TokenStore):
    """A store whose text is read in another spelling; its tokens stay those of the first one."""

    def __init__(self, store: TokenStore, adapter: Adapter, view: str) -> None:
        super().__init__(store.folder)
        self._adapter, self._view = adapter, view
        self.read: dict[int, bool] = {}
        """Whether each record that was read reads otherwise."""

    def text(self, index: int) -> str:
        """The record as the view spells it, the same at every call."""
        text = super().text(index)
        rewritten = self._adapter.view(self._view, Record("", text, ""), np.random.default_rng([VIEW_SEED, index])).text
        self.read[index] = rewritten != text
        return rewritten


def _in_view(stores: Sequence[_Rewritten], readers: Sequence[Reader], held_out: HeldOut) -> dict[str, Any]:
    """Masked letters of the text in another spelling, and how many of its records that changes."""
    changed = [is_changed for store in stores for is_changed in store.read.values()]
    models = [_measured(TextRequest(), reader, held_out) for reader in readers]
    return {"records": len(changed), "changed": sum(changed), "models": models}


def _require_views(request: TextRequest, adapter: Adapter) -> None:
    if request.views and "masked" not in request.measures:
        raise DomainBertError("--view is measured on masked letters: add --measure masked")
    for view in request.views:
        if view not in adapter.view_names:
            known = f"it has {', '.join(adapter.view_names)}" if adapter.view_names else "it has none"
            raise DomainBertError(f"--view {view}: adapter {adapter.name!r} has no such view; {known}")


def render_texts(results: Mapping[str, Any]) -> str:
    """A table for people."""
    unit, block = results["unit"], results["block"]
    titles = {"single": f"single {unit}s hidden", "block": f"blocks of {block} hidden", "unit": f"whole {results['hidden_unit']}s hidden"}
    kinds = list(dict.fromkeys(kind for line in results["models"] for kind in line.get("masked", ())))
    first = results["models"][0]
    rows = [("", *(titles[kind] for kind in kinds), *(("diffusion bound",) if "diffusion" in first else ()),
             *(("pseudo", "perplexity per token") if "pseudo" in first else ()))]  # fmt: skip
    for line in results["models"]:
        cells = [f"{line['masked'][kind]['bits']:.3f}" if kind in line["masked"] else "-" for kind in kinds]
        if "diffusion" in line:
            cells.append(f"{line['diffusion']['bits']:.3f} ± {line['diffusion']['standard_error']:.3f}")
        if "pseudo" in line:
            cells += [f"{line['pseudo']['bits']:.3f}", f"{line['pseudo']['perplexity']:.2f}"]
        rows.append((line["name"], *cells))
    for name, scores in results["counts"].items():
        rows.append(
            (
                name,
                *(f"{scores[kind]:.3f}" if kind in scores else "-" for kind in kinds),
                *("-" for _ in range(len(rows[0]) - len(kinds) - 1)),
            )
        )
    text = [f"bits per {unit} on {results['letters']:,} {unit}s of text (lower is better)"]
    text += columns(rows)
    return "\n".join([*text, *_parts(results["models"], kinds), *_views(results, kinds), *_costs(first)])


def _parts(models: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> list[str]:
    """Parts of the text that are reported apart, of every model on the first kind of hidden letters, the largest first."""
    found = [line["masked"][kinds[0]]["parts"] if kinds and kinds[0] in line["masked"] else {} for line in models]
    if not found or not found[0]:
        return []
    rows = [("part", "letters", *(line["name"] for line in models))]
    for name, bits in sorted(found[0].items(), key=lambda item: -item[1]["num_letters"]):
        rows.append((name, f"{bits['num_letters']:,}", *(f"{parts[name]['bits']:.3f}" if name in parts else "-" for parts in found)))
    return columns(rows)


def _views(results: Mapping[str, Any], kinds: Sequence[str]) -> list[str]:
    """The first kind of hidden letters in every spelling, with what it adds."""
    if not (results["views"] and kinds):
        return []
    plain = _first_bits(results["models"], kinds[0])
    rows = [("view", "records changed", *(line["name"] for line in results["models"]))]
    rows.append(("as it is", "-", *("-" if bits is None else f"{bits:.3f}" for bits in plain)))
    for view, found in results["views"].items():
        scores = zip(_first_bits(found["models"], kinds[0]), plain, strict=True)
        cells = ["-" if new is None or old is None else f"{new:.3f} ({new - old:+.3f})" for new, old in scores]
        rows.append((view, f"{found['changed']:,} of {found['records']:,}", *cells))
    return columns(rows)


def _first_bits(models: Sequence[Mapping[str, Any]], kind: str) -> list[float | None]:
    """Bits of each model on one kind of hidden letters; ``None`` for one that has no such figure."""
    return [line["masked"][kind]["bits"] if kind in line["masked"] else None for line in models]


def _costs(line: Mapping[str, Any]) -> list[str]:
    found = []
    if "diffusion" in line:
        bound = line["diffusion"]
        found.append(
            f"  diffusion bound: {bound['num_draws']} draws of rates and places on {bound['num_letters']:,} letters, "
            f"{bound['computed_tokens']:,} tokens computed; an upper bound, ± its standard error"
        )
    if "pseudo" in line:
        pseudo = line["pseudo"]
        found.append(
            f"  pseudo: {pseudo['num_scored']:,} of {pseudo['num_tokens']:,} tokens, each hidden alone with the rest of its word, "
            f"{pseudo['computed_tokens']:,} tokens computed ({pseudo['exact_tokens']:,} for all); no bound"
        )
    return found


def _measured(request: TextRequest, reader: Reader, held_out: HeldOut) -> dict[str, Any]:
    own = held_out if reader.role != "base" else held_out.read_by(reader.tokenizer, reader.vocabulary)
    found: dict[str, Any] = {"name": reader.name, "role": reader.role}
    if "masked" in request.measures:
        found["masked"] = {kind: asdict(bits) for kind, bits in own.full(reader.encoder).items()}
    sizes = {"micro_batch_tokens": MICRO_BATCH_TOKENS}
    if "diffusion" in request.measures:
        found["diffusion"] = asdict(
            diffusion_bound(reader.encoder, own.few_windows, reader.vocabulary, num_draws=request.num_draws, **sizes)
        )
    if "pseudo" in request.measures:
        found["pseudo"] = asdict(
            pseudo_perplexity(reader.encoder, own.few_windows, reader.vocabulary, own.adapter, num_scored=request.num_scored, **sizes)
        )
    return found


def _about(held_out: HeldOut) -> dict[str, Any]:
    return {
        "unit": held_out.unit,
        "block": held_out.alphabet.block if held_out.alphabet else 1,
        "hidden_unit": "" if held_out.alphabet else held_out.adapter.evaluation_unit,
        "letters": held_out.num_letters(),
        "records_too_long": held_out.num_too_long,
    }


def _counts(held_out: HeldOut) -> dict[str, dict[str, float]]:
    """The best ways of counting the run's training text, on the same hidden letters."""
    opponents = held_out.opponents()
    found: dict[str, dict[str, float]] = {}
    for kind, scores in (opponents.hidden if opponents else {}).items():
        named = [asdict(score) for score in scores]
        for title, prefix in (("best one-sided counts", "order"), ("best two-sided counts", "two-sided")):
            if any(score["name"].startswith(prefix) for score in named):
                found.setdefault(title, {})[kind] = best(named, prefix)["bits"]
    return found


def _reader(folder: str, adapter: Adapter, name: str, role: str) -> Reader:
    tokenizer = load_base_tokenizer(folder)
    if Contract.read(Path(folder)) is not None:
        check_contract(Path(folder), adapter, tokenizer)
    else:
        warn_misfit(tokenizer, adapter, folder)
    with quiet_transformers():
        model = load_base(folder)
    return _ready(model, tokenizer, adapter, name, role)


def _with_random_weights(reader: Reader, folder: str) -> Reader:
    torch.manual_seed(0)
    with quiet_transformers():
        model = AutoModelForMaskedLM.from_config(load_config(folder))  # type: ignore[no-untyped-call]
    model.to(reader.encoder.model.device)
    return Reader("random weights", "random", PackedEncoder(model), reader.tokenizer, reader.vocabulary, reader.max_length)


def _ready(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, adapter: Adapter, name: str, role: str) -> Reader:
    vocabulary = read_vocabulary(tokenizer, adapter)
    length = min(MAX_LENGTH, longest(model, tokenizer, wanted=0, name=name))
    layout = None if family_of(model.config).known else proven_layout(model, vocabulary, max_length=length)
    model.to("cuda" if torch.cuda.is_available() else "cpu")  # type: ignore[arg-type]  # wrapped by transformers
    return Reader(name, role, PackedEncoder(model, layout=layout), tokenizer, vocabulary, length)


def _store(sources: tuple[str, ...], adapter: Adapter, tokenizer: PreTrainedTokenizerFast, path: Path) -> TokenStore:
    corpus = Corpus(sources=sources, role="validation")
    return build_store(adapter, corpus, path, make_tokenizer=lambda records: tokenizer, seed=0)
