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


def image_column(folder: Path, names: list[str]) -> str:
    """Return the column that holds the images of all the named files.

    It is the one that is called image or img, whatever others there are, or the only one that holds images.

    Raises:
        DataError: there is none, there are several, or the files differ in it.
    """
    columns = {name: _image_column(folder / name) for name in names}
    other = next((name for name in names if columns[name] != columns[names[0]]), None)
    if other is not None:
        raise DataError(
            f"{folder}: the images are in the column {columns[names[0]]} of {names[0]}, and in {columns[other]} of {other};"
            " move away what does not belong together, or give the columns one name"
        )
    return columns[names[0]]


def read_images(folder: Path, names: list[str]) -> Iterator[np.ndarray]:
    """Yield the images of the named files, uint8 (H, W, 3), row after row."""
    column = image_column(folder, names)
    for name in names:
        for row, value in enumerate(_values(folder / name, column)):
            data = value["bytes"] if isinstance(value, dict) else value
            if data is None:
                raise DataError(f"{folder / name}: row {row} names an image but does not hold it")
            yield decode(data, f"{folder / name}, row {row}")


def read_labels(folder: Path, name: str) -> list[Any] | None:
    """Return the column `label` of one file, numbers or text, or None where it has none.

    Raises:
        DataError: a row without a label, or labels that cannot be counted, such as lists.
    """
    path = folder / name
    if "label" not in _open(path).schema_arrow.names:
        return None
    labels = []
    for row, value in enumerate(_values(path, "label")):
        if value is None or value != value or isinstance(value, list | dict):
            raise DataError(
                f"{path}: expected a number or a text in the column label of row {row}, found {printable(repr(value)[:50])};"
                " put it right, or have the images as files in one folder a class"
            )
        labels.append(value)
    return labels


def read_digits(folder: Path, names: list[str]) -> Iterator[int]:
    """Yield the labels of the named files, which have to be whole numbers from 0 to 9."""
    for name in names:
        labels = read_labels(folder, name)
        if labels is None or not all(label in range(10) for label in labels):
            raise DataError(
                f"{folder / name}: expected a column 'label' of whole numbers from 0 to 9; use another copy"
            )
        yield from map(int, labels)


def _values(path: Path, column: str) -> Iterator[Any]:
    """Yield one column, row after row, never more than a few rows of it in memory."""
    file = _open(path)
    for group in range(file.num_row_groups):
        with _readable(path, f"row group {group} of {file.num_row_groups}: "):
            for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=[column]):
                for value in batch.column(0):
                    yield value.as_py()


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
        remedy = "move it away, and fetch it again"
        if isinstance(error, OSError) and error.errno:
            remedy = "make it readable"
        elif isinstance(error, pyarrow.ArrowNotImplementedError):  # a codec or an encryption that this pyarrow lacks
            remedy = "write it anew with another codec, or without encryption"
        raise DataError(f"{path}: not readable as parquet ({where}{reason}); {remedy}") from None


def _image_column(path: Path) -> str:
    fields = list(_open(path).schema_arrow)
    found = [field.name for field in fields if _holds_images(field.type)]
    chosen = [name for name in found if name.lower() in USUAL_NAMES] or found
    if len(chosen) == 1:
        return chosen[0]
    if not found:
        raise DataError(f"{path}: no column of images among {printable(', '.join(field.name for field in fields))}")
    raise DataError(
        f"{path}: several columns may hold the images: {printable(', '.join(chosen))}. Write the file anew with the right"
        f" one called {USUAL_NAMES[0]}, or without the others"
    )


def _holds_images(kind) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_images(kind.field(place).type)
    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
