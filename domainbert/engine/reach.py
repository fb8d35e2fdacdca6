"""Whether the Hub can be reached at all, asked once and without the client's minute of retries."""

from functools import cache
from importlib import import_module
from pathlib import Path

from domainbert.errors import ModelError

_TIMEOUT_SECONDS = 10.0


@cache
def require_reachable(base: str, revision: str) -> None:
    """Ask the Hub for a model that is no folder here; whatever it answers, it is there.

    Raises:
        ModelError: it cannot be reached.
    """
    from huggingface_hub import HfApi, constants, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if constants.HF_HUB_OFFLINE or Path(base).exists():
        return
    try:
        HfApi().model_info(base, revision=revision or None, timeout=_TIMEOUT_SECONDS)
    except (HfHubHTTPError, HFValidationError):
        return  # loading it will say what is wrong
    except (transport_error(), OSError) as error:
        cached = isinstance(try_to_load_from_cache(base, "config.json", revision=revision or None), str)
        advice = "this machine's cache holds it" if cached else "fetch it where there is a network and pass its folder, or copy the cache"
        raise ModelError(
            f"{base}: is no folder here, and the Hub ({constants.ENDPOINT}) cannot be reached ({error}); {advice}, "
            "which is read without a network where HF_HUB_OFFLINE=1 is set"
        ) from error


def transport_error() -> type[Exception]:
    """Connections that fail, of the HTTP library that the client uses: httpx, or httpx2 from version 2 on."""
    from huggingface_hub import get_session

    kind: type[Exception] = import_module(type(get_session()).__module__.partition(".")[0]).TransportError
    return kind
