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
