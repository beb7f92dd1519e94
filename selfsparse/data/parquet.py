"""Images in parquet files, as Hugging Face stores them: a column of {bytes, path}, and perhaps a column of labels."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from selfsparse.data.images import decode, natural_order
from selfsparse.data.listing import files_below
from selfsparse.errors import DataError

ROWS_AT_ONCE = 32  # originals of several MB each would otherwise fill the memory


def parquet_names(folder: Path) -> list[str]:
    """Return the parquet files below a folder by their relative paths with '/', in natural order."""
    return sorted((name for name, _ in files_below(folder) if name.endswith(".parquet")), key=natural_order)


def count_rows(folder: Path, names: list[str]) -> int:
    """Return how many rows the named files hold together; a file that is not parquet is a DataError."""
    return sum(_open(folder / name).metadata.num_rows for name in names)


def read_images(folder: Path, names: list[str]) -> Iterator[np.ndarray]:
    """Yield the images of the named files, uint8 (H, W, 3), row after row."""
    for name in names:
        file = _open(folder / name)
        column = _image_column(file, folder / name)
        row = 0
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[column]):
            for value in batch.column(0):
                value = value.as_py()
                data = value["bytes"] if isinstance(value, dict) else value
                if data is None:
                    raise DataError(f"{folder / name}: row {row} names an image but does not hold it")
                yield decode(data, f"{folder / name}, row {row}")
                row += 1


def read_labels(folder: Path, name: str) -> np.ndarray | None:
    """Return the column `label` of one file as int64 (rows,), or None where it has none."""
    file = _open(folder / name)
    if "label" not in file.schema_arrow.names:
        return None
    return file.read(columns=["label"]).column(0).to_numpy().astype(np.int64)


def _open(path: Path):
    import pyarrow
    import pyarrow.parquet

    try:
        # Buffered: a group of rows, which may be half a GB, is not read as a whole.
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path}: not readable as parquet ({error}); delete it and fetch it again") from None


def _image_column(file, path: Path) -> str:
    import pyarrow.types

    for field in file.schema_arrow:
        is_image = pyarrow.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
        if is_image or pyarrow.types.is_binary(field.type):
            return field.name
    raise DataError(f"{path}: no column of images among {', '.join(file.schema_arrow.names)}")
