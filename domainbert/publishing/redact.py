"""Keeps access tokens out of messages, logs and published files."""

import logging
import os
import re
from typing import Any

# What access keys look like; each prefix is the issuer's own, made so that scanners recognise it.
SECRETS = {
    "a Hugging Face token": re.compile(rb"\b(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    "a GitHub token": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})"),
    "a GitLab token": re.compile(rb"\bglpat-[A-Za-z0-9_-]{20,}"),
    "an AWS access key": re.compile(rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a Google API key": re.compile(rb"\bAIza[A-Za-z0-9_-]{35}"),
    "a Slack token": re.compile(rb"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    "an OpenAI or Anthropic key": re.compile(rb"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}"),
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "a password in an address": re.compile(rb"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>]+:[^\s/@\"'<>]+@[A-Za-z0-9]"),
}
_SHOWN = re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{20,}|(?<=Bearer )[^\s\"']+")
_SHORTEST = 8  # characters; shorter than any real token


def redact(text: str) -> str:
    """The text with every Hub token in it replaced, and the value of ``HF_TOKEN`` whatever it looks like."""
    own = os.environ.get("HF_TOKEN", "")
    if len(own) >= _SHORTEST:
        text = text.replace(own, "<token>")
    return _SHOWN.sub("<token>", text)


def find_secret(data: bytes) -> str:
    """What the first secret in some bytes is, with its line; empty for none."""
    for kind, pattern in SECRETS.items():
        if found := pattern.search(data):
            line = data.count(b"\n", 0, found.start()) + 1
            return f"{kind} (line {line})"
    own = os.environ.get("HF_TOKEN", "").encode()
    return "the value of HF_TOKEN" if len(own) >= _SHORTEST and own in data else ""


def redact_logs() -> None:
    """Keep tokens out of every log message of this process, whichever library writes it and wherever it goes."""
    make = logging.getLogRecordFactory()

    def redacted(*args: Any, **named: Any) -> logging.LogRecord:
        record = make(*args, **named)
        record.msg, record.args = redact(record.getMessage()), ()
        return record

    logging.setLogRecordFactory(redacted)
