"""What a tokenizer needs to know of a line notation of molecules."""

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Language:
    """A notation's tokens, and how text is cut into them.

    Args:
        tokens: every token, without two that are alike.
        fallback: what no text of the notation needs and other text may hold, so that nothing in ASCII is unknown.
        pattern: matches one token, in Oniguruma's and in Python's syntax; the matches joined are the text.
        outer_pattern: one token or one whole bracket: the same cut, where every bracket is closed.
    """

    tokens: tuple[str, ...]
    fallback: tuple[str, ...]
    pattern: str
    outer_pattern: str

    def split(self, text: str) -> list[str]:
        """The tokens of a text; joined they are the text."""
        return self._token.findall(text)

    @cached_property
    def _token(self) -> re.Pattern[str]:
        return re.compile(self.pattern)
