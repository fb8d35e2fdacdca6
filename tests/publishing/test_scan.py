"""What a scan lets through: the examples of our own adapters, whatever they look like, and no secret of anybody else."""

import json

import pytest

from domainbert.adapters.registry import BUILT_IN, load_adapter
from domainbert.publishing.scan import scan


def contract(adapter, raws):
    examples = [{"raw": raw, "canonical": adapter.canonicalize(raw), "ids": [1, 2]} for raw in raws]
    return json.dumps({"adapter": adapter.name, "examples": examples}, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_probes_of_an_adapter_are_no_secrets(name, tmp_path):
    adapter = load_adapter(name)
    (tmp_path / "domainbert.json").write_text(contract(adapter, adapter.probes()))
    assert scan(tmp_path).problems == ()


@pytest.mark.parametrize("secret", ["https://jo:hunter22secret@intranet.example/x", "hf_" + "a1B2" * 9])
def test_a_secret_beside_the_probes_is_found(secret, tmp_path):
    adapter = load_adapter("urls")
    (tmp_path / "domainbert.json").write_text(contract(adapter, [*adapter.probes(), secret]))
    (problem,) = scan(tmp_path).problems
    assert "domainbert.json: holds" in problem and "remove it" in problem
    (tmp_path / "domainbert.json").write_text(contract(adapter, adapter.probes()).replace('"urls"', '"nobody"'))
    assert len(scan(tmp_path).problems) == 1


def test_heads_are_published_with_their_model(tmp_path):
    (tmp_path / "heads.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    found = scan(tmp_path)
    assert list(found.files) == ["heads.safetensors"] and found.problems == ()
