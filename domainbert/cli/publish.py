"""``domainbert publish``: a run's model to the Hugging Face Hub."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domainbert.cli.arguments import JsonOption
from domainbert.cli.table import columns, size
from domainbert.errors import PublishError

if TYPE_CHECKING:
    from domainbert.publishing.scan import Scan


def publish(
    folder: Annotated[Path, typer.Argument(help="A finished run's folder, or its model/.", metavar="DIR")],
    repository: Annotated[str, typer.Option("--repo", help="Where to on the Hub.", metavar="OWNER/NAME")],
    dry_run: Annotated[
        Path | None, typer.Option("--dry-run", help="Write what would be uploaded into this folder, and upload nothing.", metavar="OUT")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make the repository private.")] = False,
    create_pr: Annotated[bool, typer.Option("--create-pr", help="Open a pull request instead of changing the repository.")] = False,
    license: Annotated[
        str, typer.Option("--license", help="The model's licence, where the recipe's card.license does not say.", metavar="ID")
    ] = "",
    data_cards: Annotated[
        list[str] | None,
        typer.Option("--data-card", help="The data card of a corpus, where the recipe does not name one; repeatable.", metavar="NAME=FILE"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a run's model on the Hugging Face Hub, in one commit, with its card, evaluation, pictures and data cards.

    Only files on a fixed list are uploaded, and they are shown first. A run without a licence or without a statement of where its data
    come from is refused, and so is a folder with secrets, pickles, code or links in it.

    Examples:
    domainbert publish runs/dna --repo me/dna --dry-run out
    domainbert publish runs/dna --repo me/dna --license apache-2.0 --data-card main=cards/genomes.md
    """
    from domainbert.publishing.publish import publish as send
    from domainbert.publishing.publish import write_bundle

    cards, show = _assignments(data_cards or ()), partial(_show, repository)
    if dry_run is not None:
        files = write_bundle(folder, dry_run, repository, license=license, cards=cards, show=show)
        typer.echo("nothing was uploaded; all of it is in", err=True)
        typer.echo(json.dumps({"folder": str(dry_run), "files": files}, indent=1) if as_json else dry_run)
        return
    done = send(folder, repository, private=private, create_pr=create_pr, license=license, cards=cards, show=show)
    if done.removed:
        typer.echo(f"removed from the repository: {', '.join(done.removed)}", err=True)
    typer.echo(json.dumps(asdict(done), indent=1) if as_json else done.pull_request or done.commit)


def _assignments(texts: Sequence[str]) -> dict[str, str]:
    """Data cards by corpus, from ``NAME=FILE``."""
    pairs = [text.partition("=") for text in texts]
    for name, equals, file in pairs:
        if not (name and equals and file):
            raise PublishError(f"--data-card {name}{equals}{file}: is not NAME=FILE, such as main=cards/genomes.md")
    return {name: file for name, _, file in pairs}


def _show(repository: str, found: "Scan") -> None:
    rows = [(name, size(path.stat().st_size)) for name, path in found.files.items()]
    total = sum(path.stat().st_size for path in found.files.values())
    typer.echo(f"{repository}: {len(rows)} files, {size(total)}\n{columns(rows)}", err=True)
    if found.strays:
        typer.echo(f"stays here: {', '.join(found.strays)}", err=True)
