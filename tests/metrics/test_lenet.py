"""The classifier behind the `lenet` features."""

import numpy as np
import pytest
import torch
from small_project import ROOT
from torch.nn import functional

from selfsparse.config import Lenet, load_settings
from selfsparse.data.packed import PackedDataset
from selfsparse.errors import DataError
from selfsparse.metrics.lenet import FEATURES, LeNet, train_lenet

SETTINGS = Lenet(epochs=6, max_steps=1000, batch_size=16, lr=0.003, validation_share=0.25, seed=0)


def bright_or_dark(count: int = 240) -> PackedDataset:
    """Two classes that a look tells apart: the upper or the lower half is bright."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 60, (count, 1, 16, 16), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, :8] += np.uint8(150 * label)
        image[:, 8:] += np.uint8(150 * (1 - label))
    return PackedDataset(images, labels, {})


def test_it_learns_what_can_be_learnt():
    network, accuracy = train_lenet(bright_or_dark(), SETTINGS)
    assert accuracy > 0.95 and network.classes == 2 and not network.training


def test_labels_without_meaning_are_not_learnt():
    # Accuracy is measured on images kept out of training, where guesses are as good.
    dataset = bright_or_dark()
    shuffled = PackedDataset(dataset.images, np.random.default_rng(1).permutation(dataset.labels), {})
    with pytest.raises(DataError, match="it has learnt nothing"):
        train_lenet(shuffled, SETTINGS)


def test_who_always_gives_the_most_frequent_label_has_learnt_nothing():
    """Nine of ten right is no more than chance where nine of ten have one label."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (240, 1, 16, 16), dtype=np.uint8)
    with pytest.raises(DataError, match=r"right for \d+ of 60 images .* most frequent label alone would be for 9\d%"):
        train_lenet(PackedDataset(images, (rng.random(240) < 0.08).astype(np.int64), {}), SETTINGS)


@pytest.mark.parametrize("label", [0, 3])
def test_one_label_teaches_nothing(label):
    dataset = bright_or_dark()
    alike = PackedDataset(dataset.images, np.full(240, label), {})
    with pytest.raises(DataError, match=r"all 240 images have one label.*inception"):
        train_lenet(alike, SETTINGS)


@pytest.mark.parametrize(
    ("count", "changes"),
    [(20, {}), (240, {"batch_size": 181}), (240, {"validation_share": 0.004})],
)
def test_without_a_batch_to_learn_from_or_an_image_to_ask(count, changes):
    """None trains, or none is kept out: 240 images less a quarter are 180."""
    settings = SETTINGS.model_copy(update=changes)
    with pytest.raises(DataError, match=r"lenet\.batch_size"):
        train_lenet(bright_or_dark(count), settings)


def test_the_seed_alone_decides():
    short = SETTINGS.model_copy(update={"max_steps": 12})
    torch.manual_seed(1)
    first, state = train_lenet(bright_or_dark(), short)[0].state_dict(), torch.get_rng_state()
    torch.manual_seed(2)
    second = train_lenet(bright_or_dark(), short)[0].state_dict()
    third = train_lenet(bright_or_dark(), short.model_copy(update={"seed": 1}))[0].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], third[name]) for name in first)
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())  # the world's random numbers are left alone


def test_steps_are_bounded():
    short = train_lenet(bright_or_dark(), SETTINGS.model_copy(update={"max_steps": 12}))[0].state_dict()
    longer = train_lenet(bright_or_dark(), SETTINGS.model_copy(update={"max_steps": 13}))[0].state_dict()
    assert not torch.equal(short["scores.weight"], longer["scores.weight"])


def test_features_and_scores_written_out():
    """Pixels in [-1, 1]; features before their ReLU, scores behind it."""
    torch.manual_seed(0)
    network, images = LeNet(3, 7), torch.randint(256, (5, 3, 16, 16), dtype=torch.uint8)
    first, second = (m for m in network.convolutions if isinstance(m, torch.nn.Conv2d))
    y = images.double() / 127.5 - 1
    y = functional.max_pool2d(functional.conv2d(y, first.weight.double(), first.bias.double(), padding=2).relu(), 2)
    y = functional.conv2d(y, second.weight.double(), second.bias.double(), padding=2).relu()
    y = y.unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean((3, 5))  # 8 x 8 to 4 x 4
    y = y.flatten(1) @ network.features.weight.double().T + network.features.bias.double()
    assert (y < 0).any()
    torch.testing.assert_close(network(images).double(), y, rtol=1e-4, atol=1e-5)
    scores = y.relu() @ network.scores.weight.double().T + network.scores.bias.double()
    torch.testing.assert_close(network.classify(images).double(), scores, rtol=1e-4, atol=1e-5)


def test_shapes_at_every_resolution():
    for channels, resolution in ((1, 8), (3, 16), (1, 32), (3, 128)):
        images = torch.zeros(2, channels, resolution, resolution, dtype=torch.uint8)
        network = LeNet(channels, 10)
        assert network(images).shape == (2, FEATURES) and network.classify(images).shape == (2, 10)


def test_features_are_fewer_than_images():
    """Covariances have full rank where there are more images than features."""
    for extractor in load_settings(ROOT / "params.yaml").extractors.values():
        if extractor.extractor != "inception":
            assert extractor.samples[0] > FEATURES
