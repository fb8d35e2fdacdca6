"""The hybrid encoder as its user sees it: an architecture like any other, but for the line before it is loaded."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification

from domainbert.recipe.schema import Scratch
from domainbert.recipe.size import Shape

Program = Callable[..., subprocess.CompletedProcess[str]]
LOAD = """
import sys
{before}
from transformers import AutoModelForMaskedLM, AutoTokenizer
model = AutoModelForMaskedLM.from_pretrained(sys.argv[1], trust_remote_code=False).eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=False)
print(type(model).__name__, model(**tokenizer("ACGTACGT", return_tensors="pt")).logits.shape[1])
"""
ORDERS = {
    "first": "import domainbert; assert not {'torch', 'transformers'} & set(sys.modules)",
    "last": "from transformers import AutoConfig, AutoModel\nAutoModel, AutoConfig\nimport domainbert",
    "config first": "from transformers import AutoConfig\nAutoConfig\nimport domainbert",
}


@pytest.fixture(scope="module")
def run(recipe: Path, domainbert: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hybrid") / "run"
    shape = ("model.scratch.architecture=delta-hybrid", "model.scratch.config={}")
    done = domainbert("pretrain", "--recipe", recipe, "--output", folder, *shape)
    assert "    import domainbert\n    from transformers import AutoModelForMaskedLM" in done.stderr
    return folder


def load(model: Path, before: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LOAD.format(before=before), str(model)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("order", ORDERS)
def test_it_loads_after_the_line_that_its_card_gives(order: str, run: Path, environment: dict[str, str]) -> None:
    done = load(run / "model", ORDERS[order], environment)
    assert done.stdout.split() == ["DeltaHybridForMaskedLM", "9"], done.stderr


def test_its_card_and_contract_say_so_and_others_do_not(run: Path, finished: Path, environment: dict[str, str]) -> None:
    assert json.loads((run / "model" / "domainbert.json").read_text())["loads_after"] == "import domainbert"
    card = (run / "model" / "README.md").read_text()
    assert "transformers lacks this architecture" in card and "```python\nimport domainbert\nfrom transformers" in card
    assert json.loads((finished / "model" / "domainbert.json").read_text())["loads_after"] == ""
    assert "import domainbert" not in (finished / "model" / "README.md").read_text()
    alone = load(run / "model", "", environment)
    assert alone.returncode and "delta-hybrid" in alone.stderr


def test_the_encoder_alone_has_the_same_weights(run: Path) -> None:
    whole, alone = (auto.from_pretrained(run / "model").eval() for auto in (AutoModelForMaskedLM, AutoModel))
    ids = torch.randint(5, 11, (1, 40))
    assert torch.equal(whole.model(input_ids=ids).last_hidden_state, alone(input_ids=ids).last_hidden_state)


def test_it_learns(run: Path) -> None:
    losses = [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.8 * losses[0]


def test_the_students_size_is_that_of_the_paper() -> None:
    shape = Shape.of_scratch(Scratch("delta-hybrid", 128, 5, 4), vocabulary_size=11, max_length=512)
    assert 1.05e6 < shape.num_parameters < 1.2e6


def small(auto: type, **keys: object) -> torch.nn.Module:
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.2, "vocab_size": 11}
    config = AutoConfig.for_model("delta-hybrid", **{"pad_token_id": 1, **shape, **keys})
    return auto.from_config(config).eval()


@pytest.mark.parametrize("layers", [["linear_attention"] * 2, ["full_attention"] * 2])
def test_each_layer_sees_both_sides_and_knows_them_apart(layers: list[str]) -> None:
    model = small(AutoModelForMaskedLM, layer_types=layers)
    ids = torch.randint(5, 11, (1, 90))
    plain = model(input_ids=ids).logits[0, 45]
    for place in (30, 44, 46, 60):
        changed = ids.clone()
        changed[0, place] = 5 + (ids[0, place] - 4) % 6
        assert (model(input_ids=changed).logits[0, 45] - plain).abs().max() > 1e-4
    turned = model(input_ids=ids.flip(1)).logits[0, 44]
    assert (turned - plain).abs().max() > 1e-2, "text read backwards is other text"


def test_padding_changes_no_class() -> None:
    # A row of its own for padding, as in a base that was given one, and layers that could read what it left in others.
    model = small(AutoModelForSequenceClassification, num_labels=3, num_hidden_layers=4, pad_token_id=None)
    ids, mask = torch.randint(5, 11, (2, 80)), torch.ones(2, 80, dtype=torch.long)
    mask[1, 50:], ids[1, 50:] = 0, 1
    out = model(input_ids=ids, attention_mask=mask, labels=torch.tensor([0, 2]))
    alone = model(input_ids=ids[1:, :50]).logits[0]
    torch.testing.assert_close(out.logits[1], alone, rtol=1e-4, atol=1e-5)  # fp32 sums in another order
    out.loss.backward()
    assert all(p.grad is not None for p in model.parameters())
