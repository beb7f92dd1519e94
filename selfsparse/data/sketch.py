"""Line drawings of the user's own, as the paper's set is private (U37)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from selfsparse.data.images import Source, UnreadableImage, image_names, is_image_name, open_image
from selfsparse.data.listing import files_below, out_of_reach
from selfsparse.data.options import Sketch
from selfsparse.errors import DataError, printable, warn

ENOUGH = 5000  # images of the smaller FID (Sec. 4.2)


def find(name: str, folder: Path) -> bool:
    """Whether there is an image at all."""
    return bool(image_names(folder))


def read(name: str, folder: Path, options: Sketch) -> Source:
    """All images below a folder, grey, sorted by path; what is transparent becomes white.

    Every file is decoded once beforehand. What cannot be read as one image, or has another ending, is left out, each with
    its reason; the source is refused where that is too much for the settings. Too few files, or a dark background, are said
    on stderr.
    """
    names, good = image_names(folder), []
    left_out = {name: "not named as an image" for name, _ in files_below(folder) if not is_image_name(name)}
    left_out |= dict.fromkeys(out_of_reach(folder), "a link that leads nowhere, or to where nobody may look")
    borders, ink = [], []
    for name in tqdm(names, desc="looking through sketch", unit="image", mininterval=1, disable=len(names) < 2000):
        try:
            image = _drawing(folder / name, options.invert)
        except UnreadableImage as error:
            left_out[name] = str(error)
            continue
        good.append(name)
        borders.append(np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])))
        ink.append(1 - image.mean() / 255)
    if len(good) < ENOUGH:
        warn(f"{folder} holds {len(good):,} images; an FID as the paper's needs {ENOUGH:,}")
    if good and np.median(borders) < 128:
        setting = f"sources.sketch.invert in params.yaml is {str(options.invert).lower()}"
        warn(f"most images have a dark background; the paper's lines are on white. {setting}: is that right?")
    description = {
        "source": "the user's own sketches",
        "revision": "the user's own files, unverified",
        "split": "all",
        "order": "by path",
        "invert": options.invert,
        "left_out": len(left_out),
        "mean_ink": round(float(np.mean(ink)), 4) if ink else None,
    }
    images = _drawings(folder, good, options.invert)
    refusal = _refusal(folder, options, len(good), len(left_out))
    return Source.unlabelled(len(good), images, description, left_out=left_out, refusal=refusal)


def _refusal(folder: Path, options: Sketch, count: int, left_out: int) -> str:
    if options.strict and left_out:
        return (
            f"{folder}: {left_out:,} files cannot be used. Mend or remove them, or set sources.sketch.strict in params.yaml"
            " to false to go on without them"
        )
    if count < options.min_images:
        return (
            f"{folder}: {count:,} usable images, expected at least {options.min_images:,}. Put more there, or lower"
            " sources.sketch.min_images in params.yaml"
        )
    return ""


def _drawings(folder: Path, names: list[str], invert: bool) -> Iterator[np.ndarray]:
    for name in names:
        try:
            yield _drawing(folder / name, invert)
        except UnreadableImage as error:  # it could be read a moment ago
            where = printable(str(folder / name))
            raise DataError(f"{where} was changed while the images were read ({error}); run it again") from None


def _drawing(path: Path, invert: bool) -> np.ndarray:
    """Decode one file to uint8 (H, W): turned as its camera noted, on white, grey."""
    with open_image(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode == "F" or (image.mode == "I" and opened.format != "PNG"):
            raise UnreadableImage("pixels of no known scale")
        if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip to 255
            grey = (np.asarray(image, np.int64) // 257).clip(0, 255).astype(np.uint8)
        else:
            rgba = image.convert("RGBA")
            white = Image.new("RGBA", rgba.size, "white")
            grey = np.asarray(Image.alpha_composite(white, rgba).convert("L"))
    return 255 - grey if invert else grey
