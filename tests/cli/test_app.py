import json
import signal
import subprocess
import sys
import time

import pytest

import domainbert
from domainbert.adapters.registry import BUILT_IN


def test_version_and_help(run):
    assert run("--version").stdout.strip() == domainbert.__version__
    shown = run("--help").stdout
    for command in ("adapters", "recipes", "plan", "pretrain", "resume", "corpus", "env"):
        assert f" {command} " in shown


@pytest.mark.parametrize(
    "command", ["adapters", "recipes list", "recipes show", "recipes copy", "recipes check", "plan", "pretrain", "resume", "env"]
)
def test_every_command_shows_an_example(run, command):
    shown = run(*command.split(), "--help").stdout
    assert f"domainbert {command}" in shown.partition("Usage:")[2].partition("Example")[2]


@pytest.mark.parametrize(
    "arguments",
    [["pretrian"], ["plan"], ["pretrain", "--recipe", "dna", "--recip", "x"], ["plan", "--recipe"], ["recipes", "shw", "dna"]],
    ids=" ".join,
)
def test_wrong_usage_exits_2(run, arguments):
    done = run(*arguments)
    assert done.code == 2
    assert done.stdout == ""
    assert "Error" in done.stderr


def test_a_wrong_override_stops_before_anything_is_read(run, tmp_path):
    done = run("pretrain", "--recipe", "dna", "--output", "out", "training.sed=3", "stage.mlm.steps=-1")
    assert done.code == 2
    assert done.stdout == ""
    assert "override training.sed=3: unknown key 'training.sed': did you mean 'training.seed'?" in done.stderr
    assert "override stage.mlm.steps=-1: stage[0].steps = -1 is below 0" in done.stderr
    assert not (tmp_path / "out").exists()


def test_resume_of_what_is_no_run(run, tmp_path):
    done = run("resume", str(tmp_path))
    assert done.code == 2
    assert "recipe.json is missing" in done.stderr


def test_adapters(run):
    assert "dna" in run("adapters").stdout
    listed = json.loads(run("adapters", "--json").stdout)
    assert [each["name"] for each in listed] == sorted(BUILT_IN)
    assert all(each["origin"] == "built in" and each["summary"] and not each["problem"] for each in listed)


def test_env_shows_versions_and_no_secrets(monkeypatch, run):
    monkeypatch.setenv("HF_TOKEN", "hf_thisIsASecretOfTheUser00")
    shown = json.loads(run("env", "--json").stdout)
    assert shown["domainbert"] == domainbert.__version__
    assert shown["torch"][0].isdigit()
    assert shown["device"]
    assert "hf_" not in run("env").stdout


FAULTY = """
import sys
from domainbert.cli import app
{definition}
app.app.command("faulty")(faulty)
sys.argv = ["domainbert", "faulty"]
app.main()
"""


def test_our_own_faults_exit_1_with_a_traceback():
    script = FAULTY.format(definition="def faulty() -> None:\n    raise ZeroDivisionError('a defect')")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError: a defect" in done.stderr
    assert "this is a fault of domainbert, not of your input" in done.stderr.splitlines()[-1]


def test_ctrl_c_exits_130_without_a_traceback():
    # Set anew: a shell that starts us in the background has Ctrl-C ignored.
    restored = "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    script = FAULTY.format(definition=restored + "def faulty() -> None:\n    print('ready', flush=True)\n    time.sleep(60)")
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "interrupted\n")


def test_what_is_looked_at_twice_is_said_once(run, tmp_path):
    (tmp_path / "genomes").mkdir()
    (tmp_path / "genomes" / "a.fa").write_text(">a\n" + "ACGT" * 50)
    (tmp_path / "genomes" / "b.pdf").write_text("x")
    done = run("corpus", "stats", "--adapter", "dna", "genomes")
    assert done.code == 0 and done.stderr.count("left out 1 file") == 1
