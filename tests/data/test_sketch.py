"""Line drawings from a user's folder, and the substitute drawn from photographs."""

import numpy as np
import pytest
from image_files import encode, photograph, write_lmdb
from PIL import Image

from selfsparse.data import sketch, sketch_substitute
from selfsparse.errors import DataError


def drawing(height=60, width=40):
    """A black line, from top to bottom, on white."""
    image = np.full((height, width), 255, np.uint8)
    image[:, 10:14] = 0
    return image


def save(project, name, image, **options):
    path = project.raw("sketch") / name
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(image).save(path, **options)


def test_through_the_stage(project, resize):
    """Sorted by path, padded with white to a square, resized; each format the same."""
    save(project, "b/2.png", drawing())
    save(project, "b/10.png", drawing(40, 60))
    save(project, "a.bmp", drawing(50, 50))
    save(project, "c.tif", drawing(70, 30))
    packed = project.prepare("sketch-128")
    expected = [
        drawing(50, 50),
        np.pad(drawing(40, 60), ((10, 10), (0, 0)), constant_values=255),  # b/10.png before b/2.png: as paths sort
        np.pad(drawing(60, 40), ((0, 0), (10, 10)), constant_values=255),
        np.pad(drawing(70, 30), ((0, 0), (20, 20)), constant_values=255),
    ]
    assert packed.images.shape == (4, 1, 128, 128) and not packed.has_own_labels
    for found, square in zip(packed.images, expected, strict=True):
        assert np.abs(found - resize(square, 128)).max() <= 1
    ink = [4 / 50, 4 / 60, 4 / 40, 4 / 30]
    assert packed.manifest["mean_ink"] == pytest.approx(np.mean(ink), abs=1e-4)
    assert packed.manifest["crop"] == "pad" and packed.manifest["invert"] is False
    assert packed.manifest["left_out"] == 0 and not (project.root / "data/packed/sketch-128/left_out.json").exists()


def test_sixteen_bits(project):
    image = drawing().astype(np.uint16) * 257
    image[0, 0] = 128 * 257
    save(project, "a.png", image)
    (found,) = project.open("sketch-128").images
    expected = drawing()
    expected[0, 0] = 128
    assert np.array_equal(found, expected)


def test_a_dark_background_is_said_and_nothing_is_turned_round(project, capsys):
    for i in range(3):
        save(project, f"{i}.png", 255 - drawing())
    (found, *_) = project.open("sketch-128").images
    assert np.array_equal(found, 255 - drawing())
    assert "sources.sketch.invert in params.yaml is false: is that right?" in capsys.readouterr().err
    project.configure(sources__sketch__invert=True)
    (found, *_) = project.open("sketch-128").images
    assert np.array_equal(found, drawing()) and "invert" not in capsys.readouterr().err


def test_few_images_are_said(project, capsys, monkeypatch):
    save(project, "a.png", drawing())
    project.open("sketch-128")
    assert "holds 1 images; an FID as the paper's needs 5,000" in capsys.readouterr().err
    monkeypatch.setattr(sketch, "ENOUGH", 1)
    project.open("sketch-128")
    assert capsys.readouterr().err == ""


BORDER = np.full((200, 300), 255, np.uint8)
BORDER[:, 151:] = 0  # one upright border between light and dark


@pytest.mark.parametrize("form", ["lmdb", "image files"])
def test_the_substitute_draws_edges(project, monkeypatch, form):
    pytest.importorskip("skimage")
    folder = project.raw("sketch_substitute")
    if form == "lmdb":
        write_lmdb(folder / "church_outdoor_train_lmdb", {b"1": encode(np.stack([BORDER] * 3, -1), "PNG")})
        project.configure(sources__sketch_substitute__images=1)
    else:
        (folder / "1.png").write_bytes(encode(BORDER, "PNG"))
    packed = project.prepare("sketch_substitute-128")
    (image,) = packed.images[:, 0]
    assert set(np.unique(image)) == {0, 255}
    # The middle 200 columns become 128, and the border 101 * 128 / 200 = 64.6. Canny leaves the image's rim out.
    rows, columns = np.nonzero(image == 0)
    assert set(columns) <= {64, 65} and len(set(rows)) >= 120 and len(rows) <= 130
    assert "Canny" in packed.manifest["drawn_by"] and "sigma 1.0" in packed.manifest["drawn_by"]


def test_short_edges_are_left_out():
    pytest.importorskip("skimage")
    grey = np.full((64, 64), 255, np.uint8)
    grey[10:13, 10:13] = 0  # its outline is shorter than 20 pixels
    grey[:, 40:] = 0
    with_all, without = sketch_substitute.draw_edges(grey, 1.0, 0), sketch_substitute.draw_edges(grey, 1.0, 20)
    assert (with_all[5:20, 5:20] == 0).any() and (without[5:20, 5:20] == 255).all()
    assert np.array_equal(with_all[:, 30:], without[:, 30:]) and (without[:, 30:] == 0).any()


def test_all_churches_of_the_database_are_as_many_as_lsun_has(project, rng):
    pytest.importorskip("skimage")
    write_lmdb(project.raw("sketch_substitute"), {b"1": encode(photograph(rng, 9, 9), "PNG")})
    with pytest.raises(DataError, match="expected 126,227 images, found 1"):
        project.prepare("sketch_substitute-128")


def test_without_scikit_image(project, monkeypatch):
    monkeypatch.setattr(sketch_substitute.importlib.util, "find_spec", lambda name: None)
    (project.raw("sketch_substitute") / "1.png").write_bytes(encode(BORDER, "PNG"))
    with pytest.raises(DataError, match=r"pip install 'selfsparse\[sketch\]'"):
        project.prepare("sketch_substitute-128")
