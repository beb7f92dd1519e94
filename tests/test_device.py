"""Which device the settings mean, with and without a GPU."""

import pytest
import torch

from selfsparse.device import any_device, choose_device
from selfsparse.errors import DeviceError


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_what_is_chosen(monkeypatch, wanted, present, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    assert choose_device(wanted, "laptop") == expected
    assert any_device().type == ("cuda" if present else "cpu")


def test_a_gpu_that_is_not_there_names_the_ways_out(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError) as caught:
        choose_device("cuda", "paper")
    message = str(caught.value)
    assert len(message.splitlines()) <= 6
    for part in ("suite paper", "CUDA", "make quick", "laptop", "train.device", "auto"):
        assert part in message
