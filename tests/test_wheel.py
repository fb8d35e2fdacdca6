"""The built distributions: complete, and usable where there is no checkout. Needs no network."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, repository):
    """A wheel, built from the source distribution as a packager would."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, repository], check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


class Environment:
    """A new environment that takes its requirements from this one and has nothing of ours but what is installed into it."""

    def __init__(self, folder):
        venv.create(folder / "env", with_pip=False)
        self.folder = folder
        self.scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        # A path from PYTHONPATH has no .pth files read, so this environment's own installation of the checkout stays unseen.
        libraries = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
        self.variables = {**os.environ, "PYTHONPATH": os.pathsep.join(libraries)}

    def install(self, *what):
        pip = [sys.executable, "-m", "pip", "--python", self.scripts / "python"]
        options = ["--no-deps", "--no-index", "--no-build-isolation"]
        subprocess.run([*pip, "install", *options, *what], check=True, capture_output=True, env=self.variables)

    def run(self, program, *arguments):
        command = [self.scripts / program, *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.variables, check=True, capture_output=True, text=True).stdout


def test_the_wheel_holds_package_resources_and_licence_only(wheel, repository):
    names = zipfile.ZipFile(wheel).namelist()
    for folder, pattern in (("recipes", "*.toml"), ("data_cards", "*.md")):
        shipped = [name for name in names if name.startswith(f"domainbert/{folder}/")]
        assert len(shipped) == len(list((repository / folder).rglob(pattern)))
    modules = [name for name in names if name.endswith(".py")]
    assert len(modules) == len(list((repository / "domainbert").rglob("*.py")))
    assert "domainbert/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"domainbert"}


@pytest.mark.parametrize("editable", [False, True])
def test_every_recipe_and_card_is_found_where_it_is_installed(wheel, repository, tmp_path, editable):
    environment = Environment(tmp_path)
    environment.install(*(("--editable", repository) if editable else (wheel,)))
    place = environment.run("python", "-c", "import domainbert; print(domainbert.__file__)")
    assert (str(repository) in place) == editable
    listed = json.loads(environment.run("domainbert", "recipes", "list", "--json"))
    assert sorted(entry["name"] for entry in listed) == sorted(path.stem for path in (repository / "recipes").rglob("*.toml"))
    assert json.loads(environment.run("python", "-m", "domainbert", "recipes", "check", "dna", "--json"))["ok"]
    cards = environment.run("python", "-c", "from domainbert.resources import data_card_files; print(*data_card_files())")
    assert sorted(cards.split()) == sorted(path.stem for path in (repository / "data_cards").rglob("*.md"))
    copies = list((tmp_path / "env").rglob("recipes"))
    assert not (editable and copies), "an editable installation reads the checkout, not copies that go stale"
