"""Feature extractors, saved and loaded; and FIDs under them against torch-fidelity's own, from pixels to number."""

import json

import numpy as np
import pytest
import torch
from small_project import files

from benchmarks.fid import Images
from selfsparse.config import load_settings
from selfsparse.data.packed import PackedDataset, load_packed
from selfsparse.errors import DataError, SettingsError
from selfsparse.metrics.extractors import load_extractor, prepare_extractor
from selfsparse.metrics.frechet import RunningGaussian, frechet_distance
from selfsparse.metrics.reference import make_references

CPU = torch.device("cpu")
LENET = "data/extractors/digits-16-lenet"


def our_fid(extractor, first: torch.Tensor, second: torch.Tensor, batch_size: int) -> float:
    gaussians = []
    for images in (first, second):
        running = RunningGaussian()
        for part in images.split(batch_size):
            running.add(extractor(part))
        gaussians.append(running.result())
    return frechet_distance(*gaussians)


def their_fid(name: str, first: torch.Tensor, second: torch.Tensor, batch_size: int) -> float:
    import torch_fidelity

    return torch_fidelity.calculate_metrics(
        input1=Images(first),
        input2=Images(second),
        fid=True,
        feature_extractor=name,
        batch_size=batch_size,
        cuda=False,
        verbose=False,
        save_cpu_ram=True,  # no worker processes
        cache=False,
    )["frechet_inception_distance"]


def halves(small) -> tuple[torch.Tensor, torch.Tensor]:
    """Real digits, and other ones upside down."""
    images = torch.from_numpy(np.array(load_packed(small / "data/packed/digits-16").images[:600]))
    return images[:300], images[300:].flip(2)


def test_lenet_comes_back_as_it_was(small):
    settings = load_settings()
    first, second = load_extractor(settings, small / LENET, CPU), load_extractor(settings, small / LENET, CPU)
    images = halves(small)[0][:20]
    features = first(images)
    assert features.shape == (20, 64) and torch.equal(features, second(images))
    assert not first.training and not any(p.requires_grad for p in first.parameters())
    described = json.loads((small / LENET / "extractor.json").read_text())
    assert (described["features"], described["classes"], described["labels"]) == (64, 10, "digit")
    assert 0 <= described["held_out_accuracy"] <= 1


@pytest.mark.usefixtures("keep_threads")
def test_the_number_of_threads_does_not_count(small):
    """Weights, and features of real images, to the last bit; the caller's threads stay."""
    settings, key = load_settings(), "digits-16-lenet"
    images, found = load_packed(small / "data/packed/digits-16"), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        prepare_extractor(settings, settings.extractor(key), images, small / LENET)
        network = load_extractor(settings, small / LENET, CPU)
        make_references(images, network, (80, 500), settings.real_images, 250, CPU, small / f"data/references/{key}")
        assert torch.get_num_threads() == threads
        found.append(files(small / "data"))
    assert found[0] == found[1]


@pytest.mark.parametrize("label_kind", ["stand-in: none", "digit"])
def test_a_classifier_that_learnt_nothing_is_no_extractor(small, label_kind):
    """All labels alike, as of sketches: whatever they are called, nothing is written that could be measured with."""
    settings, digits = load_settings(), load_packed(small / "data/packed/digits-16")
    named = "lenet" if label_kind == "digit" else "lenet_standin"
    extractor = settings.extractor("digits-16-lenet").model_copy(update={"extractor": named})
    alike = PackedDataset(digits.images, np.zeros_like(digits.labels), digits.manifest | {"label_kind": label_kind})
    with pytest.raises(DataError, match="nothing cannot measure anything: all 1,797 images have one label"):
        prepare_extractor(settings, extractor, alike, small / "nothing")
    assert not (small / "nothing").exists()


def test_lenet_through_torch_fidelity(small):
    """The same number from torch_fidelity.calculate_metrics, from the same pixels, to 1e-6."""
    from torch_fidelity import register_feature_extractor
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

    network = load_extractor(load_settings(), small / LENET, CPU)

    class Registered(FeatureExtractorBase):
        def __init__(self, name, features_list, **options):
            super().__init__(name, features_list)
            self.network = network

        @staticmethod
        def get_provided_features_list():
            return ("64",)

        @staticmethod
        def get_default_feature_layer_for_metric(metric):
            return "64"

        @staticmethod
        def can_be_compiled():
            return False

        def forward(self, images):
            return (self.network(images[:, : self.network.channels]),)

    FEATURE_EXTRACTORS_REGISTRY.pop("lenet", None)  # torch-fidelity refuses a name twice
    register_feature_extractor("lenet", Registered)
    first, second = halves(small)
    ours = our_fid(network, first, second, 64)
    assert ours > 0 and their_fid("lenet", first, second, 64) == pytest.approx(ours, rel=1e-6)


def test_a_changed_weights_file_is_refused(small):
    path = small / LENET / "lenet.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(
        DataError, match=r"lenet\.safetensors is not the file.*dvc repro -f -s extractor@digits-16-lenet"
    ):
        load_extractor(load_settings(), small / LENET, CPU)


def test_not_prepared_yet(small):
    with pytest.raises(DataError, match="dvc repro -s extractor@nothing"):
        load_extractor(load_settings(), small / "nothing", CPU)


@pytest.mark.parametrize(
    ("kind", "label_kind", "expected"),
    [("lenet", "stand-in: quadrant", "lenet_standin"), ("lenet_standin", "digit", "lenet")],
)
def test_the_name_says_whose_labels_they_are(small, kind, label_kind, expected):
    dataset = PackedDataset(np.zeros((4, 1, 16, 16), np.uint8), np.zeros(4, np.int64), {"label_kind": label_kind})
    settings = load_settings()
    extractor = settings.extractor("digits-16-lenet").model_copy(update={"extractor": kind})
    with pytest.raises(SettingsError) as caught:
        prepare_extractor(settings, extractor, dataset, small / "new")
    assert f"extractors.digits-16-{kind}:" in str(caught.value) and f"named {expected}" in str(caught.value)
    assert not (small / "new").exists()
