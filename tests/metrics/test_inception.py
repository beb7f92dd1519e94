"""Inception-v3: torch-fidelity's own features, faster; and weights from a stranger, which must do no harm."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from small_project import SMALL, write_project

from benchmarks.fid import Images, random_state, torch_fidelity_network
from selfsparse.config import load_settings
from selfsparse.data.packed import load_packed
from selfsparse.errors import DataError
from selfsparse.metrics import inception as module
from selfsparse.metrics.extractors import load_extractor, prepare_extractor
from selfsparse.metrics.frechet import RunningGaussian, frechet_distance
from selfsparse.metrics.inception import Inception, find_inception_weights, read_inception_weights

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def state():
    return random_state()


@pytest.fixture(scope="module")
def weights(state, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(state, path)
    return path


def start_of_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


@pytest.fixture(scope="module")
def theirs(state):
    """torch-fidelity's own network under the same weights."""
    return torch_fidelity_network(state)


def images(n: int, channels: int, side: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(side).integers(0, 256, (n, channels, side, side), dtype=np.uint8))


@pytest.mark.parametrize("side", [16, 32, 128, 299, 320])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_resized_bit_for_bit_as_torch_fidelity_does(side, channels):
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    pixels = images(2, channels, side)
    expected = interpolate_bilinear_2d_like_tensorflow1x(
        pixels.expand(-1, 3, -1, -1).float(), size=(299, 299), align_corners=False
    )
    assert torch.equal(module._resized(pixels), (expected - 128) / 128)


# 9: more than one micro batch, the last one not full.
@pytest.mark.parametrize(("channels", "n"), [(1, 2), pytest.param(3, 9, marks=pytest.mark.slow)])
def test_features_are_torch_fidelitys(state, theirs, channels, n):
    """To 1e-4 of the largest feature; folding batch norms and other sums' orders leave 1e-6."""
    pixels = images(n, channels, 32)
    expected = theirs(pixels.expand(-1, 3, -1, -1))[0]
    features = Inception(state)(pixels)
    assert features.shape == (n, 2048) and features.dtype == torch.float32 and features.std() > 0
    assert float((features - expected).abs().max() / expected.abs().max()) < 1e-5


def test_weights_of_another_network(state):
    with pytest.raises(DataError, match="another network than Inception-v3"):
        Inception({**state, "more": torch.zeros(1)})


class Bomb:
    """What writes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("inside", ["instead of weights", "among weights"])
def test_a_pickle_bomb_does_not_go_off(tmp_path, inside):
    fired, path = tmp_path / "fired", tmp_path / "weights.pth"
    torch.save(Bomb(fired) if inside == "instead of weights" else {"w": torch.zeros(1), "x": Bomb(fired)}, path)
    with pytest.raises(DataError) as caught:
        read_inception_weights(path, custom=None)
    assert "sha256" in str(caught.value) and not fired.exists()
    with pytest.raises(DataError, match="nothing in it was run") as caught:  # not even for a user who asks for it
        read_inception_weights(path, custom=start_of_hash(path))
    assert len(str(caught.value).splitlines()) == 1 and not fired.exists()
    torch.load(path, weights_only=False)
    assert fired.exists()  # it is one


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04 cut short"])
def test_a_damaged_file(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a file of weights alone"):
        read_inception_weights(path, custom=start_of_hash(path))


@pytest.mark.parametrize("content", [[1, 2], {"a": 3}, torch.zeros(2)])
def test_a_file_of_other_things(tmp_path, content):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(DataError, match="expected Inception's weights"):
        read_inception_weights(path, custom=start_of_hash(path))


def test_the_published_file_is_known_by_its_name():
    """torch-fidelity's release names its file by the first digits of its SHA-256, as torch.hub expects it to."""
    assert module._published()[1] == "6726825d"


def test_another_file_is_refused_with_the_remedy(weights, monkeypatch):
    with pytest.raises(DataError) as caught:
        read_inception_weights(weights, custom=None)
    start = start_of_hash(weights)
    for part in (
        "6726825d",
        "https://github.com/toshas/torch-fidelity/",
        f'inception_custom: "{start}"',
        "params.yaml",
    ):
        assert part in str(caught.value)
    with pytest.raises(DataError, match="inception_custom"):  # another one was asked for
        read_inception_weights(weights, custom="01234567")
    _, sha256, name = read_inception_weights(weights, custom=start)
    assert name == f"inception-custom-{start}" and sha256.startswith(start)
    monkeypatch.setattr(module, "_published", lambda: ("weights.pth", start))
    assert (
        read_inception_weights(weights, custom=None)[2]
        == read_inception_weights(weights, custom=start)[2]
        == "inception"
    )


def test_weights_that_are_not_there(small):
    with pytest.raises(DataError, match=r"inception_weights: no file .*weights\.pth"):
        find_inception_weights("weights.pth")


def test_weights_that_cannot_be_downloaded(small, monkeypatch):
    import requests

    def fail(*arguments, **options):
        raise requests.ConnectionError("Network is unreachable")

    monkeypatch.setattr(requests, "get", fail)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(small / "hub"))  # an empty cache of downloads
    with pytest.raises(DataError) as caught:
        find_inception_weights(None)
    folder = str(small / "hub" / "checkpoints")
    for part in ("Network is unreachable", "https://github.com/toshas/", folder, "inception_weights", "lenet"):
        assert part in str(caught.value)


def test_a_corrupt_download_never_takes_the_name_of_the_weights(small, monkeypatch):
    """Later runs would find it there and fail for ever."""
    monkeypatch.setattr("selfsparse.data.downloads._load", lambda url, partial: partial.write_bytes(b"corrupt"))
    monkeypatch.setattr(torch.hub, "_hub_dir", str(small / "hub"))
    start = module._published()[1]
    with pytest.raises(DataError, match=rf"expected {start}; it was deleted") as caught:
        find_inception_weights(None)
    assert f"get the file in another way (sha256 {start})" in str(caught.value)
    assert list((small / "hub/checkpoints").iterdir()) == []


def with_weights(project: Path, path: Path, **changes):
    """Settings that name custom weights, and the extractor of the digits under them."""
    named = {"inception_weights": str(path), "inception_custom": start_of_hash(path)}
    settings = load_settings(write_project(project, {**SMALL, **named, **changes}) / "params.yaml")
    return settings, settings.extractor("digits-16-lenet").model_copy(update={"extractor": "inception"})


@pytest.mark.slow
def test_from_a_weights_file_to_a_distance(small, weights, theirs):
    """The whole path: settings name the file, prepare, load, features and FID; torch-fidelity's own call agrees."""
    import torch_fidelity

    settings, extractor = with_weights(small, weights)
    digits, folder = load_packed(small / "data/packed/digits-16"), small / "data/extractors/digits-16-inception"
    described = prepare_extractor(settings, extractor, digits, folder)
    assert described == json.loads((folder / "extractor.json").read_text())
    assert described["extractor"] == f"inception-custom-{start_of_hash(weights)}" and described["features"] == 2048
    network = load_extractor(settings, folder, CPU)

    real = torch.from_numpy(np.array(digits.images[:48]))
    halves, gaussians = (real[:24], real[24:].flip(2)), []
    for half in halves:
        running = RunningGaussian()
        running.add(network(half))
        gaussians.append(running.result())
    found = torch_fidelity.calculate_metrics(
        input1=Images(halves[0]), input2=Images(halves[1]), fid=True, feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(weights), batch_size=12, cuda=False, cache=False, verbose=False,
        save_cpu_ram=True,
    )  # fmt: skip
    # 24 images in 2,048 dimensions: torch-fidelity's eigenvalues of the product are zero to 1e-16 only, and it adds
    # 2,000 of their roots, 1e-8 each; 1e-4 is what that leaves. With full rank both agree to 1e-6: see test_frechet.
    assert found["frechet_inception_distance"] == pytest.approx(frechet_distance(*gaussians), rel=1e-4)


def test_other_weights_than_prepared_are_refused(small, weights):
    path = small / "weights.pth"
    path.write_bytes(weights.read_bytes())
    settings, extractor = with_weights(small, path)
    folder = small / "data/extractors/digits-16-inception"
    prepare_extractor(settings, extractor, load_packed(small / "data/packed/digits-16"), folder)
    with open(path, "ab") as file:
        file.write(b"\0")
    with pytest.raises(DataError, match="inception_custom"):  # swapped behind the settings' back
        load_extractor(settings, folder, CPU)
    again, _ = with_weights(small, path)  # and with the new file asked for
    with pytest.raises(DataError, match=re.escape("weights.pth is not the file") + ".*dvc repro -f -s extractor@"):
        load_extractor(again, folder, CPU)
