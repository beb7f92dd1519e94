"""The classifier behind the `lenet` features."""

import numpy as np
import torch
from small_project import ROOT

from selfsparse.config import Lenet, load_settings
from selfsparse.data.packed import PackedDataset
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
    # Accuracy is measured on images kept out of training: chance is 1/2, five standard errors of 60 are 0.32.
    dataset = bright_or_dark()
    shuffled = PackedDataset(dataset.images, np.random.default_rng(1).permutation(dataset.labels), {})
    assert train_lenet(shuffled, SETTINGS)[1] < 0.83


def test_the_seed_alone_decides():
    short = SETTINGS.model_copy(update={"max_steps": 3})
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
    untrained = train_lenet(bright_or_dark(), SETTINGS.model_copy(update={"max_steps": 1}))[0].state_dict()
    trained = train_lenet(bright_or_dark(), SETTINGS.model_copy(update={"max_steps": 2}))[0].state_dict()
    assert not torch.equal(untrained["scores.weight"], trained["scores.weight"])


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
