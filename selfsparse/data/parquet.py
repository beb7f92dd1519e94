"""Images in parquet files, as Hugging Face stores them: a column of {bytes, path}, and perhaps a column of labels."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from selfsparse.data.images import decode, natural_order
from selfsparse.data.listing import files_below
from selfsparse.errors import DataError, printable

ROWS_AT_ONCE = 32  # originals of several MB each would otherwise fill the memory
USUAL_NAMES = ("image", "img")


def parquet_names(folder: Path) -> list[str]:
    """Return the parquet files below a folder by their relative paths with '/', in natural order."""
    return sorted((name for name, _ in files_below(folder) if name.lower().endswith(".parquet")), key=natural_order)


def count_rows(folder: Path, names: list[str]) -> int:
    """Return how many rows the named files hold together; a file that is not parquet is a DataError."""
    return sum(_open(folder / name).metadata.num_rows for name in names)


def image_column(path: Path) -> str:
    """Return the column that holds a file's images, which is called image or img; DataError where there is none."""
    columns = _open(path).schema_arrow.names
    found = next((name for name in columns if name.lower() in USUAL_NAMES), None)
    if found is None:
        there = printable(", ".join(columns))
        raise DataError(f"{path}: no column {' or '.join(USUAL_NAMES)} among {there}; write it anew with one")
    return found


def read_images(folder: Path, names: list[str]) -> Iterator[np.ndarray]:
    """Yield the images of the named files, uint8 (H, W, 3), row after row."""
    for path in (folder / name for name in names):
        for row, value in enumerate(_values(path, image_column(path))):
            data = value.get("bytes") if isinstance(value, dict) else value
            if not isinstance(data, bytes):
                raise DataError(f"{path}: row {row} names an image but does not hold it")
            yield decode(data, f"{path}, row {row}")


def read_labels(path: Path) -> list[Any]:
    """Return the column `label` of a file, numbers or text; DataError where it has none, or rows without."""
    labels = list(_values(path, "label")) if "label" in _open(path).schema_arrow.names else [None]
    if None in labels:
        raise DataError(f"{path}: expected a column 'label', of numbers or text in every row")
    return labels


def _values(path: Path, column: str) -> Iterator[Any]:
    """Yield one column, row after row, never more than a few rows of it in memory."""
    file = _open(path)
    for group in range(file.num_row_groups):
        with _readable(path, f"row group {group} of {file.num_row_groups}: "):
            for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=[column]):
                yield from batch.column(0).to_pylist()


def _open(path: Path):
    import pyarrow.parquet

    with _readable(path):
        # Buffered: a group of rows, which may be half a GB, is not read as a whole.
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)


@contextmanager
def _readable(path: Path, where: str = "") -> Iterator[None]:
    import pyarrow

    try:
        yield
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        reason = printable(" ".join(str(error).split())[:200])
        remedy = "make it readable" if isinstance(error, OSError) and error.errno else "fetch it again"
        raise DataError(f"{path}: not readable as parquet ({where}{reason}); {remedy}") from None
