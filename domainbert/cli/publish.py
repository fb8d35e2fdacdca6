"""``domainbert publish``: a run's model to the Hugging Face Hub."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
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
    from domainbert.durable import whole_folder
    from domainbert.publishing.bundle import assemble, find_run
    from domainbert.publishing.hub import require_repository, upload

    require_repository(repository)
    run, cards = find_run(folder), _assignments(data_cards or ())
    if dry_run is not None:
        with whole_folder(dry_run) as out:
            found = assemble(run, out, repository=repository, license=license, cards=cards)
            _show(found, out, repository)
        typer.echo("nothing was uploaded; all of it is in", err=True)
        typer.echo(json.dumps({"folder": str(dry_run), "files": list(found.files)}, indent=1) if as_json else dry_run)
        return
    with tempfile.TemporaryDirectory(prefix="domainbert-") as out_name:
        out = Path(out_name)
        found = assemble(run, out, repository=repository, license=license, cards=cards)
        _show(found, out, repository)
        done = upload(found.files, repository, private=private, create_pr=create_pr)
    if done.removed:
        typer.echo(f"removed from the repository: {', '.join(done.removed)}", err=True)
    typer.echo(json.dumps({**asdict(done), "files": list(found.files)}, indent=1) if as_json else done.pull_request or done.commit)


def _assignments(texts: Sequence[str]) -> dict[str, str]:
    """Data cards by corpus, from ``NAME=FILE``."""
    pairs = [text.partition("=") for text in texts]
    for name, equals, file in pairs:
        if not (name and equals and file):
            raise PublishError(f"--data-card {name}{equals}{file}: is not NAME=FILE, such as main=cards/genomes.md")
    return {name: file for name, _, file in pairs}


def _show(found: "Scan", folder: Path, repository: str) -> None:
    rows = [(name, size(path.stat().st_size)) for name, path in found.files.items()]
    total = sum(path.stat().st_size for path in found.files.values())
    typer.echo(f"{repository}: {len(rows)} files, {size(total)}\n{columns(rows)}", err=True)
    if found.strays:
        typer.echo(f"stays here: {', '.join(found.strays)}", err=True)
