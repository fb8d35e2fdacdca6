"""``domainbert export``: the folders load in the programs that they are for, and give the model's own values."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from domainbert.errors import ModelError

Program = Callable[..., subprocess.CompletedProcess[str]]
TEXTS = ["ACGTTTGACATATAAT", "ACG", "GGGCCC" * 8]


@pytest.fixture(scope="module")
def sentences(domainbert: Program, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sentence_transformers", reason="the extra sentence-transformers is not installed")
    out: Path = tmp_path_factory.mktemp("sentences") / "out"
    done = domainbert("export", finished, "--to", "sentence-transformers", out)
    assert done.stdout.strip() == str(out)
    return out


@pytest.fixture(scope="module")
def graph(domainbert: Program, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for module in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(module, reason="the extra onnx is not installed")
    out: Path = tmp_path_factory.mktemp("onnx") / "out"
    domainbert("export", finished / "model", "--to", "onnx", out)
    return out


def mean(folder: Path) -> np.ndarray:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    rows = []
    for text in TEXTS:  # one at a time: no padding, so that a wrong mask shows
        with torch.inference_mode():
            rows.append(model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0).numpy())
    return np.stack(rows)


def test_sentence_vectors_are_means_of_length_1(sentences: Path, finished: Path) -> None:
    from sentence_transformers import SentenceTransformer

    vectors = SentenceTransformer(str(sentences), device="cpu").encode(TEXTS)
    due = mean(finished / "model")
    np.testing.assert_allclose(vectors, due / np.linalg.norm(due, axis=1, keepdims=True), atol=1e-5)  # single precision


def test_sentence_vectors_without_normalising(domainbert: Program, finished: Path, sentences: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    domainbert("export", finished, "--to", "sentence-transformers", "--no-normalize", tmp_path / "out")
    vectors = SentenceTransformer(str(tmp_path / "out"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(vectors, mean(finished / "model"), rtol=1e-4, atol=1e-5)


def test_the_head_stays_and_starts_a_sparse_encoder(sentences: Path, finished: Path) -> None:
    encoded = AutoTokenizer.from_pretrained(sentences)(TEXTS[0], return_tensors="pt")
    logits = [AutoModelForMaskedLM.from_pretrained(folder).eval()(**encoded).logits for folder in (sentences, finished / "model")]
    assert torch.equal(*logits)
    code = re.findall(r"```python\n(.*?)```", (sentences / "README.md").read_text(), re.DOTALL)[-1].replace("PATH", str(sentences))
    names: dict[str, object] = {}
    exec(code, names)  # the card's own lines
    weights = names["encoder"].encode(TEXTS).to_dense()  # type: ignore[attr-defined]
    # SPLADE (Formal et al. 2021): the largest log(1 + relu(logit)) of a text's tokens.
    torch.testing.assert_close(weights[0], torch.log1p(torch.relu(logits[0])).amax(1)[0].detach(), atol=1e-5, rtol=1e-4)


def test_onnx_gives_the_models_values_for_any_shape(graph: Path, finished: Path) -> None:
    import onnxruntime

    tokenizer, model = AutoTokenizer.from_pretrained(graph), AutoModelForMaskedLM.from_pretrained(finished / "model").eval()
    session = onnxruntime.InferenceSession(str(graph / "model.onnx"), providers=["CPUExecutionProvider"])
    for texts in (TEXTS, TEXTS[:1], [*TEXTS, *TEXTS]):
        encoded = tokenizer(texts, return_tensors="np", padding=True, return_token_type_ids=False)
        logits, hidden = session.run(["logits", "last_hidden_state"], dict(encoded))
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(value) for name, value in encoded.items()}
            due, vectors = model(**tensors).logits.numpy(), model.base_model(**tensors).last_hidden_state.numpy()
        real = encoded["attention_mask"].astype(bool)
        np.testing.assert_allclose(logits[real], due[real], atol=1e-4)  # single precision, sums in another order
        np.testing.assert_allclose(hidden[real], vectors[real], atol=1e-4)
    assert {path.name for path in graph.iterdir()} == {
        "README.md", "config.json", "domainbert.json", "model.onnx", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip


def test_a_graph_with_other_values_is_refused(graph: Path, finished: Path) -> None:
    from domainbert.publishing.onnx_folder import check, encode

    tokenizer, model = AutoTokenizer.from_pretrained(graph), AutoModelForMaskedLM.from_pretrained(finished / "model").eval()
    batches = [encode(tokenizer, TEXTS)]
    check(graph / "model.onnx", model, batches)
    with torch.no_grad():
        model.get_input_embeddings().weight[:, 0] += 0.05
    with pytest.raises(ModelError, match="differ from the model's"):
        check(graph / "model.onnx", model, batches)


@pytest.mark.parametrize(("to", "module"), [("onnx", "onnxscript"), ("sentence-transformers", "sentence_transformers")])
def test_a_missing_extra_is_named(
    domainbert: Program, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, module: str
) -> None:
    if to == "onnx":
        for other in ("onnx", "onnxruntime"):
            pytest.importorskip(other, reason="the extra onnx is not installed")
    monkeypatch.setitem(sys.modules, module, None)
    done = domainbert("export", finished, "--to", to, tmp_path / "out", status=2)
    assert f"pip install 'domainbert[{to}]'" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_no_model_is_named(domainbert: Program, finished: Path, graph: Path, tmp_path: Path) -> None:
    assert "is no model folder" in domainbert("export", tmp_path, "--to", "onnx", tmp_path / "out", status=2).stderr
    assert "already there" in domainbert("export", finished, "--to", "onnx", graph, status=2).stderr
    assert "not one of" in domainbert("export", finished, "--to", "tflite", tmp_path / "out", status=2).stderr


@pytest.mark.parametrize(
    "arguments",
    [("export", "RUN", "--to", "sentence-transformers"), ("publish", "RUN", "--repo", "me/dna", "--dry-run")],
)
def test_a_full_disk_is_named_and_nothing_is_kept(finished: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    pytest.importorskip("sentence_transformers", reason="the extra sentence-transformers is not installed")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"  # EFBIG where a full disk gives ENOSPC
    given = [str(finished) if each == "RUN" else each for each in (*arguments, str(tmp_path / "out"))]
    program = f"{limit}; from domainbert.cli.app import app; app({given!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 2, done.stderr
    assert str(tmp_path / "out") in done.stderr and "disk" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []
