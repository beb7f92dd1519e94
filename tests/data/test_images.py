"""Which files are images by their names, and in what order they come."""

import pytest

from selfsparse.data.images import image_names, is_image_name, natural_order


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff"])
def test_endings_of_images_in_whatever_case(ending):
    """Cameras and Windows write IMG_0001.JPG."""
    for name in (ending, ending.upper(), ending.title()):
        assert is_image_name(f"a/b.{name}") and is_image_name(f"a.txt.{name}")
        assert not is_image_name(f"a.{name}/b") and not is_image_name(f"a.{name}.txt") and not is_image_name(f".{name}")


def test_names_below_a_folder_sorted(tmp_path):
    for name in ("b.png", "a/2.JPG", "a/10.jpg", "c.txt", "a/d.Jpeg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = image_names(tmp_path)
    assert found == ["a/10.jpg", "a/2.JPG", "a/d.Jpeg", "b.png"]
    assert sorted(found, key=natural_order) == ["a/2.JPG", "a/10.jpg", "a/d.Jpeg", "b.png"]
