"""Line drawings in place of the paper's private ones (U37): edges of photographs of buildings, LSUN's churches or the user's."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np

from selfsparse.data import lsun
from selfsparse.data.images import Source
from selfsparse.data.lsun import count, download, room
from selfsparse.data.options import SketchSubstitute
from selfsparse.errors import DataError

__all__ = ["count", "download", "draw_edges", "find", "read", "room"]


def find(name: str, folder: Path) -> bool:
    """Whether photographs are there; a missing scikit-image is a DataError."""
    if importlib.util.find_spec("skimage") is None:
        raise DataError("sketch_substitute needs a package that is not installed: pip install 'selfsparse[sketch]'")
    return lsun.find(name, folder)


def read(name: str, folder: Path, options: SketchSubstitute) -> Source:
    """Photographs that become black edges on white once resized.

    Raises:
        DataError: as `lsun.read`.
    """
    source = lsun.read(name, folder, options)
    recipe = f"Canny's edges, sigma {options.sigma}, of at least {options.min_edge} pixels"
    return replace(
        source,
        description={**source.description, "drawn_by": recipe},
        finish=lambda grey: draw_edges(grey, options.sigma, options.min_edge),
    )


def draw_edges(grey: np.ndarray, sigma: float, min_edge: int) -> np.ndarray:
    """Draw the edges of a photograph.

    Args:
        grey: uint8 (H, W).
        sigma: width of the Gaussian that smooths it first, in pixels.
        min_edge: edges of fewer connected pixels are left out.

    Returns:
        uint8 (H, W), 0 on edges and 255 elsewhere.
    """
    from skimage.feature import canny
    from skimage.morphology import remove_small_objects

    edges = canny(grey, sigma=sigma)
    if min_edge > 1:
        edges = remove_small_objects(edges, max_size=min_edge - 1, connectivity=2)
    return np.where(edges, 0, 255).astype(np.uint8)
