"""Uploads a folder to the Hugging Face Hub in one commit, through the Hub's own client."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import domainbert
from domainbert.errors import PublishError
from domainbert.publishing.hub_errors import tried
from domainbert.publishing.scan import WEIGHTS

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_LONGEST_NAME: Final = 96  # the Hub's limit


@dataclass(frozen=True, slots=True)
class Published:
    """Where a model went.

    Args:
        repository: its id.
        commit: address of the commit.
        pull_request: address of the pull request, where one was asked for.
        removed: weight files of an earlier model that the commit removed.
    """

    repository: str
    commit: str
    pull_request: str = ""
    removed: tuple[str, ...] = ()


def require_repository(repository: str) -> None:
    """Check an id before anything else is done.

    Raises:
        PublishError: it is not OWNER/NAME.
    """
    if not _REPOSITORY.fullmatch(repository) or len(repository) > _LONGEST_NAME or ".." in repository or "--" in repository:
        raise PublishError(
            f"--repo {repository}: is not OWNER/NAME of letters, digits, '-', '_' and '.', at most {_LONGEST_NAME} characters"
        )


def upload(files: Mapping[str, Path], repository: str, *, private: bool = False, create_pr: bool = False) -> Published:
    """Upload files in one commit; tried again where that is safe, and never half done.

    The token is the one that the Hub's own client finds (``HF_TOKEN`` or ``hf auth login``).

    Args:
        files: by their path in the repository.
        repository: OWNER/NAME; made where it does not exist.
        private: make it private; refused where it exists and is public.
        create_pr: open a pull request in a repository that exists instead of changing it.

    Raises:
        PublishError: no token, no permission, someone else's change on the way, or the Hub cannot be reached; says whether anything
            was published.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.utils import logging as hub_logging

    if not get_token():
        raise PublishError("no Hub token was found: log in with 'hf auth login', or set HF_TOKEN to a token that may write")
    hub_logging.disable_propagation()  # it shows its messages itself
    api = HfApi(library_name="domainbert", library_version=domainbert.__version__)
    head = _prepared(api, repository, private=private, create_pr=create_pr)
    return _commit(api, repository, files, head, create_pr=create_pr)


def _prepared(api: "HfApi", repository: str, *, private: bool, create_pr: bool) -> Any:
    """What the Hub says of the repository, which is made where it is missing."""
    found = _info(api, repository)
    if found is None:
        if create_pr:
            raise PublishError(f"{repository}: does not exist, or the token may not see it; publish without --create-pr to make it")
        tried(lambda: api.create_repo(repository, private=private, exist_ok=True), repository)
        found = _info(api, repository)
        if found is None:
            raise PublishError(f"{repository}: was made and is not there; try again")
    if private and not found.private:
        raise PublishError(f"{repository}: exists and is public; nothing was published; make it private on the Hub, or leave out --private")
    return found


def _info(api: "HfApi", repository: str) -> Any:
    from huggingface_hub.errors import RepositoryNotFoundError

    def ask() -> Any:
        try:
            return api.repo_info(repository)
        except RepositoryNotFoundError:
            return None

    return tried(ask, repository)


def _commit(api: "HfApi", repository: str, files: Mapping[str, Path], head: Any, *, create_pr: bool) -> Published:
    """One commit on ``head``.

    A try that follows a lost answer looks at the repository anew. If the lost commit was made, it finds nothing left to change; if
    someone else changed something, the Hub refuses it, because it builds on ``head``.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    def send() -> Published:
        removed = _outdated(_info(api, repository) or head, files)
        additions = [CommitOperationAdd(name, str(path)) for name, path in files.items()]
        done = api.create_commit(
            repository,
            [*additions, *(CommitOperationDelete(name) for name in removed)],
            commit_message="Model published with domainbert",
            create_pr=create_pr,
            parent_commit=head.sha,
        )
        return Published(repository, str(done.commit_url), str(done.pr_url or ""), removed)

    return tried(send, repository, repeatable=not create_pr)


def _outdated(head: Any, files: Mapping[str, Path]) -> tuple[str, ...]:
    """Weights of an earlier model that would be loaded in place of those uploaded, such as one file beside several."""
    present = {sibling.rfilename for sibling in head.siblings or ()}
    return tuple(sorted(name for name in present if WEIGHTS.fullmatch(name) and name not in files))
