import json
import subprocess
import sys

import pytest

from domainbert.recipe.load import load_recipe
from domainbert.resources import recipe_files


def test_list(run):
    done = run("recipes", "list")
    assert done.code == 0
    assert done.stderr == ""
    assert {line.split()[0] for line in done.stdout.splitlines()[1:]} == set(recipe_files())
    assert [entry["name"] for entry in json.loads(run("recipes", "list", "--json").stdout)] == sorted(recipe_files())


def test_show_is_a_recipe_again(run, tmp_path):
    done = run("recipes", "show", "dna", "training.seed=3")
    path = tmp_path / "shown.toml"
    path.write_text(done.stdout)
    assert load_recipe(path) == load_recipe("dna", overrides=["training.seed=3"])
    shown = json.loads(run("recipes", "show", "dna", "--json").stdout)
    assert shown["recipe"]["training"]["seed"] == 0
    assert len(shown["fingerprint"]) == 64


def test_copy_keeps_comments_and_never_overwrites(run, tmp_path):
    target = tmp_path / "my.toml"
    done = run("recipes", "copy", "dna", str(target))
    assert done.code == 0
    assert target.read_bytes() == recipe_files()["dna"].read_bytes()
    target.write_text("mine")
    again = run("recipes", "copy", "dna", str(target))
    assert (again.code, target.read_text()) == (2, "mine")
    assert f"{target}: exists already" in again.stderr
    assert "cannot be copied (No such file or directory)" in run("recipes", "copy", "dna", str(tmp_path / "none" / "my.toml")).stderr


def test_check_shows_every_problem_and_exits_2(run, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('adapter = "dna"\n[training]\nmax_step = 1\nseed = 1.5\n')
    done = run("recipes", "check", str(path))
    assert (done.code, done.stdout) == (2, "")
    assert f"{path}: unknown key 'training.max_step': did you mean 'training.max_steps'?" in done.stderr.splitlines()
    as_json = run("recipes", "check", str(path), "--json")
    assert as_json.code == 2
    assert json.loads(as_json.stdout)["problems"] == done.stderr.splitlines()
    assert run("recipes", "check", "dna").code == 0
    assert json.loads(run("recipes", "check", "dna", "--json").stdout)["ok"] is True


@pytest.mark.parametrize("arguments", [["recipes", "show", "dan"], ["plan", "--recipe", "dan"], ["pretrain", "--recipe", "dan"]])
def test_an_unknown_recipe(run, arguments):
    done = run(*arguments)
    assert done.code == 2
    assert "no recipe is called 'dan': did you mean 'dna'?" in done.stderr


def test_a_closed_pipe_is_quiet():
    program = f"{sys.executable} -m domainbert recipes show dna"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {program} | head -c 1"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("a", "")
