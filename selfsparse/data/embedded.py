"""The two datasets that come inside scikit-learn."""

from pathlib import Path

import numpy as np
from PIL import Image

from selfsparse.data.images import Source
from selfsparse.data.options import Embedded, Photos
from selfsparse.errors import SettingsError

MAX_DRAWN = 100  # random crops for each that is wanted: ten seconds or so, where none has enough contrast
COMMON = {"revision": "the package's own copy", "split": "all"}


def find(name: str, folder: Path) -> bool:
    """Whether it is there: always."""
    return True


def count(name: str, options: Embedded | Photos) -> int:
    """Return how many images there will be."""
    return options.crops if isinstance(options, Photos) else 1797


def read(name: str, folder: Path, options: Embedded | Photos) -> Source:
    """The digits, or crops of the photographs; nothing in the folder is looked at."""
    return read_photos(options) if isinstance(options, Photos) else read_digits()


def read_digits() -> Source:
    """The 1,797 handwritten digits of UCI's optdigits test set, 8 x 8 with 17 grey levels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    description = {"source": "scikit-learn, sklearn.datasets.load_digits", **COMMON, "order": "the package's"}
    return Source(len(images), images, digits.target.astype(np.int64), "digit", description)


def read_photos(photos: Photos) -> Source:
    """Random crops of scikit-learn's two sample photographs (china.jpg, flower.jpg, CC BY 2.0), RGB.

    It exercises colour. Two photographs are no distribution to judge a generator by.
    """
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(photos.seed)
    halves = []
    for pixels in load_sample_images().images:
        image = Image.fromarray(pixels)
        halves.append(np.asarray(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)))
    crops, labels, drawn = [], [], 0
    while len(crops) < photos.crops:
        drawn += 1
        if drawn > MAX_DRAWN * photos.crops:
            raise SettingsError(
                f"params.yaml: sources.photos.min_contrast ({photos.min_contrast}): {len(crops):,} of {drawn - 1:,} random"
                f" crops of {photos.crop_size} pixels have as much, {photos.crops:,} are asked for; lower it"
            )
        which = int(rng.integers(len(halves)))
        photo = halves[which]
        top, left = (int(rng.integers(n - photos.crop_size + 1)) for n in photo.shape[:2])
        crop = photo[top : top + photos.crop_size, left : left + photos.crop_size]
        if np.asarray(Image.fromarray(crop).convert("L")).std() < photos.min_contrast:
            continue
        centre = top + photos.crop_size // 2, left + photos.crop_size // 2
        quadrant = 2 * (centre[0] >= photo.shape[0] // 2) + (centre[1] >= photo.shape[1] // 2)
        crops.append(crop)
        labels.append(4 * which + quadrant)
    source = {"source": "scikit-learn, sklearn.datasets.load_sample_images (CC BY 2.0)"}
    description = {**source, **COMMON, "order": "as drawn from the seed", **photos.model_dump()}
    return Source(len(crops), crops, np.array(labels, np.int64), "stand-in: photograph and quadrant", description)
