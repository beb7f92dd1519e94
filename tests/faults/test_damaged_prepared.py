"""Half of any file that one stage made and another opens: one error that names it and what makes it anew."""

import pytest
import torch
from small_project import CONFIGURATION

from selfsparse.config import load_settings
from selfsparse.data.packed import load_packed
from selfsparse.errors import DataError
from selfsparse.metrics.extractors import load_extractor
from selfsparse.metrics.reference import load_reference
from selfsparse.metrics.trained import read_run
from selfsparse.paths import extractor_dir, packed_dir, reference_dir
from selfsparse.results.summary import summarise
from selfsparse.training.loop import train_runs

CPU = torch.device("cpu")
EXTRACTOR = "digits-16-lenet"


def train():
    settings = load_settings()
    train_runs(settings, settings.configuration(CONFIGURATION), [0], CPU)


FILES = [
    ("data/packed/digits-16/images.npy", "data@digits-16", lambda: load_packed(packed_dir("digits-16"))),
    ("data/packed/digits-16/images.npy", "data@digits-16", train),
    ("data/packed/digits-16/labels.npy", "data@digits-16", lambda: load_packed(packed_dir("digits-16"))),
    ("data/packed/digits-16/manifest.json", "data@digits-16", train),
    (f"data/extractors/{EXTRACTOR}/extractor.json", f"extractor@{EXTRACTOR}", None),
    (f"data/extractors/{EXTRACTOR}/lenet.safetensors", f"extractor@{EXTRACTOR}", None),
    (f"data/references/{EXTRACTOR}/reference.json", f"reference@{EXTRACTOR}", train),
    (f"data/references/{EXTRACTOR}/reference.json", f"reference@{EXTRACTOR}", "small"),
    (f"data/references/{EXTRACTOR}/small.npz", f"reference@{EXTRACTOR}", "small"),
    (f"data/references/{EXTRACTOR}/large.npz", f"reference@{EXTRACTOR}", "large"),
]


def opener(name, open_it):
    if callable(open_it):
        return open_it
    if open_it is None:
        return lambda: load_extractor(load_settings(), extractor_dir(EXTRACTOR), CPU)
    return lambda: load_reference(reference_dir(EXTRACTOR), open_it)


@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
@pytest.mark.parametrize(("name", "stage", "open_it"), FILES)
def test_part_of_a_prepared_file(small_module, monkeypatch, name, stage, open_it, kept):
    monkeypatch.chdir(small_module)
    path = small_module / name
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    try:
        with pytest.raises(DataError) as caught:
            opener(name, open_it)()
    finally:
        path.write_bytes(whole)
    assert str(path) in str(caught.value) and f"dvc repro -f -s {stage}" in str(caught.value)


@pytest.mark.parametrize("name", ["lenet.safetensors", "small.npz"])
def test_a_prepared_file_that_is_gone(small, name):
    folder = extractor_dir(EXTRACTOR) if name.startswith("lenet") else reference_dir(EXTRACTOR)
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing; make it anew with: dvc repro -f -s"):
        opener(name, None if name.startswith("lenet") else "small")()


@pytest.mark.parametrize("name", ["run.json", "curves.csv"])
def test_part_of_a_result(small, keep_signals, name):
    """Of a run's files, the measures and the summary open these two."""
    train()
    settings = load_settings()
    path = next(small.glob(f"results/quick/runs/{CONFIGURATION}/seed0/{name}"))
    path.write_bytes(b"" if name.endswith("csv") else path.read_bytes()[:40])
    said = rf"{name} is damaged .*dvc repro -f -s train@{CONFIGURATION}"
    with pytest.raises(DataError, match=said):
        summarise(settings, "quick")
    if name == "run.json":
        with pytest.raises(DataError, match=said):
            read_run(settings.configuration(CONFIGURATION), 0)
