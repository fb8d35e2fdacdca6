"""Small models of the real classes in folders as a run leaves them."""

import logging

import pytest
import torch

from domainbert.adapters.dna import DnaAdapter
from domainbert.engine.model import build_model
from domainbert.publishing.model_folder import write_model_folder
from domainbert.recipe.schema import Model, Scratch
from domainbert.tokenization.spans import read_vocabulary

MAX_LENGTH = 64


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Makes the model folder of an architecture: DNA, one base a token, weights large enough that a leak shows."""
    made = {}

    def make(architecture="modernbert"):
        if architecture not in made:
            adapter = DnaAdapter()
            tokenizer = adapter.tokenizer("character", None, (), model_max_length=MAX_LENGTH)
            scratch = Scratch(architecture, hidden_size=32, num_layers=2, num_heads=2, config={"initializer_range": 0.2})
            vocabulary = read_vocabulary(tokenizer, adapter)
            model, *_ = build_model(Model(scratch=scratch), vocabulary, max_length=MAX_LENGTH, seed=0)
            made[architecture] = tmp_path_factory.mktemp(architecture) / "model"
            write_model_folder(made[architecture], model=model, tokenizer=tokenizer, adapter=adapter, card="")
        return made[architecture]

    return make


@pytest.fixture(autouse=True)
def _heard(caplog):
    caplog.set_level(logging.INFO, logger="domainbert")
    torch.set_num_threads(1)
