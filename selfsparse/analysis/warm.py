"""Imported in the process that kernels are forked from: what each of them would import and read, done once."""

import gc

import ipykernel.debugger
import ipykernel.kernelapp  # noqa: F401
import scipy.stats  # noqa: F401
import seaborn  # noqa: F401
import torch  # noqa: F401

from selfsparse.analysis import contents, figures, kernel, page  # noqa: F401
from selfsparse.config import load_settings

load_settings()  # keeps the parsed file
gc.freeze()  # what is there is never looked through for garbage again
