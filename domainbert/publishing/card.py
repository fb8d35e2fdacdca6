"""The model card that goes with every run: what the model is, how to load it, what it was trained on and measured to do."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.evaluation.report import forgetting
from domainbert.objectives.registry import ON_HEAD
from domainbert.publishing.contract import line_before
from domainbert.publishing.data_card import provenance_table
from domainbert.publishing.facts import RunFacts
from domainbert.publishing.provenance import Provenance, source_name
from domainbert.publishing.results import model_index, other_figures, parts_table, table
from domainbert.recipe.schema import CAUSAL, GENERAL, SCRATCH, Recipe, Stage

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

HEAD_UNTRAINED = (
    "No objective trained the head that predicts hidden tokens, so the figures on hidden text say nothing of the encoder: it is for "
    "vectors and fine-tuning"
)
_PICTURES = {"loss.png": "Training loss and the held-out figure over the steps", "map.png": "Held-out records by their embeddings"}


def model_card(facts: RunFacts, *, repository: str = "", pictures: Sequence[str] = (), data_cards: bool = False) -> str:
    """README.md of a model folder, in the Hub's format.

    Args:
        facts: of the run.
        repository: id on the Hub; the model's own folder where it is not published.
        pictures: paths in the folder that the card may show.
        data_cards: whether the data cards lie beside it.
    """
    sections = [_opening(facts, repository or "PATH"), _results(facts), _pictures(pictures), _training(facts)]
    sections += [_data(facts, data_cards), _audits(facts), _limits(facts)]
    return f"---\n{metadata(facts).to_yaml()}\n---\n\n" + "\n\n".join(section for section in sections if section) + "\n"


def metadata(facts: RunFacts) -> "ModelCardData":
    """What the Hub indexes."""
    from huggingface_hub import ModelCardData

    card, base = facts.recipe.card, facts.recipe.model.base
    own = [corpus.corpus.name for corpus in facts.corpora if corpus.corpus.role not in GENERAL]
    on_hub = base != SCRATCH and not Path(base).exists()  # a folder of this machine is no name on the Hub
    return ModelCardData(
        license=card.license or None,
        license_name=card.license_name or None,
        license_link=card.license_link or None,
        language=list(card.language) or None,
        library_name="transformers",
        pipeline_tag="fill-mask",
        tags=["domainbert", facts.recipe.adapter, *card.tags],
        base_model=base if on_hub else None,
        base_model_relation="finetune" if on_hub else None,
        datasets=[dataset for corpus in facts.corpora for dataset in corpus.datasets] or None,
        model_name=facts.name,
        eval_results=model_index(facts.evaluation, dataset=", ".join(own)) or None,
    )


def loading_lines(place: str, *, before: str = "") -> str:
    """How to use the model in Python, without domainbert, or ``before`` that with what its architecture needs."""
    first = f"{before}\n" if before else ""
    return f"""{first}from transformers import AutoModelForMaskedLM, AutoTokenizer
model = AutoModelForMaskedLM.from_pretrained({place!r})
tokenizer = AutoTokenizer.from_pretrained({place!r})"""


def _opening(facts: RunFacts, place: str) -> str:
    base = facts.recipe.model.base
    start = "random weights" if base == SCRATCH else f"`{Path(base).name if Path(base).exists() else base}`"
    before = line_before(facts.architecture)
    needs = f"\n\ntransformers lacks this architecture: install domainbert, and write `{before}` before you load it." if before else ""
    causal = "causal and then " if any(stage.attention == CAUSAL for stage in facts.recipe.stage) else ""
    spelling = ", ".join([facts.canonical_version, *(f"{name} = {value!r}" for name, value in facts.spelling.items())])
    described = f"\n\n{facts.recipe.card.description}" if facts.recipe.card.description else ""
    return f"""# {facts.name}

An encoder for the domain *{facts.recipe.adapter}*: {facts.architecture}, {facts.num_parameters:,} parameters, trained from {start}
with domainbert by {causal}masked-language modelling.{described}{needs}

```python
{loading_lines(place, before=before)}
```

It reads canonical text (`{spelling}`): `domainbert.json` shows raw texts, their canonical spelling and their ids.
The head that predicts hidden tokens is kept, so it can also start a sparse (SPLADE) encoder; for one vector a text:
`domainbert export ... --to sentence-transformers`."""


def _results(facts: RunFacts) -> str:
    evaluation = facts.evaluation
    lines = ["## Results", "", "On held-out text that training never saw; one run, one seed. The counts predict the same hidden text.", ""]
    lines.append(table(evaluation))
    if parts := _parts(evaluation):
        lines += ["", parts]
    if others := other_figures(evaluation):
        lines += ["", "| also measured | |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in others)]
    return "\n".join(lines)


def _parts(evaluation: Mapping[str, Any]) -> str:
    try:
        return parts_table(evaluation)
    except (KeyError, TypeError, AttributeError):  # parts of another form: they are in evaluation.json all the same
        return ""


def _pictures(pictures: Sequence[str]) -> str:
    shown = [f"![{_PICTURES.get(Path(path).name, Path(path).stem)}]({path})" for path in pictures]
    return "\n\n".join(shown)


def _training(facts: RunFacts) -> str:
    training = facts.recipe.training
    rows = [
        ("steps", f"{facts.num_steps:,} of at most {training.batch_tokens:,} tokens"),
        ("tokens", f"{facts.num_tokens:,} (repetitions included)"),
        ("stages", "; ".join(map(_stage, facts.recipe.stage))),
        ("optimizer", f"{training.optimizer}, learning rate {training.learning_rate:g}, weight decay {training.weight_decay:g}"),
        ("longest input", f"{training.max_length:,} tokens in training"),
        ("seed", f"{training.seed}"),
        ("time", f"{_duration(facts.seconds)} of training" + (f" on {facts.hardware}" if facts.hardware else "")),
        ("versions", ", ".join(f"{name} {number}" for name, number in facts.versions.items() if number)),
    ]
    return "## Training\n\nEvery setting is in `recipe.json`.\n\n| | |\n| --- | --- |\n" + "\n".join(
        f"| {name} | {what} |" for name, what in rows
    )


def _stage(stage: Stage) -> str:
    total = sum(stage.mix.values())
    mix = "".join(f", {100 * weight / total:.3g} % {name}" for name, weight in stage.mix.items())
    return f"{stage.name} (objective {', '.join(objective.kind for objective in stage.objective)}, schedule {stage.schedule.shape}{mix})"


def _data(facts: RunFacts, data_cards: bool) -> str:
    return "\n\n".join(["## Data", *(_corpus(corpus, data_cards) for corpus in facts.corpora)])


def _corpus(corpus: Provenance, data_cards: bool) -> str:
    name = corpus.corpus.name
    counts = f"{corpus.num_records:,} records, {corpus.num_tokens:,} tokens (views included)"
    lines = [f"**{name}** (adapter `{corpus.corpus.adapter}`, {corpus.corpus.role}): {counts}."]
    if corpus.card is not None:
        link = f"[{corpus.card.title}](data_cards/{name}.md)" if data_cards else corpus.card.title
        lines.append(f"Data card: {link}, licence of the data: {corpus.card.license or 'not stated'}.")
    if corpus.datasets:
        lines.append(
            f"From the Hub: {', '.join(f'[{dataset}](https://huggingface.co/datasets/{dataset})' for dataset in corpus.datasets)}."
        )
    if corpus.drops:
        lines.append("Left out: " + ", ".join(f"{count:,} {reason}" for reason, count in corpus.drops.items()) + ".")
    if any(source.sha256 for source in corpus.sources):
        return "\n".join(lines) + "\n\n" + provenance_table(corpus.sources)
    return "\n".join([*lines, f"Source: {', '.join(f'`{source_name(source)}`' for source in corpus.corpus.sources)}."])


def _audits(facts: RunFacts) -> str:
    held_out = facts.evaluation.get("held_out") or {}
    share, length = held_out.get("share_in_repeats_seen_in_training"), held_out.get("repeat_length")
    leak = "How much of the held-out text training text holds too was not measured."
    if isinstance(share, int | float):
        leak = f"{100 * share:.1f} % of the held-out text lies in stretches of {length} characters that training text holds too."
    lost = "What the model lost on text outside its domain was not measured."
    if "forgetting" in facts.evaluation:
        figures = "".join(f"\n* {sentence}" for sentence in forgetting(facts.evaluation))
        lost = f"What the model lost on text outside its domain stands above under *forgetting*:\n{figures}"
    elif facts.recipe.model.base == SCRATCH:
        lost = "The model started from random weights: there was nothing to forget."
    return f"## Leaks and forgetting\n\n{leak} {lost}"


def _limits(facts: RunFacts) -> str:
    return "## Limits\n\n" + " ".join(_limit_lines(facts))


def _limit_lines(facts: RunFacts) -> Iterator[str]:
    if facts.recipe.card.limits:
        yield facts.recipe.card.limits
    if any(source == "sample" for corpus in facts.corpora for source in corpus.corpus.sources):
        yield "It was trained on a built-in sample, see its data card: use it to try things out, not to decide anything."
    if not trains_head(facts.recipe):
        yield f"{HEAD_UNTRAINED}."
    yield "An encoder repeats the slant of its corpus, and what it was trained on can partly be read out of it."
    yield "One seed was trained: differences of a hundredth of a bit may be chance."


def trains_head(recipe: Recipe) -> bool:
    """Whether some objective trained the head that predicts hidden tokens."""
    return any(each.active and each.kind in ON_HEAD for stage in recipe.stage for each in stage.objective)


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{seconds:,.0f} seconds" if minutes < 2 else f"{minutes:,.0f} minutes" if minutes < 120 else f"{minutes / 60:,.1f} hours"  # noqa: PLR2004
