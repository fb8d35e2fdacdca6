"""E-mail addresses, credentials and tokens in a path, a query or a fragment, replaced by ``[EMAIL]`` and ``[REDACTED]``.

Phishing URLs carry the addresses of their victims, and logs the sessions of their users.
"""

import re

# A local part has at most 64 characters (RFC 5321, section 4.5.3.1.1); the bound also keeps the search linear. It never begins inside
# an escape.
_MAIL = re.compile(r"(?<!%)(?<!%[0-9A-F])[A-Za-z0-9._+-]{1,64}(?:@|%(?:25)?40)(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,}")
# JSON web tokens, AWS key ids, and GitHub's, Slack's and Stripe's tokens, by the beginnings that their makers document. Both ends are
# bounded, so that a second pass over redacted text finds nothing new.
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*|AKIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|sk_live_[A-Za-z0-9]{10,})(?![A-Za-z0-9])"
)
_NAME = (
    "[A-Za-z0-9_.-]{0,40}?(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|auth|session(?:_?id)?|sess(?:ion)?id|sid"
    "|signature|credential|jwt|bearer)s?"
)
_FILLED = r"\[EMAIL\]|\[REDACTED\]"
_IN_PATH = re.compile(rf"((?:^|[/;&])(?:{_NAME})=)(?:[^/\[]|{_FILLED})+", re.IGNORECASE)
_IN_QUERY = re.compile(rf"((?:^|[&;?])(?:{_NAME})=)(?:[^&\[]|{_FILLED})+", re.IGNORECASE)
# One URL inside another: its separators are escaped.
_NESTED = re.compile(rf"(%(?:26|3B|3F)(?:{_NAME})%3D)(?:[^&\[%]|%(?!26)|{_FILLED})+", re.IGNORECASE)


def redact(text: str, *, in_path: bool = False) -> str:
    """``text`` without what identifies or authorises a person; doing it again changes nothing."""
    if "@" in text or ("%" in text and "40" in text):
        text = _MAIL.sub("[EMAIL]", text)
    text = _TOKEN.sub("[REDACTED]", text)
    if "=" in text:
        text = (_IN_PATH if in_path else _IN_QUERY).sub(r"\1[REDACTED]", text)
    if "%3D" in text:
        text = _NESTED.sub(r"\1[REDACTED]", text)
    return text
