"""What the ``corpus`` commands are asked to read, and how."""

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from domainbert.adapters.registry import adapter_class
from domainbert.errors import RecipeError
from domainbert.recipe.load import recipe_from
from domainbert.recipe.schema import Corpus, Recipe

ASSIGNMENT = re.compile(r"[A-Za-z_][\w.-]*=")
_SECTIONS = ("corpus", "tokenizer", "training")
_CORPUS_KEYS = {field.name for field in fields(Corpus)}


def request(adapter: str, arguments: Sequence[str], tokenizer: str, encoding: str = "") -> Recipe:
    """A recipe of one corpus, checked like any other.

    Args:
        adapter: its name.
        arguments: sources and ``KEY=VALUE``; a bare key is one of the corpus (``validation_fraction=0.1``) or of the adapter's loader
            (``window=1024``), others begin with ``tokenizer.`` or ``training.``.
        tokenizer: its kind; the adapter's first when empty.
        encoding: of the files; the loader's default when empty.

    Raises:
        DomainBertError: no such adapter, an unknown key, or a value out of range.
    """
    assignments = [text for text in arguments if ASSIGNMENT.match(text) and not Path(text).exists()]
    sources = [text for text in arguments if text not in assignments]
    if encoding:
        assignments.append(f"encoding={encoding}")
    if not sources:
        raise RecipeError("no source is given: name a file, a folder, a glob, hub:OWNER/NAME or sample")
    kind = tokenizer or next(iter(adapter_class(adapter).tokenizer_kinds))
    tables = {"adapter": adapter, "corpus": [{"sources": sources}], "tokenizer": {"kind": kind}}
    return recipe_from(tables, "command line", overrides=[_in_full(text) for text in assignments])


def _in_full(assignment: str) -> str:
    section = re.split(r"[.=]", assignment, maxsplit=1)[0]
    if section in _SECTIONS:
        return assignment
    return f"corpus.{assignment}" if section in _CORPUS_KEYS else f"corpus.options.{assignment}"
