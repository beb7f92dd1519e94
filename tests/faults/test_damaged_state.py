"""A training whose newest state was damaged on the disk goes on from the one before, and ends with the same bits."""

import shutil

import pytest
import torch
from small_project import CONFIGURATION, files

from selfsparse.config import load_settings
from selfsparse.training.checkpoint import CheckpointStore
from selfsparse.training.loop import train_runs


def train() -> None:
    settings = load_settings()
    train_runs(settings, settings.configuration(CONFIGURATION), [0], torch.device("cpu"))


def results(project) -> dict[str, bytes]:
    return files(project / f"results/quick/runs/{CONFIGURATION}")


class PowerCut(Exception):
    """Stands for what ends a process at once."""


@pytest.mark.parametrize("damaged", [1, 2])
def test_it_ends_as_if_nothing_had_happened(small, monkeypatch, keep_signals, capsys, damaged):
    train()
    expected = results(small)
    assert expected
    for folder in (".checkpoints", "results"):
        shutil.rmtree(small / folder)
    saves = 0
    save = CheckpointStore.save

    def save_three_times(self, *arguments, **keywords):
        nonlocal saves
        save(self, *arguments, **keywords)
        saves += 1
        if saves == 3:
            raise PowerCut

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(CheckpointStore, "save", save_three_times)
        train()
    states = sorted(small.glob(".checkpoints/*/*/*/state-*.pt"))
    assert len(states) == 2 and not results(small)
    for state in states[-damaged:]:
        data = bytearray(state.read_bytes())
        data[len(data) // 3] ^= 4
        state.write_bytes(data)
    capsys.readouterr()
    train()
    said = capsys.readouterr().err
    assert said.count("is damaged: it does not match its checksum") == damaged
    # Saved at steps 2, 4 and 6; of these, 4 and 6 were kept.
    assert ("goes on from step 4" in said) == (damaged == 1) and ("starts anew" in said) == (damaged == 2)
    assert results(small) == expected
