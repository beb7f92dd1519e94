"""Keeping a user's own settings of Matplotlib, Python, IPython and PyTorch's libraries out of what the project makes."""

import os
import tempfile

from selfsparse.paths import project_root

# Python's and IPython's start-up scripts, a matplotlibrc, and filters that hide warnings or make errors of a library's.
UNWANTED = ("MATPLOTLIBRC", "PYTHONSTARTUP", "PYTHONWARNINGS")
# What rounds float32 to fewer bits, or not, whatever params.yaml says of precision; NVIDIA's containers set the first.
OF_PRECISION = (
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "NVIDIA_TF32_OVERRIDE", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE",
)  # fmt: skip
# Bytes. A socket's path has at most 107; multiprocessing takes `/pymp-xxxxxxxx/listener-xxxxxxxx` of it, a kernel less.
LONGEST_TMPDIR = 107 - 32


def ignore_user_settings() -> None:
    """Have this process, unless it has imported Matplotlib or PyTorch, and those that it starts take no settings of the user's.

    Matplotlib's folder of settings and caches becomes the project's, as the user's may not be writable, or hold a matplotlibrc.
    A TMPDIR that is too long for the sockets of processes gives way to /tmp.
    """
    for name in (*UNWANTED, *OF_PRECISION):
        os.environ.pop(name, None)
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MPLCONFIGDIR"] = str(project_root() / ".matplotlib")
    if len(os.fsencode(tempfile.gettempdir())) > LONGEST_TMPDIR:
        os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"
