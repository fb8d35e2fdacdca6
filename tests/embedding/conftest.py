import logging

import pytest
import torch


@pytest.fixture
def folder(dna_model):
    return dna_model


@pytest.fixture(autouse=True)
def _heard(caplog):
    caplog.set_level(logging.INFO, logger="domainbert")
    torch.set_num_threads(1)
