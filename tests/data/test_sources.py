"""What is said where a dataset's files are missing, for every dataset; and what is said of each beforehand."""

import importlib

import pytest
from small_project import ROOT

from selfsparse.config import load_settings
from selfsparse.data.embedded import read_photos
from selfsparse.data.options import OPTIONS, Photos, Sources
from selfsparse.data.registry import DATASETS
from selfsparse.data.sources import bytes_to_download, open_source, raw_files_present
from selfsparse.errors import DataError, SettingsError, UserError

PREPARED = load_settings(ROOT / "params.yaml").datasets
# Every dataset that somebody has to get, and one size in which params.yaml prepares it.
KEYS = {
    n: next(k for k, d in PREPARED.items() if d.dataset == n) for n, d in DATASETS.items() if d.reader != "embedded"
}


def test_every_dataset_has_a_reader():
    assert list(DATASETS) == list(Sources.model_fields) and {*KEYS, "digits", "photos"} == set(DATASETS)
    for declared in DATASETS.values():
        reader = importlib.import_module(f"selfsparse.data.{declared.reader}")
        assert callable(reader.find) and callable(reader.read)
        assert hasattr(reader, "download") == ("download" in OPTIONS[declared.options].model_fields)


@pytest.mark.parametrize("name", KEYS)
def test_missing_files(project, name):
    """Ten lines at most: what to get, from where, where to put it, how large, how checked, and the setting."""
    settings = load_settings()
    messages = []
    for look in (open_source, raw_files_present):
        with pytest.raises(DataError) as caught:
            look(settings, settings.dataset(KEYS[name]))
        messages.append(str(caught.value))
    assert messages[0] == messages[1] and issubclass(DataError, UserError)
    lines = messages[0].splitlines()
    assert len(lines) <= 10 and lines[0].startswith(f"{name}: its files are not in ")
    assert [line.split(":")[0].strip() for line in lines[1:5]] == ["get", "from", "put", "into"]
    assert f"  into:    {project.root / 'data/raw' / name}" in lines and "SELFSPARSE_RAW_DATA" in messages[0]
    wanted = DATASETS[name]
    for part in (wanted.what, wanted.where, wanted.size, wanted.checked, wanted.terms):
        assert part and part in messages[0]
    asked = f"sources.{name}.download to true in params.yaml" in messages[0]
    assert asked == (name != "sketch")
    assert not (project.root / "data").exists()


@pytest.mark.parametrize("name", [name for name in KEYS if name != "sketch"])
def test_nothing_is_missing_where_it_may_be_downloaded(project, name):
    pytest.importorskip("skimage")
    project.configure(**{f"sources__{name}__download": True})
    settings = load_settings()
    dataset = settings.dataset(KEYS[name])
    raw_files_present(settings, dataset)
    assert bytes_to_download(settings, dataset) > 1e6


def test_half_a_download_does_not_count(project):
    (project.raw("celeba_hq") / ".download").mkdir()
    (project.raw("celeba_hq") / ".download/train-0.parquet").touch()
    settings = load_settings()
    with pytest.raises(DataError, match=r"celeba_hq: its files are not in "):
        raw_files_present(settings, settings.dataset("celeba_hq-64"))


def test_photographs_without_enough_contrast_end_the_search():
    """No crop has it: the search for them would go on for ever."""
    photos = Photos(crops=2, crop_size=8, min_contrast=100.0, seed=0)
    with pytest.raises(SettingsError, match=r"min_contrast \(100.0\): 0 of 200 random crops of 8 pixels"):
        read_photos(photos)
