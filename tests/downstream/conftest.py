"""Small labelled files, and tasks on them."""

import pytest
import torch

from domainbert.adapters.plain import PlainText
from domainbert.downstream.task import task_from


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def write(tmp_path):
    """Writes files into the task's folder, returns a way to make a task on them."""

    def make(contents, /, name="toy", **keys):
        for file, content in contents.items():
            (tmp_path / file).write_text(content)
        return task_from(keys, "toy.toml", folder=tmp_path, name=name)

    return make


@pytest.fixture
def plain():
    return PlainText()


@pytest.fixture
def program(capsys):
    """Runs the program in this process, as starting one costs more than these tasks do: exit status, stdout and stderr."""
    from domainbert.cli.app import app

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            app(args=list(map(str, arguments)))
        said = capsys.readouterr()
        return left.value.code or 0, said.out, said.err

    return run


@pytest.fixture(scope="session")
def domain_model(tmp_path_factory):
    """Makes the model folder of a domain: random weights, 64 tokens; a tokenizer that learns gets the first records of the sample."""
    from itertools import islice

    from domainbert.adapters.registry import load_adapter
    from domainbert.engine.model import build_model
    from domainbert.publishing.model_folder import write_model_folder
    from domainbert.recipe.schema import Model, Scratch
    from domainbert.tokenization.spans import read_vocabulary

    made = {}

    def make(name, kind):
        if name not in made:
            adapter = load_adapter(name)
            tokenizer = adapter.tokenizer(kind, None, islice(adapter.sample(), 50), model_max_length=64)
            scratch = Scratch("modernbert", hidden_size=32, num_layers=1, num_heads=2)
            model, *_ = build_model(Model(scratch=scratch), read_vocabulary(tokenizer, adapter), max_length=64, seed=0)
            made[name] = tmp_path_factory.mktemp(name) / "model"
            write_model_folder(made[name], model=model, tokenizer=tokenizer, adapter=adapter, card=lambda folder: "")
        return made[name]

    return make
