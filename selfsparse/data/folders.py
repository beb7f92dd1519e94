"""The images that lie in a user's folder as parquet files or, where there are none, as image files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selfsparse.data.downloads import provenance
from selfsparse.data.images import decode, image_names
from selfsparse.data.parquet import count_rows, image_column, parquet_names, read_images


@dataclass(frozen=True)
class Images:
    """What was found: files, parquet or images."""

    folder: Path
    names: list[str]  # relative to the folder, in the order in which they are read
    count: int  # of images in them
    column: str  # of the parquet files, the one that holds the images; "" where the files are images

    def images(self) -> Iterator[np.ndarray]:
        """Yield them one by one, uint8 (H, W, 3)."""
        if self.column:
            yield from read_images(self.folder, self.names)
        else:
            yield from (decode(self.folder / name, str(self.folder / name)) for name in self.names)

    def description(self, title: str, **more: Any) -> dict[str, Any]:
        """Return source, revision and `more` for the manifest."""
        form = "parquet" if self.column else "image files"
        column = {"column": self.column} if self.column else {}
        return {**provenance(self.folder, self.names, f"{title}, {form}"), **more, **column}


def has_images(folder: Path) -> bool:
    """Whether parquet files or images are there."""
    return bool(parquet_names(folder) or image_names(folder))


def images_in(folder: Path, key: Callable[[str], Any] | None = None, names: list[str] | None = None) -> Images:
    """Return the images of a folder; `key` sorts image files, which else are in the order of their paths.

    Args:
        names: the parquet files to take instead of all.

    Raises:
        DataError: files that are not parquet, or no column of images in them.
    """
    if names := names or parquet_names(folder):
        return Images(folder, names, count_rows(folder, names), image_column(folder / names[0]))
    files = sorted(image_names(folder), key=key)
    return Images(folder, files, len(files), "")
