"""Imported in the process that kernels are forked from: what each of them would import and read, done once."""

import gc

import ipykernel.debugger
import ipykernel.kernelapp  # noqa: F401
import scipy.stats  # noqa: F401
import torch  # noqa: F401

from selfsparse.analysis import answers, page, table_sparsity  # noqa: F401
from selfsparse.config import load_settings
from selfsparse.report import kernel  # noqa: F401

load_settings()  # keeps the parsed file
gc.freeze()  # what is there is never looked through for garbage again
