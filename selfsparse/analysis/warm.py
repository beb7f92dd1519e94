"""Imported in the process that kernels are forked from: what each of them would import and read, done once."""

import gc
import importlib

from selfsparse.config import load_settings

for name in ("ipykernel.debugger", "ipykernel.kernelapp", "scipy.stats", "seaborn", "torch"):
    importlib.import_module(name)
for name in ("contents", "figures", "kernel", "page"):
    importlib.import_module(f"selfsparse.analysis.{name}")
load_settings()  # keeps the parsed file
gc.freeze()  # what is there is never looked through for garbage again
