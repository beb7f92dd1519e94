"""Keeping a user's own settings of Matplotlib, Python, IPython and PyTorch's libraries out of what the project makes."""

import os

from selfsparse.paths import project_root

# Python's and IPython's start-up scripts, a matplotlibrc, and filters that hide warnings or make errors of a library's.
UNWANTED = ("MATPLOTLIBRC", "PYTHONSTARTUP", "PYTHONWARNINGS")
# What rounds float32 to fewer bits, or not, whatever params.yaml says of precision; NVIDIA's containers set the first.
OF_PRECISION = (
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "NVIDIA_TF32_OVERRIDE", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE",
)  # fmt: skip


def ignore_user_settings() -> None:
    """Have this process, unless it has imported Matplotlib or PyTorch, and those that it starts take no settings of the user's.

    Matplotlib's folder of settings and caches becomes the project's, as the user's may not be writable, or hold a matplotlibrc.
    """
    for name in (*UNWANTED, *OF_PRECISION):
        os.environ.pop(name, None)
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MPLCONFIGDIR"] = str(project_root() / ".matplotlib")
