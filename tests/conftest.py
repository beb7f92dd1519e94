"""What several tests start from: a small project with data, extractor and references prepared."""

import os
import random
import shutil
import signal
import sys
import time

import pytest
from small_project import ROOT, SMALL, signals_kept, write_project

sys.path.append(str(ROOT))  # for the package pipeline, which is not installed

# Networks of four channels gain nothing from a second thread, and wait for it where the cores are busy.
os.environ["OMP_NUM_THREADS"] = "1"

# A shell starts what it has in the background with SIGINT ignored, and what tests start, and interrupt, would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory):
    """Digits packed, their classifier trained for fifteen steps, the real images measured."""
    folder = write_project(tmp_path_factory.mktemp("prepared"), SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        from pipeline import data, extractor, reference
        from selfsparse.config import load_settings

        settings = load_settings()
        data.main(settings, "digits-16")
        extractor.main(settings, "digits-16-lenet")
        reference.main(settings, "digits-16-lenet")
    return folder


@pytest.fixture
def small(_prepared, tmp_path, monkeypatch):
    """A copy of the prepared project as the current folder."""
    folder = tmp_path / "project"
    shutil.copytree(_prepared, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def small_module(_prepared, tmp_path_factory):
    """A copy of the prepared project for a module's tests to share."""
    folder = tmp_path_factory.mktemp("shared") / "project"
    shutil.copytree(_prepared, folder)
    return folder


@pytest.fixture
def keep_signals():
    """A run in this process takes the signals over; give them back."""
    with signals_kept():
        yield


@pytest.fixture
def keep_threads():
    """A test changes how many threads PyTorch uses; set them back."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def moments():
    """Random numbers for the moments of kills; SELFSPARSE_TEST_SEED, set to what a failed test printed, repeats them."""
    seed = int(os.environ.get("SELFSPARSE_TEST_SEED") or time.time_ns() % 2**32)
    print(f"SELFSPARSE_TEST_SEED={seed}")
    return random.Random(seed)
