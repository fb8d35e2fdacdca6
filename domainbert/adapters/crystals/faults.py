"""Why a structure cannot be used."""


class Unusable(Exception):  # noqa: N818  # not an error of the program: the reason is counted and reading goes on
    """A structure that is left out.

    Args:
        reason: the word under which it is counted.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
