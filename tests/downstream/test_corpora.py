"""``evaluate --corpus``: models of different tokenizers on the same letters."""

import json

import numpy as np
import pytest

from domainbert.adapters.dna import DnaAdapter
from domainbert.adapters.french import FrenchAdapter
from domainbert.adapters.french.sample import generate
from domainbert.adapters.french.variants import no_accents
from domainbert.downstream.corpora import TextRequest, measure_texts
from domainbert.downstream.run import Request, evaluate
from domainbert.downstream.tables import render
from domainbert.engine.model import build_model
from domainbert.errors import CorpusError, ModelError
from domainbert.publishing.model_folder import write_model_folder
from domainbert.recipe.schema import Model, Scratch
from domainbert.tokenization.spans import read_vocabulary


@pytest.fixture(scope="module")
def kmer_model(tmp_path_factory):
    """DNA in 6-mers: another tokenizer than that of ``dna_model``."""
    adapter = DnaAdapter()
    tokenizer = adapter.tokenizer("kmer", None, (), model_max_length=32)
    scratch = Scratch("bert", hidden_size=32, num_layers=1, num_heads=2)
    model, *_ = build_model(Model(scratch=scratch), read_vocabulary(tokenizer, adapter), max_length=32, seed=1)
    folder = tmp_path_factory.mktemp("kmer") / "model"
    write_model_folder(folder, model=model, tokenizer=tokenizer, adapter=adapter, card=lambda folder: "")
    return folder


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text("".join(f">c{number}\n{''.join(rng.choice(list('ACGT'), 1200))}\n" for number in range(3)))
    return path


def lines(results):
    return {line["role"]: line for line in results["models"]}


def test_the_same_letters_for_every_tokenizer(dna_model, kmer_model, genome):
    request = TextRequest((str(genome),), ("masked", "diffusion", "pseudo"), num_draws=2, num_scored=20)
    ask = Request(str(dna_model()), against=str(kmer_model), texts=request)
    results = evaluate(ask)["texts"]
    found = lines(results)
    assert found.keys() == {"model", "base", "random"}
    assert found["model"]["masked"].keys() == {"single", "block"}
    assert found["base"]["masked"].keys() == {"block"}  # no token of one letter
    for name in ("base", "random"):
        assert found[name]["masked"]["block"]["num_letters"] == found["model"]["masked"]["block"]["num_letters"] > 300
        assert found[name]["diffusion"]["num_letters"] == found["model"]["diffusion"]["num_letters"]
    assert results["letters"] == 3600
    assert found["base"]["pseudo"]["num_tokens"] < found["model"]["pseudo"]["num_tokens"] / 4
    assert results == evaluate(ask)["texts"]


def test_against_itself_nothing_differs(dna_model, genome):
    request = TextRequest((str(genome),), ("masked", "diffusion"), num_draws=2)
    found = lines(evaluate(Request(str(dna_model()), against=str(dna_model()), texts=request))["texts"])
    assert found["model"]["masked"] == found["base"]["masked"]
    assert found["model"]["diffusion"] == found["base"]["diffusion"]


def test_text_of_its_own_is_needed(dna_model):
    with pytest.raises(CorpusError, match=r"no text of its own was held out, .*--corpus SRC"):
        measure_texts(TextRequest(), str(dna_model()), "", DnaAdapter(), [], lambda text: None)


def test_a_base_without_a_head_is_named(dna_model, genome, tmp_path):
    from transformers import AutoModel

    AutoModel.from_pretrained(dna_model("bert")).save_pretrained(tmp_path / "headless")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "headless" / file).write_bytes((dna_model("bert") / file).read_bytes())
    with pytest.raises(ModelError, match="no trained masked-LM head"):
        evaluate(Request(str(dna_model()), against=str(tmp_path / "headless"), texts=TextRequest((str(genome),))))


def test_command_line(dna_model, genome, tmp_path, program):
    output = tmp_path / "e.json"
    options = ("--measure", "masked", "--measure", "diffusion", "--measure", "pseudo", "--draws", 2, "--tokens", 10, "--output", output)
    code, out, prose = program("evaluate", dna_model(), "--corpus", genome, *options)
    assert code == 0, prose
    assert out.startswith("bits per base on 3,600 bases of text (lower is better)\n")
    for expected in ("single bases hidden", "diffusion bound: 2 draws", "pseudo: 10 of 3,600 tokens", "random weights"):
        assert expected in out
    assert json.loads(output.read_text())["texts"]["models"][0]["role"] == "model"
    code, _, prose = program("evaluate", dna_model(), "--corpus", genome, "--measure", "luck")
    assert code == 2
    assert "--measure luck: is none of masked, diffusion, pseudo" in prose
    code, _, prose = program("evaluate", dna_model(), "--corpus", tmp_path / "none.fa")
    assert code == 2
    assert "none.fa" in prose


def test_parts_of_a_text_are_told_apart(domain_model, tmp_path):
    """Salts in cubes of different edges: elements, numbers and symmetry each have their own figure."""
    cells = [
        {"atomic_numbers": [metal, 17], "frac_coords": [[0, 0, 0], [0.5] * 3], "lattice": (np.eye(3) * (3 + edge / 7)).tolist()}
        for metal in (3, 11, 19, 37) for edge in range(10)
    ]  # fmt: skip
    (tmp_path / "salts.jsonl").write_text("\n".join(map(json.dumps, cells)))
    model = str(domain_model("crystals", "symbol"))
    results = evaluate(Request(model, texts=TextRequest((str(tmp_path / "salts.jsonl"),))))
    parts = lines(results["texts"])["model"]["masked"]["unit"]["parts"]
    assert parts.keys() == {"element", "number", "symmetry", "kind ordered"}
    shown = [line.split() for line in render(results).splitlines()]
    for name, bits in parts.items():
        assert [*name.split(), f"{bits['num_letters']:,}", f"{bits['bits']:.3f}"] in [line[: len(name.split()) + 2] for line in shown]


def test_the_same_text_in_other_spellings(domain_model, tmp_path, program):
    """Without accents, the same words are hidden and cost something else; records that read the same are counted apart."""
    path, output = tmp_path / "livre.jsonl", tmp_path / "e.json"
    texts = [record.text for record, _ in zip(generate(), range(40), strict=False) if "é" in record.text]
    path.write_text("\n".join(json.dumps({"text": text}) for text in [*texts, "Le chat dort sur le banc."]))
    options = ("--view", "no_accents", "--view", "ocr", "--output", output)
    code, out, prose = program("evaluate", domain_model("french", "wordpiece"), "--corpus", path, *options)
    assert code == 0, prose
    found = json.loads(output.read_text())["texts"]
    assert found["views"].keys() == {"no_accents", "ocr"}
    view = found["views"]["no_accents"]
    assert (view["records"], view["changed"]) == (len(texts) + 1, len(texts)) and len(texts) > 20
    plain, bare = (lines(each)["model"]["masked"]["unit"] for each in (found, view))
    assert bare["num_letters"] == pytest.approx(plain["num_letters"], rel=0.05), "about the same words, each letter without its accent"
    # The view must score as a file does that was typed so: no_accents draws nothing at random.
    typed, adapter = tmp_path / "tapé.jsonl", FrenchAdapter()
    spelled = [adapter.canonicalize(no_accents(adapter.canonicalize(text), None)) for text in [*texts, "Le chat dort sur le banc."]]
    typed.write_text("\n".join(json.dumps({"text": text}) for text in spelled))
    code, _, prose = program("evaluate", domain_model("french", "wordpiece"), "--corpus", typed, "--output", tmp_path / "typed.json")
    assert code == 0, prose
    other = json.loads((tmp_path / "typed.json").read_text())["texts"]
    assert lines(other)["model"]["masked"]["unit"] == bare != plain
    row = next(line.split() for line in out.splitlines() if "no_accents" in line)
    changes = f"({bare['bits'] - plain['bits']:+.3f})"
    assert row[:6] == ["no_accents", str(len(texts)), "of", str(len(texts) + 1), f"{bare['bits']:.3f}", changes]


def test_views_that_are_none(domain_model, dna_model, genome, program):
    code, _, prose = program("evaluate", dna_model(), "--corpus", genome, "--view", "ocr")
    assert code == 2
    assert "--view ocr: adapter 'dna' has no such view; it has reverse_complement" in prose
    code, _, prose = program("evaluate", dna_model(), "--corpus", genome, "--measure", "pseudo", "--view", "reverse_complement")
    assert code == 2
    assert "add --measure masked" in prose
