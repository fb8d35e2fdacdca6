"""``domainbert corpus``: look at records, count them, and build a token store."""

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domainbert.cli.arguments import EncodingOption, JsonOption
from domainbert.cli.corpus_request import request
from domainbert.cli.table import columns, size
from domainbert.errors import RecipeError

if TYPE_CHECKING:
    from domainbert.corpus.selection import Selection
    from domainbert.corpus.statistics import Statistics
    from domainbert.corpus.store import TokenStore
    from domainbert.recipe.schema import Recipe

app = typer.Typer(no_args_is_help=True, help="Inspect, count and prepare a corpus.")

AdapterOption = Annotated[str, typer.Option("--adapter", help="The domain, see: domainbert adapters.", metavar="NAME")]
Sources = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders, globs, hub:OWNER/NAME or sample; and keys of the corpus or its loader, such as validation_fraction=0.1.",
        metavar="SRC... [KEY=VALUE]...",
    ),
]
TokenizerOption = Annotated[str, typer.Option("--tokenizer", help="A kind of the adapter; its first when left out.", metavar="KIND")]


@app.command()
def inspect(
    sources: Sources,
    adapter: AdapterOption,
    tokenizer: TokenizerOption = "",
    records: Annotated[int, typer.Option("--records", help="How many to show.", min=1, max=1000)] = 3,
    width: Annotated[int, typer.Option("--width", help="Characters to show of each.", min=20)] = 96,
    encoding: EncodingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the first records as they are read, canonicalized, cut into tokens and masked.

    Example: domainbert corpus inspect --adapter dna genomes/ --tokenizer kmer
    """
    from domainbert.cli.preview import previews

    shown = list(previews(request(adapter, sources, tokenizer, encoding), num_records=records, width=width))
    if as_json:
        typer.echo(json.dumps([asdict(preview) for preview in shown], indent=1, ensure_ascii=False))
        return
    for preview in shown:
        origin = ", ".join(f"{key} {value}" for key, value in preview.meta.items())
        typer.echo(f"{preview.id}  (group {preview.group}{', ' if origin else ''}{origin}; {preview.num_characters:,} characters)")
        rows = [("raw", preview.raw), ("canonical", preview.canonical), ("tokens", " ".join(preview.tokens))]
        typer.echo(columns([*rows, ("masked", " ".join(preview.masked))]) + "\n")


@app.command()
def stats(
    sources: Sources,
    adapter: Annotated[str, typer.Option("--adapter", help="The domain; not needed for a built store.", metavar="NAME")] = "",
    tokenizer: TokenizerOption = "",
    encoding: EncodingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count records, characters, tokens, drops and groups of sources, or of a folder that ``corpus build`` made.

    Sources are prepared as ``corpus build`` does, in a temporary folder.

    Example: domainbert corpus stats --adapter dna 'genomes/*.fna.gz' validation_fraction=0.1
    """
    from domainbert.corpus.statistics import store_statistics
    from domainbert.corpus.store import MANIFEST, TokenStore

    if len(sources) == 1 and (Path(sources[0]) / MANIFEST).is_file():
        found = store_statistics(TokenStore(Path(sources[0])))
    elif not adapter:
        raise RecipeError(f"{sources[0]}: is no built store ({MANIFEST} is missing); say what is to be read with --adapter")
    else:
        with tempfile.TemporaryDirectory(prefix="domainbert-") as folder:
            found = store_statistics(_build(request(adapter, sources, tokenizer, encoding), Path(folder) / "store"))
    _show(found, as_json=as_json)


@app.command()
def build(
    sources: Sources,
    adapter: AdapterOption,
    tokenizer: TokenizerOption = "",
    output: Annotated[Path | None, typer.Option("--output", help="The store's folder; stores/NAME when left out.", metavar="DIR")] = None,
    encoding: EncodingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Build a token store: canonical text, duplicates removed, split, tokenized.

    Example: domainbert corpus build --adapter dna genomes/ --tokenizer kmer --output stores/genomes views.reverse_complement=1
    """
    from domainbert.corpus.statistics import store_statistics

    store = _build(request(adapter, sources, tokenizer, encoding), output or Path("stores") / adapter)
    if as_json:
        typer.echo(json.dumps({"store": str(store.folder), **asdict(store.manifest)}, indent=1, ensure_ascii=False))
        return
    _show(store_statistics(store), as_json=False)
    typer.echo(f"the store is in {store.folder}", err=True)


@app.command()
def card(
    store: Annotated[Path, typer.Argument(help="A folder that corpus build or a run made.", metavar="STORE")],
    output: Annotated[Path | None, typer.Option("--output", help="A new file; stdout when left out.", metavar="FILE.md")] = None,
    title: Annotated[str, typer.Option("--title", help="What the corpus is called; its folder's name when left out.")] = "",
    license: Annotated[str, typer.Option("--license", help="Of the data, an identifier of the Hub such as cc-by-4.0.", metavar="ID")] = "",
) -> None:
    """Write a data card of a token store's sources: files, hashes, entries kept and dropped. A person answers what it leaves TODO.

    Example: domainbert corpus card runs/dna/stores/main --output cards/genomes.md --license cc0-1.0
    """
    from domainbert.corpus.store import Manifest
    from domainbert.durable import write_new_text
    from domainbert.publishing.data_card import make_card

    text = make_card(Manifest.read(store), title=title or store.resolve().name, license=license)
    if output is None:
        typer.echo(text, nl=False)
        return
    write_new_text(output, text)
    typer.echo("complete what it leaves TODO; the card is in", err=True)
    typer.echo(output)


@app.command()
def select(
    sources: Sources,
    adapter: AdapterOption,
    sample: Annotated[list[str], typer.Option("--sample", help="A little text of the domain; repeatable.", metavar="SRC")],
    keep: Annotated[float, typer.Option("--keep", help="So many records; below 1 a share of the pool.", min=0.0)],
    output: Annotated[Path, typer.Option("--output", help="The kept records: .jsonl, .fa or .txt.", metavar="FILE")],
    diversity: Annotated[
        float, typer.Option("--diversity", help="How much crowded stretches of the pool are thinned; 1 evens them out.", min=0.0, max=10.0)
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="Of the draw.", min=0)] = 0,
    encoding: EncodingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Keep of a large pool what is most like a small sample of the domain (DSIR: importance resampling on hashed n-grams).

    Example: domainbert corpus select --adapter biomedical pool/ --sample mine.jsonl --keep 0.1 --output kept.jsonl
    """
    from domainbert.corpus.progress import store_display
    from domainbert.corpus.select import FORMATS, Choice
    from domainbert.corpus.select import select as choose
    from domainbert.pretraining.stores import adapter_of

    if output.suffix not in FORMATS:
        raise RecipeError(f"--output {output}: is written as {', '.join(FORMATS)}; give one of these suffixes")
    recipe = request(adapter, sources, "", encoding)
    pool = recipe.corpus[0]
    with store_display() as report:
        found = choose(
            adapter_of(recipe, pool), replace(pool, validation_fraction=0.0, validation_groups=()),
            replace(pool, sources=tuple(sample), validation_fraction=0.0, validation_groups=(), exclude_groups=()),
            output, choice=Choice(keep, diversity, seed), report=report,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps({"output": str(output), **asdict(found)}, indent=1, ensure_ascii=False))
        return
    typer.echo(render_selection(found))
    typer.echo(f"the kept records are in {output}", err=True)


def render_selection(found: "Selection") -> str:
    """What was kept and why, for people."""
    rows = [("", "pool", "kept"), ("records", f"{found.num_pool:,}", f"{found.num_kept:,}")]
    rows.append(("characters", f"{found.characters['pool']:,}", f"{found.characters['kept']:,}"))
    figures = {"log weight an n-gram": found.log_weight, "divergence of the sample, nats": found.divergence, "neighbours": found.density}
    rows += [(title, f"{figure['pool']:.3f}", f"{figure['kept']:.3f}") for title, figure in figures.items()]
    rows += [(f"of {name}", f"{count:,}", f"{kept:,}") for name, (count, kept) in found.files.items() if name]
    named = [("the sample has more of", ", ".join(found.wanted)), ("the pool has more of", ", ".join(found.unwanted))]
    return columns(rows) + "\n\n" + columns(named)


def _build(recipe: "Recipe", output: Path) -> "TokenStore":
    from domainbert.corpus.build import build_store
    from domainbert.corpus.progress import store_display
    from domainbert.pretraining.stores import adapter_of, make_tokenizer

    adapter = adapter_of(recipe, recipe.corpus[0])
    with store_display() as report:
        return build_store(
            adapter,
            recipe.corpus[0],
            output,
            make_tokenizer=lambda records: make_tokenizer(recipe, adapter, records),
            seed=recipe.training.seed,
            report=report,
        )


def _show(found: "Statistics", *, as_json: bool) -> None:
    typer.echo(json.dumps(asdict(found), indent=1, ensure_ascii=False) if as_json else render(found))


def render(found: "Statistics") -> str:
    """A store's counts as a table for people."""
    lengths = found.length_quantiles
    rows = [
        ("sources", f"{found.num_sources:,}, {size(found.source_bytes)}"),
        ("entries", f"{found.num_entries:,}"),
        ("records", f"{found.num_records:,}"),
        ("characters", f"{found.num_characters:,}"),
        ("tokens", f"{found.num_tokens:,} of a vocabulary of {found.vocabulary_size:,}"),
        ("tokens a record", ", ".join(f"{float(share):.0%} {length:,}" for share, length in lengths.items())),
    ]
    for role, counts in found.roles.items():
        groups = "1 group" if counts.num_groups == 1 else f"{counts.num_groups:,} groups"
        rows.append((role, f"{counts.num_records:,} records, {counts.num_tokens:,} tokens, {groups}"))
    rows.append(("split", found.split))
    rows += [(f"dropped: {reason}", f"{count:,}, first at {found.first_drops.get(reason, '?')}") for reason, count in found.drops.items()]
    rows += [(f"trimmed: {reason}", f"{count:,} characters") for reason, count in found.trimmed.items()]
    rows += [(f"altered: {reason}", f"{count:,} entries") for reason, count in found.altered.items()]
    return columns(rows)
