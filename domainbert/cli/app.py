"""The program ``domainbert``: its commands, and what becomes of errors.

Exit status: 0 done, 2 the input is wrong, 1 our fault, 130 interrupted. Results go to stdout, prose to stderr.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import domainbert
from domainbert.cli import adapters, corpus, embed, env, evaluate, export, plan, pretrain, publish, recipes, soup
from domainbert.errors import DomainBertError
from domainbert.publishing.redact import redact, redact_logs

INPUT_ERROR, OUR_FAULT, INTERRUPTED = 2, 1, 130


class _Commands(TyperGroup):
    """Gives every error that a user can cause its message and exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
            return result
        except DomainBertError as error:
            typer.echo(redact(str(error)), err=True)
            raise typer.Exit(INPUT_ERROR) from error
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # The reader has seen enough, as in `domainbert recipes show dna | head -1`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None


app = typer.Typer(
    name="domainbert",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("adapters")(adapters.adapters)
app.add_typer(recipes.app, name="recipes")
app.command("plan")(plan.plan)
app.command("pretrain")(pretrain.pretrain)
app.command("resume")(pretrain.resume)
app.add_typer(corpus.app, name="corpus")
app.command("evaluate")(evaluate.evaluate)
app.command("embed")(embed.embed)
app.command("map")(evaluate.map_texts)
app.command("soup")(soup.soup)
app.command("export")(export.export)
app.command("publish")(publish.publish)
app.command("env")(env.env)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(domainbert.__version__)
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    """Adapt an encoder to your domain's files, and see whether it helped.

    Start with: domainbert pretrain --recipe dna
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_once())
    logging.basicConfig(handlers=[handler], format="%(message)s", level=logging.WARNING)
    logging.getLogger("domainbert").setLevel(logging.INFO)


def _once() -> Callable[[logging.LogRecord], bool]:
    """Whether a message is new: a source or a base that is looked at twice has the same to say of it."""
    said: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        before = len(said)
        said.add(record.getMessage())
        return len(said) > before

    return is_new


def main() -> None:
    """Run the program and exit with its status."""
    redact_logs()
    try:
        app()
    except Exception:
        typer.echo(redact(traceback.format_exc()), err=True)
        typer.echo("this is a fault of domainbert, not of your input; please report it with the output of: domainbert env", err=True)
        sys.exit(OUR_FAULT)
