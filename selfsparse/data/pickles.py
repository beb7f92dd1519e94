"""Reading pickled arrays without running what a pickle may carry."""

import codecs
import collections
import importlib
import pickle
from typing import Any, BinaryIO

import numpy as np

from selfsparse.errors import DataError

# The names under which NumPy's pickles ask for their parts, NumPy 1's `core` read as `_core`. None runs code of the pickle's.
_NUMPY = {
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
_CORE = np.empty(0).__reduce__()[0].__module__.removesuffix(".multiarray")  # what this NumPy calls it


def _latin1(text: str | bytes, encoding: str) -> bytes:
    """The one codec that pickles of bytes need; others unpack archives or worse."""
    if codecs.lookup(encoding).name != "iso8859-1":
        raise pickle.UnpicklingError(f"asks for the codec {encoding}")
    return text if isinstance(text, bytes) else text.encode("latin-1")


_PLAIN = {
    ("_codecs", "encode"): _latin1,
    ("collections", "OrderedDict"): collections.OrderedDict,
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (bytes, dict, list, set)},
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return _PLAIN[module, name]
        module = module.replace("numpy.core", "numpy._core")
        if (module, name) in _NUMPY:
            return getattr(importlib.import_module(module.replace("numpy._core", _CORE)), name)
        raise pickle.UnpicklingError(f"asks for {module}.{name}")


def load_arrays(file: BinaryIO, name: str) -> dict[str, Any]:
    """Read a pickled dictionary of arrays, numbers, strings and lists, as Python 2 or 3 wrote it.

    Returns:
        The dictionary, with keys as str; strings that Python 2 wrote stay bytes.

    Raises:
        DataError: anything else in it, above all anything that would run code; it names `name`.
    """
    try:
        content = _ArraysOnly(file, encoding="bytes").load()
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle can raise anything at all
        reason = "cut off" if isinstance(error, EOFError) else str(error) or type(error).__name__
        raise DataError(f"{name}: not a pickle of plain arrays ({reason}); nothing in it was run") from None
    if not isinstance(content, dict):
        raise DataError(f"{name}: expected a pickled dictionary, found {type(content).__name__}")
    return {key.decode("latin-1") if isinstance(key, bytes) else str(key): value for key, value in content.items()}
