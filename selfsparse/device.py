"""Which device to work on."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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
def one_thread() -> Iterator[None]:
    """Let PyTorch compute on one CPU thread, as with statement or decorator; what held before holds again afterwards.

    How a sum is shared among threads decides its last digits: under this, no number depends on the machine's cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def float32_precision(precision: str) -> Iterator[None]:
    """Let float32 convolutions and matrix products on a GPU round their factors to TF32 inside, if `precision` is `tf32`.

    Under any other value they are full float32. What held before holds again afterwards, whether the caller said it through
    `torch.backends.*.fp32_precision` (PyTorch 2.9) or the older functions. For work on a GPU alone: some CPUs have units for
    such products too.
    """
    import torch

    backends, wanted = torch.backends, "tf32" if precision == "tf32" else "ieee"
    changed = []
    if hasattr(backends, "fp32_precision"):
        gpu = backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn
        changed = [(setting, setting.fp32_precision) for setting in (*gpu, backends.mkldnn.matmul)]
    try:
        older = torch.get_float32_matmul_precision(), backends.cudnn.allow_tf32
    except RuntimeError:  # the caller uses the newer settings, which PyTorch lets nobody mix with the older functions
        older = None
        full = ("ieee", "none") if wanted == "ieee" else ()
        changed = [(setting, value) for setting, value in changed[:3] if value != wanted and value not in full]
        for setting, _ in changed:
            setting.fp32_precision = wanted
    else:
        torch.set_float32_matmul_precision("high" if wanted == "tf32" else "highest")
        backends.cudnn.allow_tf32 = wanted == "tf32"
    try:
        yield
    finally:
        if older is not None:
            torch.set_float32_matmul_precision(older[0])
            backends.cudnn.allow_tf32 = older[1]
        for setting, value in changed:
            setting.fp32_precision = "none"  # takes what is said for all of its backend, where something is
            if setting.fp32_precision != value:
                setting.fp32_precision = value


# How PyTorch, cuBLAS, cuDNN and the allocator of a CPU say it where they do not raise torch.OutOfMemoryError.
NO_MEMORY = ("out of memory", "_STATUS_ALLOC_FAILED", "can't allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's or the host's memory is used up."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)
    )


@contextmanager
def enough_memory(work: str, remedy: str) -> Iterator[None]:
    """Turn an error about memory inside into one message: what was being done, what was said, and which setting to lower.

    Raises:
        DeviceError: memory was used up.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        said = " ".join(str(error).split()) or "no more memory"
        raise DeviceError(f"{work}: {said[:300]}\n{remedy} in params.yaml, then run the same command again.") from None


def enough_memory_to_measure(what: str, batch_size: int) -> AbstractContextManager[None]:
    """As `enough_memory`, where images pass through networks in batches of `fid.batch_size`."""
    return enough_memory(
        f"out of memory in measuring {what} with batches of {batch_size} images", f"Lower fid.batch_size ({batch_size})"
    )
