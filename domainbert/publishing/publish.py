"""The whole way of a run to the Hub: put together, shown, uploaded."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from domainbert.durable import whole_folder
from domainbert.publishing.bundle import assemble, find_run
from domainbert.publishing.hub import Published, require_repository, upload
from domainbert.publishing.scan import Scan

Show = Callable[[Scan], None]


def publish(
    folder: Path,
    repository: str,
    *,
    private: bool = False,
    create_pr: bool = False,
    license: str = "",
    cards: Mapping[str, str] | None = None,
    show: Show | None = None,
) -> Published:
    """Publish a run's model on the Hugging Face Hub, in one commit.

    Args:
        folder: a finished run, or its ``model/``.
        repository: OWNER/NAME; made where it does not exist.
        private: make it private.
        create_pr: open a pull request instead of changing the repository.
        license: of the model, where the recipe does not say.
        cards: data cards by corpus, where the recipe does not name them.
        show: called with what will be uploaded, before the Hub is asked anything.

    Raises:
        DomainBertError: licence or provenance are missing, something must not leave the machine, or the Hub refuses.
    """
    require_repository(repository)
    run = find_run(folder)
    with tempfile.TemporaryDirectory(prefix="domainbert-") as place:
        found = assemble(run, Path(place), repository=repository, license=license, cards=cards)
        if show is not None:
            show(found)
        return upload(found.files, repository, private=private, create_pr=create_pr)


def write_bundle(
    folder: Path, output: Path, repository: str, *, license: str = "", cards: Mapping[str, str] | None = None, show: Show | None = None
) -> list[str]:
    """Write exactly what ``publish`` would upload into a new folder; the arguments and errors are those of ``publish``.

    Returns:
        The files, by their path in it.
    """
    require_repository(repository)
    run = find_run(folder)
    with whole_folder(output) as place:
        found = assemble(run, place, repository=repository, license=license, cards=cards)
        if show is not None:
            show(found)
    return list(found.files)
