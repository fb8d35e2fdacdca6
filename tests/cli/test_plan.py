import json

import pytest

FASTA = ">one\n" + "ACGTTGCA" * 1000 + "\n"


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "one.fa"
    path.write_text(FASTA)
    return path


def test_plan_of_the_sample(run):
    done = run("plan", "--recipe", "dna")
    assert done.code == 0
    for word in ("parameters", "steps", "operations", "memory", "disk", "time", "about"):
        assert word in done.stdout


def test_plan_as_json_adds_up(run, fasta):
    done = run("plan", "--recipe", "dna", "--corpus", str(fasta), "training.batch_tokens=1024", "stage.mlm.steps=300", "--json")
    plan = json.loads(done.stdout)
    assert plan["stages"] == [{"name": "mlm", "num_steps": 300, "num_tokens": 300 * 1024}]
    assert plan["sources"] == [{"corpus": "main", "source": str(fasta), "num_files": 1, "num_bytes": len(FASTA)}]
    assert plan["store_bytes"] == 2 * 3 * len(FASTA)  # both strands, a byte of text and two of tokens a base
    assert plan["weight_bytes"] == 16 * plan["num_parameters"]
    assert plan["vocabulary_size"] == 11
    assert plan["flops"] > 6 * plan["num_tokens"] * plan["num_parameters"] * 0.9
    assert plan["seconds"] > 0
    assert plan["flops_per_second"] > 1e8  # any processor of this century


def test_plan_scales_to_max_steps(run, fasta):
    plan = json.loads(run("plan", "--recipe", "dna", "training.max_steps=10", "--json").stdout)
    assert plan["num_steps"] == 10


def test_plan_of_epochs_needs_the_size_of_the_corpus(run, fasta):
    epochs = ["stage.mlm.steps=0", "stage.mlm.epochs=4", "corpus.validation_fraction=0.5", "training.batch_tokens=1000"]
    known = json.loads(run("plan", "--recipe", "dna", "--corpus", str(fasta), *epochs, "--json").stdout)
    assert known["num_steps"] == pytest.approx(4 * 2 * len(FASTA) * 0.5 / 1000, abs=1)
    assert "upper bound" in known["notes"][0]
    unknown = run("plan", "--recipe", "dna", *epochs)
    assert unknown.code == 0
    assert "steps not known yet" in unknown.stdout
    assert "stage 'mlm' is in epochs" in unknown.stdout


@pytest.mark.parametrize(("kind", "size"), [("character", 11), ("kmer", 4107), ("bpe", 4096)])
def test_vocabularies(run, kind, size):
    assert json.loads(run("plan", "--recipe", "dna", f"tokenizer.kind={kind}", "--json").stdout)["vocabulary_size"] == size


def test_plan_of_a_base_folder(run, tmp_path):
    from transformers import BertConfig, BertForMaskedLM

    model = BertForMaskedLM(BertConfig(vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32))
    model.save_pretrained(tmp_path / "base")
    plan = json.loads(run("plan", "--recipe", "dna", "--base", str(tmp_path / "base"), "--json").stdout)
    assert plan["num_parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert plan["vocabulary_size"] == 30


def test_plan_of_a_base_that_is_not_here(run):
    done = run("plan", "--recipe", "dna", "--base", "somebody/some-model")
    assert done.code == 0
    assert "somebody/some-model is no folder here" in done.stdout


def test_plan_of_missing_files(run):
    done = run("plan", "--recipe", "dna", "--corpus", "nowhere/*.fa")
    assert done.code == 2
    assert "nowhere/*.fa: no file matches this pattern" in done.stderr


def test_each_stage_costs_what_it_predicts(run, tmp_path):
    """The head of a large vocabulary reads every token of a causal stage, and few of a masked one."""
    masked, causal = '[[stage]]\nname = "m"\nsteps = 10\n', '[[stage]]\nname = "c"\nsteps = 10\nattention = "causal"\n'

    def flops(stages):
        path = tmp_path / "stages.toml"
        path.write_text('adapter = "dna"\n[tokenizer]\nkind = "kmer"\n[corpus]\nsources = ["sample"]\n' + stages)
        return json.loads(run("plan", "--recipe", str(path), "--json").stdout)["flops"]

    assert flops(masked + causal) == pytest.approx(flops(masked) + flops(causal))
    assert 1.3 < flops(causal) / flops(masked) < 3
