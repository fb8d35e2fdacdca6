import re
import subprocess
import sys

import numpy as np
import pytest

TINY = ["model.scratch.hidden_size=16", "model.scratch.num_layers=1", "model.scratch.num_heads=2", "stage.mlm.steps=4"]
TINY += ["model.scratch.config={}"]  # its layer types are those of four layers
TINY += ["stage.mlm.schedule.warmup_steps=1", "stage.mlm.schedule.decay_steps=1", "training.batch_tokens=512", "training.max_length=64"]


@pytest.fixture
def fasta(tmp_path):
    """Eight records of random bases."""
    rng = np.random.default_rng(0)
    path = tmp_path / "eight.fa"
    path.write_text("".join(f">record{number}\n{''.join(rng.choice(list('ACGT'), 800))}\n" for number in range(8)))
    return path


def test_from_files_to_a_model_that_the_printed_lines_load(run, fasta, tmp_path):
    done = run("pretrain", "--recipe", "dna", "--corpus", str(fasta), "--output", "out", *TINY)
    assert done.code == 0, done.stderr
    assert done.stdout == "out/model\n"
    assert "4 steps" in done.stderr  # the plan
    assert "bits per base" in done.stderr
    lines = "\n".join(line.strip() for line in re.findall(r"^    (?:from|model|tokenizer) .*$", done.stderr, re.MULTILINE))
    assert len(lines.splitlines()) == 3
    use = "\nassert model(**tokenizer('ACGTACGT', return_tensors='pt')).logits.shape[-1] >= len(tokenizer)"
    subprocess.run([sys.executable, "-c", lines + use], cwd=tmp_path, check=True, capture_output=True)

    again = run("resume", "out")
    assert (again.code, again.stdout) == (0, "out/model\n")
    taken = run("pretrain", "--recipe", "dna", "--corpus", str(fasta), "--output", "out", *TINY)
    assert taken.code == 2
    assert "domainbert resume out" in taken.stderr


def test_damaged_input_stops_with_its_name_and_leaves_no_model(run, tmp_path):
    (tmp_path / "bad.fa").write_text("no header\n>one\nACGT\n")
    done = run("pretrain", "--recipe", "dna", "--corpus", "bad.fa", "--output", "out", *TINY)
    assert done.code == 2
    assert "bad.fa" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "model").exists()
