"""Which device to work on."""

from typing import TYPE_CHECKING

from selfsparse.errors import DeviceError

if TYPE_CHECKING:
    import torch


def choose_device(wanted: str, suite: str) -> str:
    """Return `cuda` or `cpu` for a `device` setting.

    Raises:
        DeviceError: a GPU is asked for where there is none.
    """
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "auto":
        return "cpu"
    raise DeviceError(
        f"suite {suite} trains on a CUDA GPU, and PyTorch finds none on this machine.\n"
        "Without a GPU, run `make quick` (minutes) or `make laptop` (hours),\n"
        "or allow a CPU: set train.device to auto in params.yaml (at the paper's size that takes weeks)."
    )


def any_device() -> "torch.device":
    """Return the GPU where there is one, else the CPU: for measures, which agree on both up to rounding."""
    import torch

    torch.backends.cudnn.allow_tf32 = False  # full float32, as in training (U13)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
