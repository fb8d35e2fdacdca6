"""``evaluate`` as a whole: a signal that vectors hold is found, its company stands beside it, and the file says it all."""

import json
from pathlib import Path

import numpy as np
import pytest

import domainbert
from domainbert.downstream.run import Request, evaluate, write_results
from domainbert.downstream.tables import render
from domainbert.errors import OutputError


def rows(count, seed):
    """DNA whose class is the order of its halves: the same letters and nearly the same short strings in both classes."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        rich = "".join(rng.choice(list("ACGT"), 20, p=[0.1, 0.4, 0.4, 0.1]))
        poor = "".join(rng.choice(list("ACGT"), 20, p=[0.4, 0.1, 0.1, 0.4]))
        label = int(rng.integers(2))
        texts.append(rich + poor if label else poor + rich)
        labels.append(label)
    return texts, labels


def table(texts, labels, label="label"):
    return f"sequence,{label}\n" + "".join(f"{text},{each}\n" for text, each in zip(texts, labels, strict=True))


TASK = '{kind}\ntext = "sequence"\nfiles = {{ train = "train.csv", validation = "dev.csv", test = "test.csv" }}\n{more}\n'


@pytest.fixture
def task(tmp_path):
    def make(kind="", more="", relabel=lambda text, label: label):
        for name, count, seed in (("train", 300, 0), ("dev", 100, 1), ("test", 100, 2)):
            texts, labels = rows(count, seed)
            (tmp_path / f"{name}.csv").write_text(table(texts, [relabel(*each) for each in zip(texts, labels, strict=True)]))
        (tmp_path / "halves.toml").write_text(TASK.format(kind=kind, more=more))
        return str(tmp_path / "halves.toml")

    return make


def scores(results, name="halves"):
    return {(line["role"], line["method"]): line for line in results["tasks"][name]["scores"]}


@pytest.mark.parametrize("method", ["probe", "knn"])
def test_company_of_a_score(dna_model, task, method):
    request = Request(str(dna_model()), against=str(dna_model("bert")), tasks=(task(),), methods=(method,), num_seeds=2)
    results = domainbert.evaluate(request)
    found = scores(results)
    assert {role for role, _ in found} == {"model", "base", "random", "trivial", "majority"}
    model = found["model", method]
    if method == "probe":
        assert model["scores"]["mcc"]["mean"] > 0.5
        assert model["interval"]["low"] <= model["scores"]["mcc"]["mean"] <= model["interval"]["high"]
    assert found["majority", "-"]["scores"]["mcc"]["mean"] == 0
    assert abs(found["trivial", "logistic"]["scores"]["mcc"]["mean"]) < 0.6
    assert len(model["scores"]["mcc"]["values"]) == 2
    assert set(found["base", method]["model_minus_this"]) == {"mean", "low", "high"}
    trivial = found["trivial", "logistic"]
    apart = model["scores"]["mcc"]["mean"] - trivial["scores"]["mcc"]["mean"]
    assert trivial["model_minus_this"]["mean"] == pytest.approx(apart, abs=0.03)  # 300 draws of 100 rows
    assert "model_minus_this" not in found["majority", "-"]
    assert results == evaluate(request)
    text = render(results)
    assert text.index("exact duplicates") < text.index("MCC (95 %)")
    assert "2 seeds, each on its own nine tenths of train" in text


def test_texts_longer_than_the_model_are_named(dna_model, task):
    path = task()
    with (Path(path).parent / "test.csv").open("a") as file:
        file.write(f"{'ACGT' * 20},1\n")
    results = evaluate(Request(str(dna_model()), tasks=(path,), num_seeds=1))
    (found,) = [each for each in results["tasks"]["halves"]["audit"] if each["check"] == "longer_than_model"]
    assert found["figures"] == {"too_long": 1, "max_length": 64}
    assert "1 of 501 (0.2%) of texts are longer than the model's 64 tokens: vectors are averaged over windows" in found["text"]


def test_against_itself_there_is_no_difference(dna_model, task):
    results = evaluate(Request(str(dna_model()), against=str(dna_model()), tasks=(task(),), num_seeds=1))
    base = scores(results)["base", "probe"]
    assert base["model_minus_this"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert "no difference that these rows show" in render(results)


def test_both_strands_are_averaged(dna_model, task):
    """The class is the order of the halves, which the other strand turns round: an average of both cannot know it."""
    request = Request(str(dna_model()), tasks=(task(more="mirror = true"),), num_seeds=1)
    assert abs(scores(evaluate(request))["model", "probe"]["scores"]["mcc"]["mean"]) < 0.35


def test_regression_and_many_labels(dna_model, task):
    gc = task('kind = "regression"', relabel=lambda text, label: (text.count("G") + text.count("C")) / len(text))
    found = scores(evaluate(Request(str(dna_model()), tasks=(gc,), num_seeds=1)))
    assert found["model", "probe"]["scores"]["spearman"]["mean"] > 0.7
    assert found["trivial", "ridge"]["scores"]["spearman"]["mean"] > 0.8
    assert found["majority", "-"]["scores"]["rmse"]["mean"] > found["model", "probe"]["scores"]["rmse"]["mean"]
    many = task('kind = "multilabel"', 'labels = ["one", "two"]')
    for name in ("train", "dev", "test"):
        path = Path(many).with_name(f"{name}.csv")
        lines = [line.split(",") for line in path.read_text().splitlines()[1:]]
        body = "".join(f"{text},{label},{'' if number % 3 else int(text[0] in 'CG')}\n" for number, (text, label) in enumerate(lines))
        path.write_text("sequence,one,two\n" + body)
    found = scores(evaluate(Request(str(dna_model()), tasks=(many,), num_seeds=1)))
    assert found["model", "probe"]["scores"]["auroc"]["mean"] > 0.7


def test_pairs(dna_model, tmp_path):
    """Whether two halves are of one kind: neither half alone says."""
    rng = np.random.default_rng(0)
    lines = ["a,b,label"]
    for _ in range(400):
        kinds = rng.integers(2, size=2)
        sides = ["".join(rng.choice(list("ACGT"), 30, p=[[0.1, 0.4, 0.4, 0.1], [0.4, 0.1, 0.1, 0.4]][kind])) for kind in kinds]
        lines.append(f"{sides[0]},{sides[1]},{int(kinds[0] == kinds[1])}")
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "pairs.toml").write_text('text = "a"\nsecond = "b"\nfiles = { all = "p.csv" }\nsplit = { by = "random" }\n')
    found = scores(evaluate(Request(str(dna_model()), tasks=(str(tmp_path / "pairs.toml"),), num_seeds=1)), "pairs")
    assert found["model", "probe"]["scores"]["mcc"]["mean"] > 0.5
    assert found["trivial", "logistic"]["scores"]["mcc"]["mean"] < 0.4


def tokens(tmp_path):
    """A word of six bases is an entity if it is rich in G and C: most words of test are new, so that memory fails."""
    rng = np.random.default_rng(0)
    for name, count in (("train", 60), ("dev", 20), ("test", 40)):
        with (tmp_path / f"{name}.tsv").open("w") as file:
            for _ in range(count):
                words = ["".join(rng.choice(list("ACGT"), 6)) for _ in range(8)]
                tags = ["B-X" if word.count("G") + word.count("C") > 3 else "O" for word in words]
                file.write("".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True)) + "\n")
    keys = 'kind = "tokens"\nfiles = { train = "train.tsv", validation = "dev.tsv", test = "test.tsv" }\nreading = { separator = "" }\n'
    (tmp_path / "tags.toml").write_text(keys)
    return str(tmp_path / "tags.toml")


def test_token_labels(dna_model, tmp_path):
    """BioBERT 3 and 142: what was published is of whole entities, and says so; BioBERT 69: who tags all O stands beside it."""
    results = evaluate(Request(str(dna_model()), tasks=(tokens(tmp_path),), num_seeds=1))
    found = scores(results, "tags")
    assert results["tasks"]["tags"]["metric"] == "entity_f1"
    assert "entity F1 (95 %)" in render(results)
    memory, probe = (found[who]["scores"]["entity_f1"]["mean"] for who in (("trivial", "memory"), ("model", "probe")))
    assert 0 < memory < 0.4
    assert probe > memory + 0.2
    assert found["majority", "-"]["scores"]["entity_f1"]["mean"] == 0


def test_fine_tuning_learns_what_is_there(dna_model, task, tmp_path):
    from domainbert.downstream.finetune import FineTuning

    settings = FineTuning(epochs=3, learning_rate=2e-3, batch_size=16)
    request = Request(str(dna_model("bert")), tasks=(task(),), methods=("finetune",), num_seeds=1, fine_tuning=settings)
    found = scores(evaluate(request))
    assert found["model", "finetune"]["scores"]["mcc"]["mean"] > 0.6
    assert ("random", "finetune") in found
    longer = FineTuning(epochs=16, learning_rate=2e-3, batch_size=8)
    request = Request(str(dna_model("bert")), tasks=(tokens(tmp_path),), methods=("finetune",), num_seeds=1, fine_tuning=longer)
    found = scores(evaluate(request), "tags")
    assert found["model", "finetune"]["scores"]["entity_f1"]["mean"] > found["trivial", "memory"]["scores"]["entity_f1"]["mean"] + 0.15


def test_fine_tuning_comes_out_the_same_again(dna_model, task):
    """BioBERT 105: nobody could repeat the published numbers; a result holds its settings, and they give it again."""
    import torch

    from domainbert.downstream.finetune import FineTuning

    settings = FineTuning(epochs=1, learning_rate=1e-3, batch_size=8)
    gc = task('kind = "regression"', relabel=lambda text, label: (text.count("G") + text.count("C")) / len(text))
    request = Request(str(dna_model("bert")), tasks=(gc,), methods=("finetune",), num_seeds=1, max_rows=16, fine_tuning=settings)
    first = evaluate(request)
    torch.manual_seed(1)
    assert json.dumps(evaluate(request)) == json.dumps(first)  # a NaN is not itself
    recorded = first["tasks"]["halves"]
    assert recorded["fine_tuning"] == {
        "epochs": 1, "learning_rate": 1e-3, "batch_size": 8, "warmup_ratio": 0.1, "weight_decay": 0.01
    }  # fmt: skip
    assert (recorded["seeds"], recorded["max_rows"]) == (1, 16) and first["versions"]["torch"] == torch.__version__


def test_results_join_what_the_file_holds(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text('{"after": {"single": 1}, "tasks": {"old": {}}}')
    write_results({"tasks": {"new": {"x": float("nan")}}, "versions": {}}, path)
    assert json.loads(path.read_text()) == {"after": {"single": 1}, "tasks": {"old": {}, "new": {"x": None}}, "task_versions": {}}
    path.write_text("[1]")
    with pytest.raises(OutputError, match=r"is no evaluation\.json"):
        write_results({"tasks": {}, "versions": {}}, path)
    path.write_text("not json")
    with pytest.raises(OutputError, match="is no JSON"):
        write_results({"tasks": {}, "versions": {}}, path)


def test_command_line(dna_model, task, tmp_path, program, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("--seeds", 1, "--rows", 60, "--output", "out/e.json", "--json")
    code, out, prose = program("evaluate", dna_model(), "--task", task(), *options)
    assert code == 0, prose
    assert json.loads(out)["tasks"]["halves"]["split"] == {"by": "files", "train": 60, "validation": 60, "test": 60}
    assert json.loads((tmp_path / "out" / "e.json").read_text())["tasks"].keys() == {"halves"}
    assert (tmp_path / "out" / "e-halves.png").stat().st_size > 5000
    code, out, _ = program("map", dna_model(), "--task", task(), "--method", "pca", "--output", "m.png")
    assert (code, out) == (0, "m.png\n")
    assert (tmp_path / "m.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no task is named: give --task NAME or --task FILE.toml; adapter 'dna' has promoter-tata, "),
        (["--task", "x", "--method", "guess"], "--method guess: is none of probe, knn, finetune"),
        (["--task", "x", "--split", "luck"], "--split luck: is none of files, column"),
        (["--task", "nothing.toml"], "nothing.toml: cannot be read (No such file or directory)"),
        (["--task", "promotor-tata"], "has no task 'promotor-tata': did you mean 'promoter-tata'?"),
    ],
)
def test_wrong_requests_exit_2(dna_model, arguments, message, program):
    code, _, prose = program("evaluate", dna_model(), *arguments)
    assert code == 2
    assert message in prose
