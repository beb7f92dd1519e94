"""Arrays of a summary: feature maps, or coefficients over training, of all of a suite's configurations in one file.

It is NumPy's .npz as a whole in xz: two models of which one has no SASTM share arrays, which zip would pack twice.
"""

import io
import lzma
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from selfsparse.files import atomic_path, reading

Arrays = dict[str, np.ndarray]


def arrays_path(folder: Path, kind: str) -> Path:
    """Return where a summary has its `feature_maps` or `coefficients`."""
    return folder / f"{kind}.npz.xz"


def write_arrays(folder: Path, kind: str, arrays: Mapping[str, Arrays]) -> None:
    """Write the arrays of each configuration by its name, each array `halved`."""
    memory = io.BytesIO()
    np.savez(memory, **{f"{name}/{part}": halved(array) for name, own in arrays.items() for part, array in own.items()})  # type: ignore[arg-type]
    with atomic_path(arrays_path(folder, kind)) as partial:
        partial.write_bytes(lzma.compress(memory.getvalue()))


def read_arrays(path: Path, suite: str) -> dict[str, Arrays]:
    """Return the arrays in such a file of a suite's summary by their configurations' names; none where there is no file."""
    if not path.is_file():
        return {}
    found: dict[str, Arrays] = {}
    with (
        reading(path, f"summary@{suite}", in_git=True),
        np.load(io.BytesIO(lzma.decompress(path.read_bytes()))) as file,
    ):
        for key in file.files:
            name, part = key.split("/")
            found.setdefault(name, {})[part] = file[key]
    return found


def halved(values: np.ndarray) -> np.ndarray:
    """Return numbers, for figures and shares of zeros, in half the bytes; as they are where one would become 0 or infinite."""
    with np.errstate(over="ignore", under="ignore"):
        half = values.astype(np.float16)
    return half if np.isfinite(half).all() and np.array_equal(half == 0, values == 0) else values
