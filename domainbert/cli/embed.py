"""``domainbert embed``: a vector for every record of a source."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domainbert.errors import DomainBertError

if TYPE_CHECKING:
    from domainbert.adapters.base import Adapter

ModelArgument = Annotated[str, typer.Argument(help="A run folder, a model folder or a Hub id.", metavar="MODEL")]
ModelAdapter = Annotated[
    str, typer.Option("--adapter", help="The domain, for a model folder that names none; see: domainbert adapters.", metavar="NAME")
]
PoolingOption = Annotated[str, typer.Option("--pooling", help="mean: over a text's own tokens. cls: its first token.", metavar="mean|cls")]
LongOption = Annotated[
    str,
    typer.Option("--long", help="Texts longer than the model: the average of their windows, or cut.", metavar="windows|truncate"),
]


def embed(
    model: ModelArgument,
    sources: Annotated[list[str], typer.Argument(help="Files, folders, globs, hub:OWNER/NAME or sample.", metavar="INPUT...")],
    output: Annotated[Path, typer.Option("--output", help="The file to write.", metavar="FILE.npy|FILE.parquet")],
    adapter: ModelAdapter = "",
    pooling: PoolingOption = "mean",
    long: LongOption = "windows",
    mirror: Annotated[bool, typer.Option("--mirror", help="Average with the reverse complement.")] = False,
    normalize: Annotated[bool, typer.Option("--normalize", help="Vectors of length 1.")] = False,
    column: Annotated[str, typer.Option("--column", help="Where the texts are in a table.", metavar="NAME")] = "",
    max_length: Annotated[int, typer.Option("--max-length", help="Tokens of a window; the model's own when 0.", min=0)] = 0,
) -> None:
    """Write one vector for each record of the input, in its order; texts are spelled as the model was trained on.

    Examples:
    domainbert embed runs/dna contigs.fa.gz --output contigs.parquet --mirror
    domainbert embed path/to/model texts.csv --column text --output texts.npy
    """
    accepted(pooling, "--pooling", ("mean", "cls"))
    accepted(long, "--long", ("windows", "truncate"))
    from domainbert.embedding.encoder import Encoder
    from domainbert.embedding.output import embed as write

    encoder = Encoder.from_pretrained(model, adapter=_reader(model, adapter, column), max_length=max_length)
    start = time.monotonic()
    done = write(encoder, sources, output, report=_say, pooling=pooling, long=long, mirror=mirror, normalize=normalize)
    if done.drops.counts:
        reasons = ", ".join(f"{reason} {count:,} (first at {done.drops.first[reason]})" for reason, count in done.drops.counts.items())
        typer.echo(f"left out, so that rows do not follow the input's lines: {reasons}", err=True)
    seconds = time.monotonic() - start
    typer.echo(f"{done.num_records:,} vectors of {done.dimension:,} numbers in {seconds:.0f} seconds", err=True)
    typer.echo(output)


def accepted(value: str, option: str, values: tuple[str, ...]) -> None:
    """Refuse a value that an option does not know.

    Raises:
        DomainBertError: lists what is accepted.
    """
    if value not in values:
        raise DomainBertError(f"{option} {value}: is none of {', '.join(values)}")


def _reader(model: str, adapter: str, column: str) -> "Adapter":
    """The adapter that spells the model's input and reads the sources."""
    from domainbert.embedding.loading import adapter_for, model_folder, with_column

    return with_column(adapter_for(model_folder(model), adapter), column)


def _say(num_records: int) -> None:
    typer.echo(f"{num_records:,} records", err=True)
