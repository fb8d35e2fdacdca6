"""``domainbert publish`` against a Hub on loopback, through the Hub's own client."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hub_server import CUT, LOST, TOKEN, Hub, Repository

Program = Callable[..., subprocess.CompletedProcess[str]]

PUBLISHED = {
    "README.md", "config.json", "data_cards/main.md", "domainbert.json", "evaluation.json", "model.safetensors", "plots/loss.png",
    "recipe.json", "tokenizer.json", "tokenizer_config.json",
}  # fmt: skip
FETCH = """
import sys, torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
theirs, mine = (AutoModelForMaskedLM.from_pretrained(name) for name in sys.argv[1:])
tokenizers = [AutoTokenizer.from_pretrained(name) for name in sys.argv[1:]]
ids = [tokenizer("ACGTTTGACA", return_tensors="pt") for tokenizer in tokenizers]
assert torch.equal(ids[0]["input_ids"], ids[1]["input_ids"])
assert torch.equal(theirs(**ids[0]).logits, mine(**ids[1]).logits)
assert "domainbert" not in sys.modules
weights = [model.state_dict() for model in (theirs, mine)]
assert weights[0].keys() == weights[1].keys() and all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
print(len(weights[0]), "equal")
"""


def local(run: Path, name: str) -> bytes:
    return (run / ("model" if not name.startswith("plots") else "") / name).read_bytes()


def process(environment: dict[str, str], *command: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert TOKEN not in done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    return done


def test_what_is_published_is_fetched_back_by_its_id_and_equal(
    environment: dict[str, str], hub: Hub, finished: Path, tmp_path: Path
) -> None:
    hub.failures = {"commit": [503]}  # what is logged of it is seen here too
    program = ("-m", "domainbert", "publish", finished, "--repo", "me/dna")
    done = process({**environment, "HF_TOKEN": TOKEN}, *program)
    assert "503" not in done.stdout
    repository = hub.repositories["me/dna"]
    assert set(repository.files) == PUBLISHED | {".gitattributes"}
    assert len(repository.commits) == 2  # the repository's own first one, and ours
    assert done.stdout.strip() == f"{hub.url}/me/dna/commit/{repository.head}"
    assert not repository.private
    for name in ("model.safetensors", "tokenizer.json", "config.json", "plots/loss.png"):
        assert repository.files[name] == local(finished, name)
    fetched = process({**environment, "HF_HOME": str(tmp_path / "other")}, "-c", FETCH, "me/dna", finished / "model")
    assert fetched.stdout.endswith("equal\n")


def test_files_are_listed_before_the_hub_is_asked(publish: Program, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "")
    done = publish("--private", status=2)
    assert all(name in done.stderr for name in PUBLISHED)
    assert "hf auth login" in done.stderr
    assert not hub.calls


def test_a_dry_run_writes_what_would_be_uploaded_and_asks_nobody(publish: Program, hub: Hub, tmp_path: Path) -> None:
    done = publish("--dry-run", tmp_path / "out")
    assert not hub.calls
    assert done.stdout.strip() == str(tmp_path / "out")
    written = {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    publish()
    hub.repositories["me/dna"].files.pop(".gitattributes")
    assert written == hub.repositories["me/dna"].files
    assert "already there" in publish("--dry-run", tmp_path / "out", status=2).stderr


def test_the_token_goes_to_the_hub_alone_and_into_no_file(publish: Program, hub: Hub) -> None:
    publish()
    assert hub.authorized["commit"] == f"Bearer {TOKEN}"
    assert hub.authorized["put"] is None  # storage is somebody else's machine
    assert not any(TOKEN.encode() in data for data in hub.repositories["me/dna"].files.values())


def test_publishing_again_commits_nothing_new(publish: Program, hub: Hub) -> None:
    publish()
    publish()
    assert len(hub.repositories["me/dna"].commits) == 2


def test_private(publish: Program, hub: Hub) -> None:
    publish("--private")
    assert hub.repositories["me/dna"].private
    hub.repositories["me/dna"] = Repository(private=False)
    assert "is public" in publish("--private", status=2).stderr
    assert len(hub.repositories["me/dna"].commits) == 1


def test_a_pull_request_changes_nothing_by_itself(publish: Program, hub: Hub) -> None:
    assert "publish without --create-pr" in publish("--create-pr", status=2).stderr
    hub.repositories["me/dna"] = Repository(private=False)
    done = publish("--create-pr", "--json")
    assert json.loads(done.stdout)["pull_request"] == f"{hub.url}/me/dna/discussions/1"
    assert set(hub.repositories["me/dna"].files) == {".gitattributes"}
    assert set(hub.repositories["me/dna"].pull_requests[0]) == PUBLISHED | {".gitattributes"}


def test_weights_of_an_earlier_model_go_in_the_same_commit(publish: Program, hub: Hub) -> None:
    hub.repositories["me/dna"] = Repository(private=False)
    old = {"model-00001-of-00002.safetensors": b"1", "model.safetensors.index.json": b"{}", "notes.txt": b"mine"}
    hub.repositories["me/dna"].files |= old
    done = publish()
    assert "model-00001-of-00002.safetensors" in done.stderr
    assert set(hub.repositories["me/dna"].files) == PUBLISHED | {".gitattributes", "notes.txt"}
    assert len(hub.repositories["me/dna"].commits) == 2


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ({"info": [401]}, "does not accept the token"),
        ({"create": [403]}, "may not write"),
        ({"commit": [403]}, "may not write"),
        ({"commit": [412]}, "someone else changed it"),
        ({"commit": [429] * 9}, "too many requests"),
        ({"create": [503] * 9}, "the Hub answers 503"),
        ({"preupload": [500] * 9}, "the Hub answers 500"),
        ({"put": [503] * 9}, "503"),
        ({"put": [CUT] * 9}, "nothing was published"),
        ({"info": [CUT] * 9}, "the connection failed"),
    ],
    ids=str,
)
def test_what_keeps_failing_is_named_and_leaves_nothing(publish: Program, hub: Hub, failures: dict[str, list[int]], words: str) -> None:
    hub.failures = failures
    done = publish(status=2)
    assert words in done.stderr and "nothing was published" in done.stderr
    assert "Traceback" not in done.stderr
    assert all(len(repository.commits) == 1 for repository in hub.repositories.values())


@pytest.mark.parametrize(
    "failures",
    [
        {"info": [429, 503], "create": [503, CUT], "yaml": [502], "preupload": [429], "batch": [500], "put": [503, CUT], "verify": [502],
         "commit": [429, 503]},
        {"create": [LOST]},
        {"put": [LOST]},
        {"commit": [500]},
        {"commit": [409]},
        {"commit": [CUT]},
        {"commit": [LOST]},
    ],
    ids=str,
)  # fmt: skip
def test_what_passes_is_tried_again_and_committed_once(publish: Program, hub: Hub, failures: dict[str, list[int]]) -> None:
    hub.failures = failures
    publish()
    assert not any(failures.values())
    assert set(hub.repositories["me/dna"].files) == PUBLISHED | {".gitattributes"}
    assert len(hub.repositories["me/dna"].commits) == 2


def test_a_change_by_someone_else_is_not_overwritten(publish: Program, hub: Hub) -> None:
    def change(repository: Repository) -> None:
        repository.files["config.json"] = b"{}"
        repository.commits.append({"oid": "f" * 40, "summary": "theirs"})

    hub.meanwhile = change
    assert "someone else changed it" in publish(status=2).stderr
    assert hub.repositories["me/dna"].files["config.json"] == b"{}"


def test_a_lost_answer_opens_no_second_pull_request(publish: Program, hub: Hub) -> None:
    hub.repositories["me/dna"] = Repository(private=False)
    hub.failures = {"commit": [LOST]}
    assert "may have been published all the same" in publish("--create-pr", status=2).stderr
    assert len(hub.repositories["me/dna"].pull_requests) == 1
    hub.failures = {"commit": [429]}
    publish("--create-pr")
    assert len(hub.repositories["me/dna"].pull_requests) == 2


def test_a_token_that_the_hub_echoes_is_redacted(publish: Program, hub: Hub) -> None:
    hub.failures = {"commit": [403]}
    done = publish(status=2)  # the fixture looks for the token itself
    assert "as ordered Bearer <token>" in done.stderr


def test_offline_is_named(publish: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in publish(status=2).stderr


@pytest.mark.parametrize("name", ["dna", "me/dna/x", "me/..", "../dna", "me/d na", "me/a--b", "me/" + "x" * 99])
def test_a_bad_id_is_refused(domainbert: Program, finished: Path, name: str) -> None:
    assert "OWNER/NAME" in domainbert("publish", finished, "--repo", name, status=2).stderr


def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pytorch_model.bin", b"x", "may be a pickle"),
        ("training_args.dat", b"\x80\x04\x95x", "may be a pickle"),
        ("sub/state.pt", b"PK\x03\x04", "may be a pickle"),
        ("modeling_dna.py", b"import os", "is program code"),
        ("tokenizer_config.json", None, "a Hugging Face token (line 1)"),
        ("model.safetensors", b"\x80\x04\x95" + b"x" * 60, "is no safetensors file"),
        ("model.safetensors", (10**12).to_bytes(8, "little") + b"{}", "is no safetensors file"),
        ("config.json", b'{"auto_map": {"AutoModel": "modeling_dna.Model"}}', "asks for code to be run"),
        ("tokenizer.json", b"{", "is no JSON"),
    ],
    ids=str,
)
def test_what_must_not_leave_is_named(
    domainbert: Program, finished: Path, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    run = copy(finished, tmp_path)
    path = run / "model" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(path.read_bytes().replace(b"{", b'{ "note": "hf_' + b"a1B2" * 9 + b'",', 1) if content is None else content)
    done = domainbert("publish", run, "--repo", "me/dna", "--dry-run", tmp_path / "out", status=2)
    assert words in done.stderr and name in done.stderr
    assert not (tmp_path / "out").exists()


def test_links_are_not_followed(domainbert: Program, finished: Path, tmp_path: Path) -> None:
    run = copy(finished, tmp_path)
    (run / "model" / "special_tokens_map.json").symlink_to("/etc/hostname")
    assert "is a link" in domainbert("publish", run, "--repo", "me/dna", "--dry-run", tmp_path / "out", status=2).stderr


def test_other_files_stay_here_and_are_named(domainbert: Program, finished: Path, tmp_path: Path) -> None:
    run = copy(finished, tmp_path)
    (run / "model" / "notes.txt").write_text("mine")
    done = domainbert("publish", run / "model", "--repo", "me/dna", "--dry-run", tmp_path / "out")
    assert "stays here: notes.txt" in done.stderr
    assert not (tmp_path / "out" / "notes.txt").exists()


def test_nothing_names_the_folders_of_this_machine(domainbert: Program, finished: Path, tmp_path: Path) -> None:
    domainbert("publish", finished, "--repo", "me/dna", "--dry-run", tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.*"):
        if path.is_file():
            assert str(finished.parent).encode() not in path.read_bytes(), path.name
    assert json.loads((tmp_path / "out" / "recipe.json").read_text())["recipe"]["corpus"][0]["sources"] == ["genome.fa"]


def test_a_run_that_does_not_say_where_it_comes_from_is_refused(domainbert: Program, finished: Path, tmp_path: Path) -> None:
    run = copy(finished, tmp_path)
    content = json.loads((run / "recipe.json").read_text())
    content["recipe"]["card"]["license"] = content["recipe"]["corpus"][0]["card"] = ""
    (run / "recipe.json").write_text(json.dumps(content))
    arguments = ["publish", run, "--repo", "me/dna", "--dry-run", tmp_path / "out"]
    done = domainbert(*arguments, status=2)
    assert "no licence of the model" in done.stderr and "--license" in done.stderr
    assert "corpus 'main' (genome.fa): no data card" in done.stderr and "domainbert corpus card" in done.stderr
    domainbert("corpus", "card", run / "stores" / "main", "--output", tmp_path / "card.md")
    more = ["--license", "mit", "--data-card", f"main={tmp_path / 'card.md'}"]
    done = domainbert(*arguments, *more, status=2)
    assert "no licence of the data" in done.stderr and "'TODO' is left to be answered" in done.stderr
    text = (tmp_path / "card.md").read_text()
    (tmp_path / "card.md").write_text(text.replace("TODO", "Said").replace("license: unknown", "license: cc0-1.0"))
    assert "no corpus of that name" in domainbert(*arguments, "--data-card", "mian=x.md", status=2).stderr
    domainbert(*arguments, *more)
    assert "license: mit" in (tmp_path / "out" / "README.md").read_text()


def test_an_unfinished_run_is_refused(domainbert: Program, finished: Path, tmp_path: Path) -> None:
    run = copy(finished, tmp_path)
    (run / "evaluation.json").unlink()
    assert "is not finished" in domainbert("publish", run, "--repo", "me/dna", status=2).stderr
    assert "is no run folder" in domainbert("publish", tmp_path, "--repo", "me/dna", status=2).stderr
