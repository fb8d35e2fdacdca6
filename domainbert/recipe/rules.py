"""What holds between several keys of a recipe, and what only the owners of options know."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from domainbert.adapters.base import Adapter
from domainbert.adapters.registry import BUILT_IN, adapter_class
from domainbert.errors import DomainBertError
from domainbert.recipe.fields import build, shown
from domainbert.recipe.keys import did_you_mean
from domainbert.recipe.objective_rules import resolve_objectives
from domainbert.recipe.problems import Problems, join
from domainbert.recipe.scale import token_steps
from domainbert.recipe.schema import CAUSAL, DRAWN, SCRATCH, Corpus, Corruption, Model, Recipe, Stage, Tokenizer, Training

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_LENGTHS: Final = ("steps", "tokens", "epochs")
_ROTARY: Final = frozenset({"modernbert", "esm"})
_TRACKERS: Final = ("tensorboard", "trackio", "wandb")
_ROUNDING: Final = 1e-9  # 0.9 + 0.1 may exceed 1 by the last bit


def resolve(recipe: Recipe, problems: Problems) -> Recipe:
    """Check the rules and fill in what follows from others: adapters of corpora, tokenizer mode, every option's default."""
    adapters = _Adapters(problems)
    corpora = tuple(
        _corpus(corpus, f"corpus[{index}]", recipe.adapter, adapters, problems) for index, corpus in enumerate(recipe.corpus)
    )
    _names(recipe.corpus, "corpus", problems)
    _names(recipe.stage, "stage", problems)
    if problems.clean("corpus") and not any(corpus.role == "train" for corpus in corpora):
        problems.add("corpus", 'has no source with role = "train"')
    if problems.clean("stage") and not recipe.stage:
        problems.add("stage", "is empty; a recipe has at least one [[stage]]")
    _model(recipe.model, problems)
    _training(recipe.training, problems)
    tokenizer = _tokenizer(recipe, adapters.find(recipe.adapter, "adapter"), problems)
    _tokenizer_reads(tokenizer, recipe.adapter, corpora, adapters, problems)
    budget = recipe.training.batch_tokens
    stages = tuple(_stage(stage, f"stage[{index}]", corpora, adapters, budget, problems) for index, stage in enumerate(recipe.stage))
    _replay(corpora, stages, problems)
    return resolve_objectives(replace(recipe, corpus=corpora, tokenizer=tokenizer, stage=stages), problems)


@dataclass
class _Adapters:
    """Adapter classes by name; an unknown one is noted once."""

    problems: Problems
    found: dict[str, type[Adapter] | None] = field(default_factory=dict)

    def find(self, name: str, path: str) -> type[Adapter] | None:
        if name not in self.found and self.problems.clean(path):
            try:
                self.found[name] = adapter_class(name)
            except DomainBertError as error:
                self.found[name] = None
                self.problems.add(path, f"= {shown(name)}: {error}{did_you_mean(name, tuple(BUILT_IN))}")
        return self.found.get(name)


def _options(kind: type[Any], raw: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    """Options as their owner's dataclass has them, with its defaults."""
    return asdict(build(kind, raw, path, problems))


def _corpus(corpus: Corpus, path: str, default: str, adapters: _Adapters, problems: Problems) -> Corpus:
    named = corpus.adapter or default
    adapter = adapters.find(named, join(path, "adapter") if corpus.adapter else "adapter")
    if problems.clean(join(path, "sources")) and not any(source.strip() for source in corpus.sources):
        problems.add(join(path, "sources"), 'is empty; name files, folders, globs or "sample", or use --corpus')
    if corpus.role in ("validation", "meter") and corpus.validation_groups:
        problems.add(join(path, "validation_groups"), f"has no meaning in a source with role = {shown(corpus.role)}: all of it is held out")
    for view, copies in corpus.views.items():
        if adapter is not None and view not in adapter.view_names:
            known = ", ".join(adapter.view_names) or "none"
            hint = did_you_mean(view, adapter.view_names)
            problems.add(join(path, f"views.{view}"), f"is no view of adapter {named}; it has {known}{hint}")
        if copies < 0:
            problems.add(join(path, f"views.{view}"), f"= {copies} is below 0")
    options = dict(corpus.options)
    if adapter is not None and problems.clean(join(path, "options")):
        options = _options(adapter.Options, options, join(path, "options"), problems)
    return replace(corpus, adapter=named, options=options)


def _names(named: Sequence[Corpus | Stage], path: str, problems: Problems) -> None:
    """Names are folder names and parts of overrides: plain, and each of its own."""
    counts = Counter(each.name for each in named)
    for index, each in enumerate(named):
        place = f"{path}[{index}].name"
        if not problems.clean(place):
            continue
        if not _NAME.fullmatch(each.name):
            problems.add(place, f"= {shown(each.name)} may only have letters, digits, _ and -")
        elif counts[each.name] > 1:
            others = ", ".join(f"{path}[{other}]" for other, one in enumerate(named) if one.name == each.name and other != index)
            problems.add(place, f"= {shown(each.name)} is the name of {others} too; give each its own")
            counts[each.name] = 0  # one message for all of them


def _model(model: Model, problems: Problems) -> None:
    scratch = model.scratch
    if not model.base:
        problems.add("model.base", 'is empty; write "scratch", a folder or a Hub id')
    if model.base == SCRATCH and model.revision:
        problems.add("model.revision", f'= {shown(model.revision)} has no meaning with base = "scratch"', because=("model.base",))
    if not problems.clean("model.scratch"):
        return
    size, heads = scratch.hidden_size, scratch.num_heads
    if size % heads:
        because = ("model.scratch.num_heads",)
        problems.add("model.scratch.hidden_size", f"= {size} is no multiple of num_heads = {heads}", because=because)
    elif scratch.architecture in _ROTARY and (size // heads) % 2:
        text = f"= {size} over num_heads = {heads} is {size // heads} a head; rotary positions need an even number"
        problems.add("model.scratch.hidden_size", text, because=("model.scratch.num_heads", "model.scratch.architecture"))


def _training(training: Training, problems: Problems) -> None:
    for name, value in (("beta1", training.beta1), ("beta2", training.beta2)):
        if value >= 1:
            problems.add(f"training.{name}", f"= {value:g} must be below 1")
    for tracker in training.report_to:
        if tracker not in _TRACKERS:
            hint = did_you_mean(tracker, _TRACKERS)
            problems.add("training.report_to", f"has {shown(tracker)}; accepted are {', '.join(_TRACKERS)}{hint}")
    if problems.clean("training.max_length", "training.batch_tokens") and training.max_length > training.batch_tokens:
        text = f"= {training.max_length} is above batch_tokens = {training.batch_tokens}: a sample must fit in a step"
        problems.add("training.max_length", text, because=("training.batch_tokens",))


def _tokenizer(recipe: Recipe, adapter: type[Adapter] | None, problems: Problems) -> Tokenizer:
    tokenizer, scratch = recipe.tokenizer, recipe.model.base == SCRATCH
    mode = tokenizer.mode or ("replace" if scratch else "keep")
    if mode in ("keep", "extend") and scratch:
        problems.add("tokenizer.mode", f'= "{mode}" has nothing to {mode} with model.base = "scratch"', because=("model.base",))
    if adapter is None or not problems.clean("tokenizer"):
        return tokenizer
    kinds = ", ".join(adapter.tokenizer_kinds)
    if not tokenizer.kind:
        if mode == "replace":
            problems.add("tokenizer.kind", f"is missing; adapter {recipe.adapter} has {kinds}")
        return replace(tokenizer, mode=mode)
    if tokenizer.kind not in adapter.tokenizer_kinds:
        hint = did_you_mean(tokenizer.kind, tuple(adapter.tokenizer_kinds))
        problems.add("tokenizer.kind", f"= {shown(tokenizer.kind)}: adapter {recipe.adapter} has {kinds}{hint}")
        return tokenizer
    options = _options(adapter.tokenizer_kinds[tokenizer.kind], tokenizer.options, "tokenizer.options", problems)
    return replace(tokenizer, mode=mode, options=options)


def _tokenizer_reads(
    tokenizer: Tokenizer, name: str, corpora: tuple[Corpus, ...], adapters: _Adapters, problems: Problems
) -> None:
    """A new tokenizer must read what the options of every corpus of its adapter write."""
    adapter = adapters.find(name, "adapter")
    if adapter is None or tokenizer.mode != "replace" or not problems.clean("tokenizer"):
        return
    for index, corpus in enumerate(corpora):
        path = f"corpus[{index}]"
        if corpus.adapter != name or not problems.clean(join(path, "options"), join(path, "adapter")):
            continue
        if problem := adapter.tokenizer_problem(tokenizer.kind, adapter.Options(**corpus.options)):
            problems.add("tokenizer.kind", problem, because=(join(path, "options"),))
            return


def _stage(
    stage: Stage, path: str, corpora: tuple[Corpus, ...], adapters: _Adapters, batch_tokens: int, problems: Problems
) -> Stage:
    _length(stage, path, batch_tokens, problems)
    _mix(stage, path, corpora, problems)
    _halves(stage, path, corpora, adapters, problems)
    corruption, place = stage.corruption, join(path, "corruption")
    if stage.attention == CAUSAL and corruption != Corruption():
        text = 'has no meaning with attention = "causal", where nothing is hidden; leave the table out'
        problems.add(place, text, because=(join(path, "attention"),))
    if corruption.mask + corruption.random > 1 + _ROUNDING:
        total = corruption.mask + corruption.random
        text = f"has mask = {corruption.mask:g} and random = {corruption.random:g}: together {total:g}, above 1"
        problems.add(place, text, because=(join(place, "mask"), join(place, "random")))
    if not problems.clean(join(place, "select"), join(place, "options")):
        return stage
    # Imported here: NumPy code that only a whole recipe needs.
    from domainbert.corruption.select import SELECTORS

    options = _options(SELECTORS[corruption.select], corruption.options, join(place, "options"), problems)
    if "unit" in options:
        _unit(str(options["unit"]), join(place, "options.unit"), stage, corpora, adapters, problems)
    return replace(stage, corruption=replace(corruption, options=options))


def _unit(unit: str, path: str, stage: Stage, corpora: tuple[Corpus, ...], adapters: _Adapters, problems: Problems) -> None:
    """Every adapter whose text the stage reads must know the unit."""
    for name in sorted({corpus.adapter for corpus in corpora if corpus.role in DRAWN and (not stage.mix or corpus.name in stage.mix)}):
        adapter = adapters.find(name, "adapter")
        if adapter is not None and problems.clean(path) and unit not in adapter.unit_names:
            known = ", ".join(adapter.unit_names) or "none"
            problems.add(path, f"= {shown(unit)}: adapter {name} has the units {known}{did_you_mean(unit, adapter.unit_names)}")


def _halves(stage: Stage, path: str, corpora: tuple[Corpus, ...], adapters: _Adapters, problems: Problems) -> None:
    """What tells the halves of pairs apart applies to corpora of pairs."""
    for index, objective in enumerate(stage.objective if problems.clean(join(path, "objective")) else ()):
        drawn = [corpus for corpus in corpora if corpus.role in DRAWN and (not stage.mix or corpus.name in stage.mix)]
        for corpus in drawn if objective.active and objective.pooling == "cross" else ():
            adapter = adapters.find(corpus.adapter, "adapter")
            if adapter is not None and not adapter.separator and (not objective.data or corpus.name in objective.data):
                text = f"reads the halves of pairs, and adapter {corpus.adapter} of corpus {shown(corpus.name)} has none; "
                text += 'take pooling = "first" or "mean", or name corpora of pairs in data'
                problems.add(join(path, f"objective[{index}].pooling"), f'= "cross" {text}')


def _length(stage: Stage, path: str, batch_tokens: int, problems: Problems) -> None:
    places = tuple(join(path, name) for name in _LENGTHS)
    given = [f"{name} = {getattr(stage, name):g}" for name in _LENGTHS if getattr(stage, name)]
    if problems.clean(*places) and len(given) != 1:
        advice = "; set the others to 0" if given else ""
        text = f"must have exactly one of steps, tokens and epochs above 0; it has {', '.join(given) or 'none'}{advice}"
        problems.add(path, text, because=places)
    schedule = join(path, "schedule")
    warmup, decay = stage.schedule.warmup_steps, stage.schedule.decay_steps if stage.schedule.shape == "wsd" else 0
    steps = stage.steps or (token_steps(stage, batch_tokens) if stage.tokens else 0)
    if problems.clean(*places, schedule, "training.batch_tokens") and steps and warmup + decay > steps:
        length = f"steps = {steps}" if stage.steps else f"tokens = {stage.tokens}, which are {steps} steps"
        text = f"has warmup_steps = {warmup} and decay_steps = {decay}: longer than the stage's {length}"
        because = (join(schedule, "warmup_steps"), join(schedule, "decay_steps"), join(path, "steps"))
        problems.add(schedule, text, because=because)


def _replay(corpora: tuple[Corpus, ...], stages: tuple[Stage, ...], problems: Problems) -> None:
    for index, corpus in enumerate(corpora):
        place = f"corpus[{index}].role"
        if corpus.role == "replay" and problems.clean("stage", place) and not any(stage.mix.get(corpus.name, 0) > 0 for stage in stages):
            problems.add(place, '= "replay", but no stage mixes it in; to measure forgetting on it and no more, take role = "meter"')


def _mix(stage: Stage, path: str, corpora: tuple[Corpus, ...], problems: Problems) -> None:
    trained = [corpus.name for corpus in corpora if corpus.role in DRAWN]
    known = problems.clean(*(f"corpus[{index}].{key}" for index in range(len(corpora)) for key in ("name", "role")))
    for name, weight in stage.mix.items():
        place = join(path, f"mix.{name}")
        if known and name not in trained:
            problems.add(place, f"names no corpus to train on; there are: {', '.join(trained)}{did_you_mean(name, trained)}")
        if weight < 0:
            problems.add(place, f"= {weight:g} is below 0")
    if stage.mix and not any(weight > 0 for weight in stage.mix.values()):
        problems.add(join(path, "mix"), "has no weight above 0")
    replay = [corpus.name for corpus in corpora if corpus.role == "replay"]
    if replay and not stage.mix and known:
        weights = ", ".join([f"{name} = 0.95" for name in trained if name not in replay][:1] + [f"{name} = 0.05" for name in replay[:1]])
        problems.add(join(path, "mix"), f"is missing: with a corpus for replay each stage says how much of it: mix = {{ {weights} }}")
    if stage.epochs and stage.mix and known and not any(weight > 0 for name, weight in stage.mix.items() if name not in replay):
        problems.add(join(path, "epochs"), "counts passes over corpora to train on, and the mix has none; give steps or tokens")
