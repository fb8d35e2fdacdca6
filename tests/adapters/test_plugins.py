"""Adapters of other packages: found, never in place of ours, and harmless when they are broken."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domainbert import load_adapter
from domainbert.adapters.dna import DnaAdapter
from domainbert.cli.app import app
from domainbert.errors import DomainBertError

GOOD = """
from domainbert.adapters.dna import DnaAdapter

class Rna(DnaAdapter):
    name, summary = "rna", "RNA"

class Shadow(DnaAdapter):
    name, summary = "dna", "not ours"
"""
BROKEN = {
    "missing": ("import no_such_library\n", "plugin_missing:Rna", "ModuleNotFoundError: No module named 'no_such_library'"),
    "leaves": ("raise SystemExit('bye')\n", "plugin_leaves:Rna", "SystemExit: bye"),
    "syntax": ("def\n", "plugin_syntax:Rna", "SyntaxError"),
    "absent": ("x = 1\n", "plugin_absent:Rna", "AttributeError"),
    "other": ("Rna = dict\n", "plugin_other:Rna", "is not a subclass of domainbert.adapters.base.Adapter"),
    "half": (
        "from domainbert.adapters.base import Adapter\nclass Rna(Adapter):\n    name = 'half'\n", "plugin_half:Rna",
        "lacks canonicalize, is_target, probes, records, sample, tokenizer, summary",
    ),
    "renamed": (GOOD, "plugin_renamed:Rna", "calls itself 'rna'"),
}  # fmt: skip


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a distribution with one module and one entry point where Python looks for them."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, target: str, text: str, *, distribution: str) -> None:
        (tmp_path / f"{target.partition(':')[0]}.py").write_text(text)
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[domainbert.adapters]\n{name} = {target}\n")

    yield put
    for module in [module for module in sys.modules if module.startswith("plugin_")]:
        del sys.modules[module]


def listing() -> dict[tuple[str, str], dict[str, str]]:
    done = CliRunner().invoke(app, ["adapters", "--json"])
    assert done.exit_code == 0
    return {(entry["name"], entry["origin"]): entry for entry in json.loads(done.stdout)}


def test_a_plugin_is_listed_and_used(install) -> None:
    install("rna", "plugin_good:Rna", GOOD, distribution="good")
    assert listing()["rna", "good"] == {"name": "rna", "origin": "good", "summary": "RNA", "problem": ""}
    assert load_adapter("rna").canonicalize("acgu") == "ACGT"


def test_a_built_in_name_stays_ours(install) -> None:
    install("dna", "plugin_shadow:Shadow", GOOD, distribution="shadow")
    assert type(load_adapter("dna")) is DnaAdapter
    entries = listing()
    assert entries["dna", "built in"]["problem"] == ""
    assert "an adapter of that name is built in" in entries["dna", "shadow"]["problem"]


def test_of_two_plugins_with_one_name_the_second_is_named(install) -> None:
    install("rna", "plugin_one:Rna", GOOD, distribution="one")
    install("rna", "plugin_two:Rna", GOOD, distribution="two")
    problems = sorted(entry["problem"] for (name, _), entry in listing().items() if name == "rna")
    assert problems[0] == "" and "an adapter of that name is of " in problems[1]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_listed_with_its_reason_and_harms_nothing(install, name: str) -> None:
    text, target, reason = BROKEN[name]
    install(name, target, text, distribution=name)
    entries = listing()
    assert reason in entries[name, name]["problem"]
    assert entries["dna", "built in"]["problem"] == ""
    with pytest.raises(DomainBertError, match="adapter"):
        load_adapter(name)
    assert CliRunner().invoke(app, ["corpus", "build", "--adapter", name, "x.fa"]).exit_code == 2
