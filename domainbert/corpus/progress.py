"""Shows on stderr how far a token store is; nothing where stderr is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domainbert.corpus.staging import Report


@contextmanager
def store_display(*, enabled: bool = True) -> Iterator["Report"]:
    """A line that changes.

    Yields:
        What ``build_store`` reports to.
    """
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("reading", spinner="dots") if enabled and console.is_terminal else nullcontext() as status:

        def report(phase: str, characters: int) -> None:
            if status is not None:
                status.update(f"{phase}: {characters / 1e6:,.1f} million characters")

        yield report
