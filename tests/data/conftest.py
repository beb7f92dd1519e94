"""A project of its own for each test of a dataset, and resizing by other means than the project's."""

import numpy as np
import pytest
from small_project import write_project

from selfsparse.config import load_settings
from selfsparse.data.options import Sources
from selfsparse.data.packed import load_packed
from selfsparse.data.sources import open_source
from selfsparse.paths import packed_dir


class Project:
    """An empty project in a folder, where no dataset may be downloaded unless a test says so."""

    def __init__(self, root):
        self.root = root
        self.configure()

    def configure(self, **changes):
        """Change settings; `__` in a name stands for a dot."""
        downloads = {f"sources.{name}.download": False for name in DOWNLOADABLE}
        few = {"sources.sketch.min_images": 1}
        changed = {name.replace("__", "."): value for name, value in changes.items()}
        # What data does not depend on, as reading all of it takes a second.
        unused = {"networks": {}, "configurations": {}, "extractors": {}}
        write_project(self.root, {**downloads, **few, **changed, **unused})

    def raw(self, dataset):
        """The folder for the user's files of a dataset, made."""
        folder = self.root / "data/raw" / dataset
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def open(self, key):
        """Return the source of a prepared dataset."""
        settings = load_settings()
        return open_source(settings, settings.dataset(key))

    def prepare(self, name):
        """Run the stage `data@<name>` and open what it wrote."""
        from pipeline import data

        data.main(load_settings(), name)
        return load_packed(packed_dir(name))


DOWNLOADABLE = [name for name, options in Sources.model_fields.items() if "download" in options.annotation.model_fields]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("SELFSPARSE_RAW_DATA", raising=False)
    root = tmp_path / "project"
    project = Project(root)
    monkeypatch.chdir(root)
    return project


@pytest.fixture(scope="session")
def resize():
    """Bilinear, antialiased, by torch: (H, W) or (H, W, 3) to (C, size, size) as floats, Pillow's within one level."""
    import torch
    from torch.nn.functional import interpolate

    def resized(image: np.ndarray, size: int) -> np.ndarray:
        channels_first = image.reshape(*image.shape[:2], -1).transpose(2, 0, 1)
        batch = torch.from_numpy(np.ascontiguousarray(channels_first)).double()[None]
        return interpolate(batch, (size, size), mode="bilinear", antialias=True, align_corners=False)[0].numpy()

    return resized


@pytest.fixture
def rng():
    return np.random.default_rng(0)
