"""SMILES to SELFIES and back, by the library ``selfies``, which is an extra (Lo et al. 2023, Digital Discovery 2, 897-908)."""

from importlib.util import find_spec
from typing import Any

from domainbert.adapters.molecules.selfies import FORM
from domainbert.errors import DomainBertError

LIBRARY = "selfies"
DEEP = "branches lie too deep in each other"


class UntranslatableError(Exception):
    """A molecule that SELFIES cannot express.

    Args:
        reason: the word under which it is counted.
        detail: the library's words.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def require_library() -> None:
    """Check that the library is there.

    Raises:
        DomainBertError: says how to install it.
    """
    if find_spec(LIBRARY) is None:
        raise DomainBertError("adapter 'molecules' with notation = 'selfies' needs the library selfies: pip install 'domainbert[selfies]'")


def encode(text: str) -> str:
    """The SELFIES of a SMILES, in the order of its atoms, with double bonds for aromatic ones.

    The library is strict: what its default constraints do not allow (hypervalent iodine, ferrocene) would decode as another molecule.

    Raises:
        UntranslatableError: it cannot be expressed.
    """
    from selfies import EncoderError, encoder

    try:
        return str(encoder(text, strict=True))
    except EncoderError as error:
        raise _named(error) from error
    except KeyError as error:  # of its table of elements in aromatic bonds; RDKit has ones in C:C too
        raise UntranslatableError("selfies_kekulisation", f"an aromatic bond at {error.args[0]}") from error
    except RecursionError as error:
        raise UntranslatableError("selfies_unsupported", DEEP) from error


def decode(text: str) -> str | None:
    """The SMILES of a text that the library reads as SELFIES; ``None`` for any other."""
    return _decoded(text)[0]


def complaint(text: str) -> str:
    """Why the library does not read a text that looks like SELFIES; empty for any other."""
    return _decoded(text)[1]


def _decoded(text: str) -> tuple[str | None, str]:
    from selfies import DecoderError, decoder

    if not FORM.fullmatch(text):
        return None, ""
    try:
        return str(decoder(text)), ""
    except DecoderError as error:
        return None, str(error).strip().splitlines()[0]
    except RecursionError:
        return None, DEEP


def _named(error: Any) -> UntranslatableError:
    """The library's sentence, and a word for it."""
    cause = error.__cause__  # of text that it cannot parse: where and why
    if cause is not None:
        return UntranslatableError("selfies_unsupported", str(cause.reason))
    lines = [line.strip() for line in str(error).splitlines()]
    if "kekulization" in lines[0]:
        return UntranslatableError("selfies_kekulisation", lines[0])
    return UntranslatableError("selfies_constraints", "; ".join(line[1:-1] for line in lines if line.startswith("[")) or lines[0])
