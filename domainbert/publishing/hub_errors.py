"""What the Hub and the way to it answer when something fails: which call may be made again, and what to tell the user."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from domainbert.engine.reach import transport_error
from domainbert.errors import PublishError
from domainbert.publishing.redact import redact

T = TypeVar("T")
_WAITS: Final = (1.0, 2.0, 4.0, 8.0)  # seconds between tries
_REFUSED: Final = frozenset({409, 429, 503})  # what was asked for was not done; later it may be
_BROKEN: Final = frozenset({408, 500, 502, 504})  # it may have been done all the same
_RETRIED_BY_THE_CLIENT: Final = ("/preupload/", "/info/lfs/")
_MOST_SHOWN: Final = 300  # characters of the Hub's own words
_CAUSES: Final = {
    401: "the Hub does not accept the token; log in with 'hf auth login', or set HF_TOKEN to a valid one",
    403: "the token may not write there; use one with write access to it, or --create-pr to propose the model",
    404: "there is no such repository, or the token may not see it",
    409: "the Hub is busy with another change of it; try again in a minute",
    412: "someone else changed it in the meantime; look at it and try again",
    413: "a file is larger than the Hub takes",
    429: "too many requests; try again in some minutes",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed call.

    Args:
        cause: for people.
        again: whether another try can help and can do no harm, if the call may be repeated at all.
        undone: whether it is certain that the Hub did not do what it was asked.
    """

    cause: str
    again: bool
    undone: bool


def tried(call: Callable[[], T], repository: str, *, repeatable: bool = True) -> T:
    """The result of a call, made again where that is safe.

    Args:
        call: one or several calls of the Hub's client.
        repository: for messages.
        repeatable: whether the call does no harm when an earlier try got through and only its answer was lost.

    Raises:
        PublishError: it keeps failing, or was refused.
    """
    certain = True
    for wait in (*_WAITS, None):
        try:
            return call()
        except _kinds() as error:
            failure = _read(error)
            certain = certain and failure.undone
            if wait is None or not failure.again or not (repeatable or failure.undone):
                outcome = "nothing was published" if certain else "it may have been published all the same: look there before you try again"
                raise PublishError(redact(f"{repository}: {failure.cause}; {outcome}")) from error
            time.sleep(wait)
    raise AssertionError("the last try returns or raises")


def _kinds() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HfHubHTTPError

    return (HfHubHTTPError, transport_error(), OSError, ValueError, RuntimeError)


def _read(error: Exception) -> Failure:
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return Failure("HF_HUB_OFFLINE is set; unset it to publish", again=False, undone=True)
    commits, by_client = "/commit/" in _address(error), any(part in _address(error) for part in _RETRIED_BY_THE_CLIENT)
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        words = str(error.server_message or "")[:_MOST_SHOWN]
        cause = _CAUSES.get(status, f"the Hub answers {status}") + (f" (it says: {words})" if words else "")
        busy = status in _REFUSED | _BROKEN
        return Failure(cause, again=busy and not by_client, undone=not (commits and status in _BROKEN))
    if isinstance(error, transport_error()):
        return Failure(f"the connection failed ({error or type(error).__name__})", again=not by_client, undone=not commits)
    if isinstance(error, json.JSONDecodeError):
        return Failure("the Hub's answer cannot be read; it may be down", again=True, undone=not commits)
    inner = error.__cause__ or error  # uploads of large files wrap what went wrong
    return Failure(str(inner) or type(inner).__name__, again=False, undone=True)


def _address(error: Any) -> str:
    """Where the request went, as far as the error knows."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return str((error.response if isinstance(error, HfHubHTTPError) else error).request.url)
    except (AttributeError, RuntimeError):  # the error of no request, or of one that was not kept
        return ""
