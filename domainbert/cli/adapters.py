"""``domainbert adapters``: which domains there are."""

import json
from dataclasses import asdict

import typer

from domainbert.adapters.registry import list_adapters
from domainbert.cli.arguments import JsonOption
from domainbert.cli.table import columns


def adapters(as_json: JsonOption = False) -> None:
    """List every adapter, built in or plugged in, and its state.

    Example: domainbert adapters --json
    """
    listings = list(list_adapters())
    if as_json:
        typer.echo(json.dumps([asdict(listing) for listing in listings], indent=1))
        return
    rows = [(each.name, each.origin, each.problem or each.summary) for each in listings]
    typer.echo(columns([("adapter", "from", "reads"), *rows]))
