"""Which files are images by their names, and in what order they come."""

import pytest

from selfsparse.data.images import is_image_name


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff"])
def test_endings_of_images_in_whatever_case(ending):
    """Cameras and Windows write IMG_0001.JPG."""
    for name in (ending, ending.upper(), ending.title()):
        assert is_image_name(f"a/b.{name}") and is_image_name(f"a.txt.{name}")
        assert not is_image_name(f"a.{name}/b") and not is_image_name(f"a.{name}.txt") and not is_image_name(f".{name}")
