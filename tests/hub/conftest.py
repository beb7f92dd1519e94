"""A run that was really trained."""

import pytest
import torch
from small_project import CONFIGURATION, SMALL, write_project

from selfsparse.config import load_settings
from selfsparse.training.loop import train_runs


@pytest.fixture(scope="module")
def trained(small_module):
    """The small project with a run of eight steps, for a module's tests to share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(small_module)
        patch.setattr("signal.signal", lambda *arguments: None)
        settings = load_settings(write_project(small_module, SMALL) / "params.yaml")
        train_runs(settings, settings.configuration(CONFIGURATION), [0], torch.device("cpu"))
    return small_module
