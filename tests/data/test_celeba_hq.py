"""CelebA-HQ as image files and as parquet, made here with twelve faces."""

import numpy as np
import pytest
from image_files import encode, photograph, write_parquet

from selfsparse.data import celeba_hq
from selfsparse.errors import DataError

COUNT = 12


@pytest.fixture(autouse=True)
def count(monkeypatch):
    monkeypatch.setattr(celeba_hq, "COUNT", COUNT)


@pytest.fixture
def faces(rng):
    return [photograph(rng, 128, 128) for _ in range(COUNT)]


@pytest.mark.parametrize("form", ["image files", "parquet"])
def test_through_the_stage(project, faces, resize, form):
    folder = project.raw("celeba_hq")
    if form == "parquet":
        encoded = [encode(face, "PNG") for face in faces]
        write_parquet(folder / "data/train-00000-of-00002.parquet", encoded[:7])
        write_parquet(folder / "data/train-00001-of-00002.parquet", encoded[7:])
    else:
        for number, face in enumerate(faces):
            (folder / f"{number}.png").write_bytes(encode(face, "PNG"))
        (folder / "._0.png").write_bytes(b"what macOS leaves behind")
    packed = project.prepare("celeba_hq-64")
    assert packed.images.shape == (COUNT, 3, 64, 64) and not packed.has_own_labels
    for found, face in zip(packed.images, faces, strict=True):  # 2.png before 10.png
        assert np.abs(found - resize(face, 64)).max() <= 1


@pytest.mark.parametrize("more", [-1, 1])
def test_another_number_of_images(project, faces, more):
    for number, face in enumerate([*faces, faces[0]][: COUNT + more]):
        (project.raw("celeba_hq") / f"{number}.png").write_bytes(encode(face, "PNG"))
    with pytest.raises(DataError, match=f"expected exactly 12 images, found {COUNT + more}"):
        project.prepare("celeba_hq-64")


@pytest.mark.parametrize(("shape", "said"), [((128, 100), "100 x 128"), ((256, 256), "256 x 256"), ((64, 64), "64")])
def test_other_sizes(project, faces, rng, shape, said):
    for number, face in enumerate([*faces[:-1], photograph(rng, *shape)]):
        (project.raw("celeba_hq") / f"{number}.png").write_bytes(encode(face, "PNG"))
    with pytest.raises(DataError, match=f"all of one size .* the 12. is {said}"):
        project.prepare("celeba_hq-64")


def test_what_is_downloaded(project, monkeypatch):
    """All of the newest revision, as nobody has checked an older one."""
    asked = []
    monkeypatch.setattr(celeba_hq, "fetch_dataset", lambda *given, **options: asked.append((given, options)))
    project.configure(sources__celeba_hq__download=True)
    with pytest.raises(DataError, match="celeba_hq: its files are not in"):  # nothing came
        project.prepare("celeba_hq-64")
    ((repository, folder), options) = asked[0]
    assert repository == "eurecom-ds/celeba-hq-256" and folder == project.root / "data/raw/celeba_hq"
    assert "revision" not in options and str(folder) in options["by_hand"]
