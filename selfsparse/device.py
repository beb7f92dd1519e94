"""Which device to work on."""

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def float32_precision(precision: str) -> Iterator[None]:
    """Let float32 convolutions and matrix products on a GPU round their factors to TF32 inside, if `precision` is `tf32`.

    Under any other value they are full float32. What held before holds again afterwards. For work on a GPU alone: some CPUs
    have units for such products too.
    """
    import torch

    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
