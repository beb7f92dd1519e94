"""The kernel that runs a notebook: the Python that runs the stage, in which a warning of the analysis is told from others."""

import logging
import sys

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from traitlets import default

WARNING = "warning of the analysis: "


class OwnPython(AsyncKernelManager):
    """Starts the kernel in this very interpreter, whatever kernels named python3 a user has installed."""

    @default("kernel_spec_manager")
    def _without_installed_kernels(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])  # what is left is ipykernel's own kernel, of sys.executable


class _OfTheAnalysis(logging.Handler):
    """Writes to stderr, marked, what is warned of below a function of the project or a cell, but not while importing."""

    def emit(self, record: logging.LogRecord) -> None:
        frame = sys._getframe()
        while frame := frame.f_back:
            module = frame.f_globals.get("__name__", "")
            if module.startswith("importlib."):
                return
            in_cell = frame.f_globals is sys.modules["__main__"].__dict__
            if in_cell or (module.startswith("selfsparse.") and module != __name__):
                print(f"{WARNING}{record.getMessage()}", file=sys.stderr)
                return


def prepare() -> None:
    """What a kernel does before its first cell: take over what warns, and set what start-up scripts may have set in pandas."""
    import pandas

    logging.captureWarnings(True)
    logging.getLogger().handlers = [_OfTheAnalysis(logging.WARNING)]
    pandas.reset_option("all")
