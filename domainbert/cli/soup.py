"""``domainbert soup``: one model from several of one base."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domainbert.cli.arguments import EncodingOption, JsonOption
from domainbert.cli.corpus_request import ASSIGNMENT, request
from domainbert.cli.table import columns
from domainbert.errors import RecipeError

if TYPE_CHECKING:
    from domainbert.pretraining.soup import Judge


def soup(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Model folders, run folders or checkpoints; and keys of the corpus or its loader, such as column=text.",
            metavar="MODEL... [KEY=VALUE]...",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="The new model's folder.", metavar="DIR")],
    corpus: Annotated[
        list[str] | None,
        typer.Option("--corpus", help="Held-out text: a model stays only if the mean predicts it no worse; repeatable.", metavar="SRC"),
    ] = None,
    adapter: Annotated[str, typer.Option("--adapter", help="The domain of --corpus; the models' own when left out.", metavar="NAME")] = "",
    encoding: EncodingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Average the weights of models that were trained from one base; with --corpus, of those that make the mean better.

    Examples:
    domainbert soup runs/dna/checkpoints/step-200 runs/dna/checkpoints/step-250 --output soup
    domainbert soup runs/seed0 runs/seed1 runs/seed2 --corpus held-out.fa --output soup
    """
    from domainbert.evaluation.judge import judge_on
    from domainbert.pretraining.soup import contract_of, ingredients, make_soup
    from domainbert.pretraining.stores import adapter_of

    settings = [text for text in models if ASSIGNMENT.match(text) and not Path(text).exists()]
    if settings and not corpus:
        raise RecipeError(f"{settings[0]}: is a key of --corpus, and none is given")
    pot = ingredients([text for text in models if text not in settings])
    judged: AbstractContextManager[Judge | None] = nullcontext()
    if corpus:
        if not adapter:
            contract = contract_of(pot[0])
            adapter = contract.adapter
            settings = [*(f"corpus.options.{name}={json.dumps(value)}" for name, value in contract.options.items()), *settings]
        recipe = request(adapter, [*corpus, *settings], "", encoding)
        judged = judge_on(adapter_of(recipe, recipe.corpus[0]), replace(recipe.corpus[0], role="validation"), tokenizer_of=pot[0].home)
    with judged as judge:
        made = make_soup(pot, output, judge=judge)
    if as_json:
        typer.echo(json.dumps({**asdict(made), "folder": str(made.folder)}, indent=1, ensure_ascii=False))
        return
    names = list(made.bits) or list(made.kept)
    fate = {each.name: "kept" if each.name in made.kept else "left out" for each in pot}
    bits = {name: f"{value:.4f}" for name, value in made.bits.items()}
    typer.echo(columns([(name, bits.get(name, ""), fate.get(name, "")) for name in names]), err=True)
    typer.echo(made.folder)
