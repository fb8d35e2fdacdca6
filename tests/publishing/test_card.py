"""Model cards: what they say, that the Hub can read them, and that their lines run."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from domainbert.engine.folder import RunFolder
from domainbert.publishing.card import model_card
from domainbert.publishing.facts import RunFacts, run_facts
from domainbert.publishing.results import figures, table

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def published(domainbert: Program, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out: Path = tmp_path_factory.mktemp("card") / "out"
    domainbert("publish", finished, "--repo", "me/bases", "--dry-run", out)
    return out


def facts(finished: Path, evaluation: dict[str, object]) -> RunFacts:
    return run_facts(RunFolder(finished), finished / "model", evaluation=evaluation, canonical_version="dna-1")


def test_the_card_says_how_the_input_is_spelled(finished: Path) -> None:
    told = facts(finished, json.loads((finished / "evaluation.json").read_text()))
    assert "It reads canonical text (`dna-1`)" in model_card(told)
    assert "It reads canonical text (`dna-1, notation = 'selfies'`)" in model_card(replace(told, spelling={"notation": "selfies"}))


def test_the_metadata_are_what_the_hub_indexes(published: Path) -> None:
    data = ModelCard.load(published / "README.md").data
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "transformers", "fill-mask")
    assert data.tags == ["domainbert", "dna", "bacteria"]
    assert data.base_model is None and data.datasets is None
    assert data.model_name == "bases"


def test_the_model_index_holds_the_figures_and_their_baselines(published: Path) -> None:
    evaluation = json.loads((published / "evaluation.json").read_text())
    results = {result.metric_name: result.metric_value for result in ModelCard.load(published / "README.md").data.eval_results}
    assert results["bits per base, single bases hidden"] == pytest.approx(evaluation["after"]["single"]["bits"], abs=1e-4)
    assert results["bits per base, single bases hidden: baseline random weights"] == pytest.approx(
        evaluation["before"]["single"]["bits"], abs=1e-4
    )
    lowest = min(
        score["bits"] for score in evaluation["baselines"]["same_letters_hidden"]["block"] if score["name"].startswith("two-sided")
    )
    (counts,) = [value for name, value in results.items() if name.startswith("bits per base, blocks of 6 hidden: baseline best two-sided")]
    assert counts == pytest.approx(lowest, abs=1e-4)
    assert len(results) == 10


def test_the_lines_that_load_it_run_without_domainbert(published: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (published / "README.md").read_text(), re.DOTALL)
    assert len(code.strip().splitlines()) == 3
    program = code.replace("'me/bases'", repr(str(published))) + (
        "import sys; assert not any(name.startswith('domainbert') for name in sys.modules)\n"
        "print(model(**tokenizer('ACGTAC', return_tensors='pt')).logits.shape[-1])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == json.loads((published / "config.json").read_text())["vocab_size"]


def test_the_body_says_what_a_reader_needs(published: Path, finished: Path) -> None:
    text = (published / "README.md").read_text()
    steps = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    sources = json.loads((finished / "recipe.json").read_text())["stores"]["main"]["sources"]
    evaluation = json.loads((published / "evaluation.json").read_text())
    for wanted in (
        f"4 of at most 600 tokens |\n| tokens | {sum(step['tokens'] for step in steps):,.0f} ",
        sources[0]["sha256"],
        "[Four thousand bases](data_cards/main.md), licence of the data: cc0-1.0",
        "1 illegal_character",
        f"| this model | **{evaluation['after']['single']['bits']:.3f}** |",
        "stretches of 31 characters that training text holds too",
        "there was nothing to forget",
        "It has seen four thousand random bases.",
        "](plots/loss.png)",
        " cores of " if " cores of " in text else " core of ",
        "recipe.json",
    ):
        assert wanted in text, wanted
    assert (published / "plots" / "loss.png").is_file() and (published / "data_cards" / "main.md").is_file()


@pytest.mark.parametrize(
    "evaluation",
    [
        {},
        {"unit": "base", "after": {}, "before": {}, "baselines": {}, "held_out": {"share_in_repeats_seen_in_training": None}},
        {"unit": "base", "after": "moved", "before": 3},
        {"after": {"single": {"perplexity": 3.0}}, "before": {}},
    ],
    ids=["nothing", "nothing held out", "another form", "another figure"],
)
def test_what_was_not_measured_is_said_plainly(finished: Path, evaluation: dict[str, object]) -> None:
    text = model_card(facts(finished, evaluation))
    assert "was not measured" in text
    assert ModelCard(text).data.eval_results is None
    assert "## Results" in text and "None" not in text


def test_what_else_was_measured_is_shown(finished: Path) -> None:
    evaluation = json.loads((finished / "evaluation.json").read_text())
    evaluation["tasks"] = [{"name": "promoters", "matthews": 0.71234, "baselines": {"random weights": 0.5}}]
    evaluation["forgetting"] = {"general": {"before": 1.5, "after": 1.75}}
    text = model_card(facts(finished, evaluation))
    for row in (
        "| tasks.promoters.matthews | 0.7123 |",
        "| tasks.promoters.baselines.random weights | 0.5 |",
        "| forgetting.general.after | 1.75 |",
    ):
        assert row in text
    assert "stands above under *forgetting*" in text


def test_text_domains_have_characters() -> None:
    evaluation = {
        "unit": "character", "base": "almanach/camembert", "after": {"word": {"bits": 1.25}}, "before": {"word": {"bits": 1.5}},
        "baselines": {"same_letters_hidden": {"word": [{"name": "order 5", "bits": 2.5}, {"name": "order 0", "bits": 4.0}]}},
    }  # fmt: skip
    assert [(figure.who, figure.value) for figure in figures(evaluation)] == [
        ("this model", 1.25), ("the base, before", 1.5), ("composition only", 4.0), ("best one-sided counts", 2.5),
    ]  # fmt: skip
    assert "| bits per character, lower is better | word hidden |" in table(evaluation)


def test_a_base_and_data_of_the_hub_are_named(domainbert: Program, finished: Path, tmp_path: Path) -> None:
    import shutil

    run = Path(shutil.copytree(finished, tmp_path / "run"))
    content = json.loads((run / "recipe.json").read_text())
    content["recipe"]["model"] |= {"base": "EuroBERT/EuroBERT-210m"}
    content["recipe"]["tokenizer"] |= {"mode": "keep"}
    content["recipe"]["card"] |= {"language": ["fr", "en"]}
    content["recipe"]["corpus"][0] |= {"sources": ["hub:owner/texts:news/train"], "card": ""}
    (run / "recipe.json").write_text(json.dumps(content))
    domainbert("publish", run, "--repo", "me/dna", "--dry-run", tmp_path / "out")
    data = ModelCard.load(tmp_path / "out" / "README.md").data
    assert data.base_model == "EuroBERT/EuroBERT-210m"
    assert data.datasets == ["owner/texts"]
    assert data.language == ["fr", "en"]
