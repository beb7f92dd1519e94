"""The packed arrays against computations of this test's own."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import PIL
import pytest
from small_project import SMALL, write_project

from selfsparse.config import Dataset, load_settings
from selfsparse.data.images import Source
from selfsparse.data.packed import load_packed, pack, prepare, real_subset
from selfsparse.data.sources import open_source
from selfsparse.errors import DataError


def packed_in(folder, name: str, changes: dict | None = None):
    settings = load_settings(write_project(folder, {**SMALL, **(changes or {})}) / "params.yaml")
    dataset = settings.dataset(name)
    source = open_source(settings, dataset)
    pack(source, dataset, folder / name)
    return source, load_packed(folder / name)


def bicubic(images: np.ndarray, size: int) -> np.ndarray:
    """Resize grey images (N, H, W) upwards by Keys' cubic kernel with a = -1/2, cut off and rescaled at the borders."""

    def weights(before: int) -> np.ndarray:
        table = np.zeros((size, before))
        for i in range(size):
            centre = (i + 0.5) * before / size - 0.5
            t = np.abs(np.arange(before) - centre)
            near = 1.5 * t**3 - 2.5 * t**2 + 1
            far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
            table[i] = np.where(t <= 1, near, np.where(t < 2, far, 0))
        return table / table.sum(1, keepdims=True)

    def to_bytes(values: np.ndarray) -> np.ndarray:
        return np.clip(np.floor(values + 0.5), 0, 255)

    across = to_bytes(images @ weights(images.shape[2]).T)
    return to_bytes(weights(images.shape[1]) @ across)


def test_digits_are_the_originals_enlarged_and_framed(small):
    from sklearn.datasets import load_digits

    packed = load_packed(small / "data/packed/digits-16")
    originals = load_digits()
    assert packed.images.shape == (1797, 1, 16, 16) and packed.images.dtype == np.uint8
    # 17 grey levels, 0 to 16, become 0 to 255.
    expected = bicubic(np.rint(originals.images * 255 / 16), 12)
    inner = packed.images[:, 0, 2:14, 2:14].astype(float)
    assert np.abs(inner - expected).max() <= 1  # Pillow rounds its weights to 22 bits
    assert (inner != expected).mean() < 0.01
    assert packed.images[:, :, [0, 1, 14, 15], :].max() == 0 and packed.images[:, :, :, [0, 1, 14, 15]].max() == 0
    assert inner[:, 0].max() > 200 and inner[:, -1].max() > 200  # why there is a border: ink touches the edge
    assert packed.labels.tolist() == originals.target.tolist() and packed.has_own_labels


def test_the_manifest_tells_the_truth(small):
    folder = small / "data/packed/digits-16"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["count"] == 1797 and manifest["shape"] == [1797, 1, 16, 16]
    assert manifest["sha256"] == hashlib.sha256((folder / "images.npy").read_bytes()).hexdigest()
    assert manifest["filter"] == "bicubic" and manifest["border"] == 2 and "scikit-learn" in manifest["source"]
    assert manifest["crop"] == "centre" and manifest["pillow"] == PIL.__version__ and manifest["label_kind"] == "digit"
    assert {"revision", "split", "order"} < manifest.keys()


def test_packing_twice_gives_the_same_bytes(small):
    again = packed_in(small / "again", "digits-16")[1]
    assert again.manifest == load_packed(small / "data/packed/digits-16").manifest


def test_photos_are_crops_with_contrast(tmp_path):
    source, packed = packed_in(tmp_path, "photos-16")
    again, _ = packed_in(tmp_path / "again", "photos-16")
    other, _ = packed_in(tmp_path / "other", "photos-16", {"sources.photos.seed": 1})
    crops = np.stack(list(source.images))
    assert crops.shape == (80, 32, 32, 3) and packed.images.shape == (80, 3, 16, 16)
    # Luma as Pillow's: (299 R + 587 G + 114 B) / 1000.
    luma = crops @ np.array([0.299, 0.587, 0.114])
    assert luma.std(axis=(1, 2)).min() > 20 - 0.5
    assert not packed.has_own_labels and set(packed.labels.tolist()) <= set(range(8))
    assert np.array_equal(crops, np.stack(list(again.images)))
    assert not np.array_equal(crops, np.stack(list(other.images)))
    # Antialiased halving keeps a crop's mean colour, channel by channel.
    means = packed.images.mean(axis=(2, 3))
    assert np.abs(means - crops.mean(axis=(1, 2))).max() < 4
    # Every crop is to be found in a photograph at half size.
    from PIL import Image
    from sklearn.datasets import load_sample_images

    halves = [Image.fromarray(a).resize((320, 213), Image.Resampling.LANCZOS) for a in load_sample_images().images]
    for crop in crops[:5]:
        assert any(_holds(np.asarray(half), crop) for half in halves)


def _holds(photo: np.ndarray, crop: np.ndarray) -> bool:
    tops, lefts = np.nonzero((photo[: 213 - 31, : 320 - 31] == crop[0, 0]).all(-1))
    return any(np.array_equal(photo[t : t + 32, x : x + 32], crop) for t, x in zip(tops, lefts, strict=True))


def _dataset(**changes) -> Dataset:
    values = {"dataset": "digits", "resolution": 8, "channels": 1, "filter": "box", "border": 0}
    return Dataset(**{**values, **changes})


def _source(images, count: int = 3) -> Source:
    return Source(count, images, np.zeros(count, np.int64), "digit", {"source": "made up", "split": "all"})


def test_channels_come_first(tmp_path):
    image = np.zeros((8, 8, 3), np.uint8)
    image[0, :, 0], image[:, 0, 1], image[4, 5, 2] = 200, 100, 50
    pack(_source([image], 1), _dataset(channels=3), tmp_path)
    assert np.array_equal(load_packed(tmp_path).images[0], image.transpose(2, 0, 1))


def test_grey_and_colour_convert(tmp_path):
    colour = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    pack(_source([colour], 1), _dataset(), tmp_path / "grey")
    assert (load_packed(tmp_path / "grey").images == 76).all()  # 0.299 * 255
    pack(_source([np.full((8, 8), 9, np.uint8)], 1), _dataset(channels=3), tmp_path / "colour")
    assert (load_packed(tmp_path / "colour").images == 9).all()


WIDE = np.arange(4 * 7, dtype=np.uint8).reshape(4, 7)


@pytest.mark.parametrize("image", [WIDE, WIDE.T.copy()], ids=["wide", "high"])
def test_crops(image):
    """Where nothing is left to resize: the middle, one column more on the right; or white on both sides."""

    def cropped(crop, resolution):
        return prepare(image, _dataset(resolution=resolution, crop=crop, border=2))[0]

    middle = WIDE[:, 1:5]
    white = np.pad(WIDE, ((1, 2), (0, 0)), constant_values=255)
    turned = image is not WIDE
    assert np.array_equal(cropped("centre", 8), middle.T if turned else middle)
    assert np.array_equal(cropped("pad", 11), white.T if turned else white)


def test_squashing_keeps_everything():
    left_and_right = np.zeros((10, 30), np.uint8)
    left_and_right[:, 15:] = 200
    squashed = prepare(left_and_right, _dataset(resolution=10, crop="squash"))[0]
    assert (squashed[:, :5] == 0).all() and (squashed[:, 5:] == 200).all()


@pytest.mark.parametrize("image", [np.zeros((5, 9, 3), np.uint8), np.zeros((9, 5), np.uint8)])
def test_padding_is_white_in_colour_too(image):
    padded = prepare(image, _dataset(resolution=9, channels=3, crop="pad"))
    assert padded.shape == (3, 9, 9) and sorted(np.unique(padded)) == [0, 255]
    assert (padded == 0).sum() == 3 * 45


def test_an_image_is_finished_after_it_was_resized():
    seen = []
    found = prepare(np.full((8, 8), 7, np.uint8), _dataset(resolution=12), lambda a: seen.append(a.shape) or 255 - a)
    assert seen == [(12, 12)] and (found == 248).all()


def test_images_one_behind_the_other(tmp_path):
    images = [np.full((4, 4), i, np.uint8) for i in range(7)]
    pack(_source(iter(images), 7), _dataset(resolution=8, border=2), tmp_path)
    found = load_packed(tmp_path).images
    assert found[:, 0, 4, 4].tolist() == list(range(7)) and found[:, 0, 2, 2].tolist() == list(range(7))
    assert (tmp_path / "images.npy").stat().st_size == 128 + 7 * 64  # NumPy's header, and nothing behind the images
    assert found[:, 0, :2].max() == 0  # the border


def test_a_full_disk_is_said_before_anything_is_written(tmp_path, monkeypatch):
    import shutil
    from collections import namedtuple

    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("usage", "total used free")(10, 9, 1))
    with pytest.raises(DataError, match=r"digits-8: needs 0\.0 GB of disk"):
        pack(_source(iter(()), 3), _dataset(), tmp_path / "digits-8")
    assert not list(tmp_path.iterdir())


# Prints the peak of this process's memory in bytes; getrusage would count what its parent held as well.
PACKING = """
import re, sys
from pathlib import Path
import numpy as np
from selfsparse.config import Dataset
from selfsparse.data.images import Source
from selfsparse.data.packed import pack

noise = np.random.default_rng(0).integers(0, 256, (1000, 192, 3), np.uint8)
images = (noise[i % 840 : i % 840 + 160] for i in range(40_000))  # cropped, as they are wider than high, and resized
dataset = Dataset(dataset="photos", resolution=128, channels=3, filter="bilinear", border=0)
pack(Source.unlabelled(40_000, images, {"source": "made up"}), dataset, Path(sys.argv[1]))
print(1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]))
"""


@pytest.mark.slow
def test_the_memory_stays_small_however_many_images(tmp_path):
    """40,000 images of 49 KB each, 2 GB, made as they are asked for."""
    found = subprocess.run([sys.executable, "-c", PACKING, tmp_path], capture_output=True, text=True, check=True)
    assert (tmp_path / "images.npy").stat().st_size > 1.9e9 and int(found.stdout) < 200e6


def broken_off():
    yield np.zeros((8, 8), np.uint8)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("images", "error"),
    [
        (broken_off(), KeyboardInterrupt),
        ([np.zeros((8, 8), np.uint8)], DataError),
        ([np.zeros((8, 8), np.uint8)] * 4, DataError),
    ],
    ids=["interrupted", "too few", "too many"],
)
def test_an_unfinished_pack_leaves_nothing(tmp_path, images, error):
    with pytest.raises(error):
        pack(_source(images), _dataset(), tmp_path / "digits-8")
    assert not list((tmp_path / "digits-8").iterdir())
    with pytest.raises(DataError, match="dvc repro -s data@digits-8"):
        load_packed(tmp_path / "digits-8")


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
def test_a_missing_or_another_file_beside_the_manifest(tmp_path, name):
    folder = tmp_path / "digits-8"
    pack(_source([np.zeros((8, 8), np.uint8)] * 3), _dataset(), folder)
    whole = np.load(folder / name)
    for other in (whole[:-1], whole.astype(np.int32)):
        np.save(folder / name, other)
        with pytest.raises(DataError, match=rf"{name} is damaged \(it holds .*, the manifest says"):
            load_packed(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing; make it anew with: dvc repro -f -s data@digits-8"):
        load_packed(folder)


def test_a_manifest_never_describes_other_images(tmp_path):
    """Packed again under other settings, and interrupted after the images: the old manifest would vouch for the new."""
    image = np.full((8, 8), 1, np.uint8)
    pack(_source([image], 1), _dataset(), tmp_path)

    class Interrupted:
        def __array__(self, *arguments, **options):
            raise KeyboardInterrupt

    source = Source(1, [image + 1], Interrupted(), "digit", {"source": "made up", "split": "all"})
    with pytest.raises(KeyboardInterrupt):
        pack(source, _dataset(), tmp_path)
    if (tmp_path / "manifest.json").is_file():
        packed = load_packed(tmp_path)
        found = hashlib.sha256((tmp_path / "images.npy").read_bytes()).hexdigest()
        assert found == packed.manifest["sha256"]


def test_a_real_subset_is_exact_distinct_and_fixed():
    found = real_subset(1797, 500, 0)
    assert len(found) == 500 == len(set(found.tolist())) and found.min() >= 0 and found.max() < 1797
    assert np.array_equal(found, np.sort(found)) and np.array_equal(found, real_subset(1797, 500, 0))
    assert not np.array_equal(found, real_subset(1797, 500, 1))
    # A smaller subset is part of a larger one of the same shuffle; more than all are all.
    assert set(real_subset(1797, 100, 0)) < set(found)
    assert real_subset(1797, 5000, 0).tolist() == list(range(1797))
