"""``domainbert soup``: means of models, of all or of those that help, and what is never averaged."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM, AutoTokenizer


def weights(folder):
    return load_file(folder / "model.safetensors")


@pytest.fixture
def copies(finished, tmp_path):
    """Three copies of a trained model: as it is, with little noise, and ruined."""
    folders = []
    generator = torch.Generator().manual_seed(0)
    for name, noise in (("good", 0.0), ("near", 0.002), ("ruined", 3.0)):
        shutil.copytree(finished / "model", tmp_path / name)
        changed = {key: value + noise * torch.randn(value.shape, generator=generator) for key, value in weights(tmp_path / name).items()}
        save_file(changed, tmp_path / name / "model.safetensors", metadata={"format": "pt"})
        folders.append(tmp_path / name)
    return folders


def test_a_plain_soup_is_the_mean_of_checkpoints(finished, domainbert, tmp_path):
    steps = [finished / "checkpoints" / f"step-{step}" for step in (8, 12, 14)]
    done = domainbert("soup", *steps, "--output", tmp_path / "soup")
    assert done.stdout.strip() == str(tmp_path / "soup")
    parts, mean = [weights(step) for step in steps], weights(tmp_path / "soup")
    assert mean.keys() == parts[0].keys()
    for key, value in mean.items():
        wanted = torch.stack([part[key].double() for part in parts]).mean(0).float()
        assert torch.allclose(value, wanted, rtol=1e-7, atol=0), key  # one rounding to fp32
    model, tokenizer = (each.from_pretrained(tmp_path / "soup") for each in (AutoModelForMaskedLM, AutoTokenizer))
    assert torch.equal(model.get_input_embeddings().weight, mean["model.embeddings.tok_embeddings.weight"])
    assert tokenizer.get_vocab() == AutoTokenizer.from_pretrained(finished / "model").get_vocab()
    assert not [file for file in (tmp_path / "soup").iterdir() if file.suffix in (".pt", ".bin", ".pth")]


def test_a_soup_by_validation_leaves_out_what_makes_it_worse(copies, domainbert, tmp_path, recipe):
    done = domainbert("soup", *reversed(copies), "--corpus", recipe.parent / "genome.fa", "--output", tmp_path / "soup", "--json")
    made = json.loads(done.stdout)
    good, near, ruined = map(str, copies)
    assert ruined not in made["kept"] and good in made["kept"]
    assert made["bits"]["soup"] <= min(made["bits"][good], made["bits"][near]) < made["bits"]["mean of all"]
    kept = [weights(folder) for folder in copies if str(folder) in made["kept"]]
    for key, value in weights(tmp_path / "soup").items():
        assert torch.allclose(value, torch.stack([part[key].double() for part in kept]).mean(0).float(), rtol=1e-7, atol=0)


def test_the_text_that_judges_is_spelled_as_the_models_were_trained(copies, domainbert, tmp_path, recipe):
    for folder in copies:
        contract = folder / "domainbert.json"
        contract.write_text(json.dumps({**json.loads(contract.read_text()), "options": {"max_n_run": -1}}))
    done = domainbert("soup", *copies, "--corpus", recipe.parent / "genome.fa", "--output", tmp_path / "soup", status=2)
    assert "max_n_run" in done.stderr and "-1" in done.stderr  # the option reached the reader, which takes no such value


def test_models_of_another_shape_or_tokenizer_are_named(copies, dna_model, domainbert, tmp_path):
    other = copies[1]
    path = other / "tokenizer.json"
    path.write_text(path.read_text().replace('"<mask>"', '"<hidden>"'))
    refused = [
        ([copies[0], dna_model("bert")], f"{dna_model('bert')}: "),
        ([copies[0], other], f"{other}: its tokenizer is not that of {copies[0]}"),
        ([copies[0]], "two models or more"),
        ([copies[0], copies[0]], "is given twice"),
        ([copies[0], tmp_path / "nothing"], f"{tmp_path / 'nothing'}: is no model folder"),
    ]
    contract = copies[2] / "domainbert.json"
    contract.write_text(json.dumps({**json.loads(contract.read_text()), "options": {"max_n_run": 3}}))
    refused.append(([copies[0], copies[2]], f"{copies[2]}: its spelling of the input is not that of {copies[0]}"))
    for models, message in refused:
        done = domainbert("soup", *models, "--output", tmp_path / "soup", status=2)
        assert message in done.stderr
    assert not [entry for entry in tmp_path.iterdir() if "soup" in entry.name]


def test_pickled_weights_are_no_ingredient(copies, domainbert, tmp_path):
    torch.save(weights(copies[1]), copies[1] / "pytorch_model.bin")
    (copies[1] / "model.safetensors").unlink()
    done = domainbert("soup", *copies[:2], "--output", tmp_path / "soup", status=2)
    assert f"{copies[1]}: holds no model.safetensors; pickled weights are never read" in done.stderr
