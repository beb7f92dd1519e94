"""What every reader shares: the images of one dataset before they are resized, and how image files are decoded."""

import io
import re
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from selfsparse.data.listing import files_below
from selfsparse.errors import DataError, printable

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
# Told apart by content, not by name. No others: Pillow hands some, PostScript for one, to programs outside.
FORMATS = ("PNG", "JPEG", "BMP", "DIB", "WEBP", "TIFF", "GIF", "PPM")


class UnreadableImage(Exception):
    """A file that cannot be read as one image; the message says in a few words why not, without the file's name."""


@dataclass(frozen=True)
class Source:
    """Images of one dataset before they are resized.

    Attributes:
        count: number of images.
        images: uint8 arrays (H, W) or (H, W, 3) in a fixed order, made one by one as they are asked for.
        labels: int64 (count,).
        label_kind: what the labels mean; begins with "stand-in" where the dataset has none of its own.
        description: source, revision, split and order of the images, for the manifest.
        finish: what is done to an image after it was cropped and resized, uint8 (H, W) or (H, W, 3) in and out.
        left_out: files of the user's that are not among the images, by name, and why not.
        refusal: why these images are not to be packed, said once the files that were left out are listed; or "".
    """

    count: int
    images: Iterable[np.ndarray]
    labels: np.ndarray
    label_kind: str
    description: dict[str, Any]
    finish: Callable[[np.ndarray], np.ndarray] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""

    @classmethod
    def unlabelled(cls, count: int, images: Iterable[np.ndarray], description: dict[str, Any], **more: Any) -> "Source":
        """Return the source of a dataset that has no labels: zeros stand in."""
        return cls(count, images, np.zeros(count, np.int64), "stand-in: none", description, **more)


def image_names(folder: Path) -> list[str]:
    """Return the image files below a folder by their relative paths with '/', sorted by them."""
    return sorted(name for name, _ in files_below(folder) if is_image_name(name))


def is_image_name(name: str) -> bool:
    """Whether a file's name ends as those of images do."""
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def natural_order(name: str) -> list[str | int]:
    """Sort key that counts: 2.jpg comes before 10.jpg."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


@contextmanager
def open_image(file: bytes | Path) -> Iterator[Image.Image]:
    """Open an image by its content, whatever its name says; it is to be decoded inside the `with`.

    Raises:
        UnreadableImage: not an image, cut off, more pixels than Pillow's MAX_IMAGE_PIXELS (a decompression bomb), several
            frames, or no regular file.
    """
    try:
        if isinstance(file, Path) and not stat.S_ISREG(file.stat().st_mode):
            raise UnreadableImage("not a regular file")  # a pipe would be waited for, a device read without end
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS) as image:
                # A camera's MPO is a photograph and its preview.
                if image.format != "MPO" and (frames := getattr(image, "n_frames", 1)) > 1:
                    raise UnreadableImage(f"{frames} frames, where one image is expected")
                yield image
    except (MemoryError, UnreadableImage):
        raise
    except Exception as error:  # a damaged image can raise anything at all
        raise UnreadableImage(_why(error)) from None


def _why(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels: a decompression bomb?"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable(" ".join(str(error).split())[:200]) or type(error).__name__


def decode(data: bytes | Path, name: str) -> np.ndarray:
    """Decode an image file by its content, whatever its name says.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: not an image, cut off, or with 16 bits a pixel; it names `name`.
    """
    try:
        with open_image(data) as image:
            if image.mode.startswith(("I", "F")):
                raise UnreadableImage(f"more than 8 bits a pixel (mode {image.mode})")  # which Pillow would clip
            return np.asarray(image.convert("RGB"))
    except UnreadableImage as error:
        raise DataError(
            f"{printable(name)}: not readable as an image ({error}); put a sound copy in its place"
        ) from None
