"""``domainbert export``: a model in another program's format."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """Formats that a model is written in."""

    SENTENCE_TRANSFORMERS = "sentence-transformers"
    ONNX = "onnx"


def export(
    model: Annotated[Path, typer.Argument(help="A run's folder, its model/, or any model folder.", metavar="MODEL")],
    output: Annotated[Path, typer.Argument(help="A new folder.", metavar="DIR")],
    to: Annotated[Format, typer.Option("--to", help="Which format.")],
    normalize: Annotated[bool, typer.Option("--normalize/--no-normalize", help="Sentence vectors of length 1.")] = True,
) -> None:
    """Write a model as a sentence-transformers folder or as ONNX, and check that it gives the same values.

    Each format needs an extra: pip install 'domainbert[sentence-transformers]' or 'domainbert[onnx]'

    Examples:
    domainbert export runs/dna --to sentence-transformers exported/dna
    domainbert export runs/dna --to onnx exported/dna-onnx
    """
    from domainbert.publishing.export import export as write

    write(model, output, to=to.value, normalize=normalize)
    typer.echo("it gives the model's own values; it is in", err=True)
    typer.echo(output)
