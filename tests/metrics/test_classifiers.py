"""The classifiers behind the features `lenet` and `convnet`."""

import numpy as np
import pytest
import torch
from small_project import ROOT
from torch.nn import functional

from selfsparse.config import ClassifierTraining, load_settings
from selfsparse.data.packed import PackedDataset
from selfsparse.errors import DataError
from selfsparse.metrics.classifiers import CLASSIFIERS, ConvNet, LeNet, train_classifier

SETTINGS = ClassifierTraining(
    epochs=6, max_steps=1000, batch_size=16, lr=0.003, validation_share=0.25, seed=0, min_accuracy=0.0
)


def bright_or_dark(count: int = 240) -> PackedDataset:
    """Two classes that a look tells apart: the upper or the lower half is bright."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 60, (count, 1, 16, 16), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, :8] += np.uint8(150 * label)
        image[:, 8:] += np.uint8(150 * (1 - label))
    return PackedDataset(images, labels, {})


@pytest.mark.parametrize("kind", [LeNet, ConvNet])
def test_it_learns_what_can_be_learnt(kind):
    network, accuracy = train_classifier(kind, bright_or_dark(), SETTINGS)
    assert isinstance(network, kind) and accuracy > 0.95 and network.classes == 2 and not network.training


def test_labels_without_meaning_are_not_learnt():
    # Accuracy is measured on images kept out of training, where guesses are as good.
    dataset = bright_or_dark()
    shuffled = PackedDataset(dataset.images, np.random.default_rng(1).permutation(dataset.labels), {})
    with pytest.raises(DataError, match="it has learnt nothing"):
        train_classifier(LeNet, shuffled, SETTINGS)


def test_who_always_gives_the_most_frequent_label_has_learnt_nothing():
    """Nine of ten right is no more than chance where nine of ten have one label."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (240, 1, 16, 16), dtype=np.uint8)
    with pytest.raises(DataError, match=r"right for \d+ of 60 images .* most frequent label alone would be for 9\d%"):
        train_classifier(LeNet, PackedDataset(images, (rng.random(240) < 0.08).astype(np.int64), {}), SETTINGS)


@pytest.mark.parametrize("label", [0, 3])
def test_one_label_teaches_nothing(label):
    dataset = bright_or_dark()
    alike = PackedDataset(dataset.images, np.full(240, label), {})
    with pytest.raises(DataError, match=r"all 240 images have one label.*inception"):
        train_classifier(LeNet, alike, SETTINGS)


@pytest.mark.parametrize(
    ("count", "changes"),
    [(20, {}), (240, {"batch_size": 181}), (240, {"validation_share": 0.004})],
)
def test_without_a_batch_to_learn_from_or_an_image_to_ask(count, changes):
    """None trains, or none is kept out: 240 images less a quarter are 180."""
    settings = SETTINGS.model_copy(update=changes)
    for kind, name in ((LeNet, "lenet"), (ConvNet, "convnet")):
        with pytest.raises(DataError, match=rf"Lower {name}\.batch_size"):
            train_classifier(kind, bright_or_dark(count), settings)


def test_less_accuracy_than_is_asked_for_is_refused():
    """Labels of which a quarter are random: 7 of 8 can be right, by chance a few more."""
    dataset, rng = bright_or_dark(), np.random.default_rng(2)
    noisy = np.where(rng.random(240) < 0.25, rng.integers(0, 2, 240), dataset.labels)
    settings = SETTINGS.model_copy(update={"min_accuracy": 0.99})
    with pytest.raises(DataError, match=r"right for \d\d\.\d% .*asks for 99% \(convnet\.min_accuracy\)"):
        train_classifier(ConvNet, PackedDataset(dataset.images, noisy, {}), settings)


def test_the_convnet_cannot_tell_a_side_that_flips():
    """It sees each image mirrored in half of the cases: which side is bright is no clue to it, and is one to the other."""
    upright = bright_or_dark()
    sides = PackedDataset(upright.images.transpose(0, 1, 3, 2).copy(), upright.labels, {})
    assert train_classifier(LeNet, sides, SETTINGS)[1] > 0.95
    with pytest.raises(DataError, match="it has learnt nothing"):
        train_classifier(ConvNet, sides, SETTINGS)


def test_the_seed_alone_decides():
    short = SETTINGS.model_copy(update={"max_steps": 12})
    torch.manual_seed(1)
    first, state = train_classifier(LeNet, bright_or_dark(), short)[0].state_dict(), torch.get_rng_state()
    torch.manual_seed(2)
    second = train_classifier(LeNet, bright_or_dark(), short)[0].state_dict()
    third = train_classifier(LeNet, bright_or_dark(), short.model_copy(update={"seed": 1}))[0].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], third[name]) for name in first)
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())  # the world's random numbers are left alone


def test_steps_are_bounded():
    short = train_classifier(LeNet, bright_or_dark(), SETTINGS.model_copy(update={"max_steps": 12}))[0].state_dict()
    longer = train_classifier(LeNet, bright_or_dark(), SETTINGS.model_copy(update={"max_steps": 13}))[0].state_dict()
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


def test_convnet_features_and_scores_written_out():
    """The mean over places of the last of four convolutions, each with batch norm and ReLU, halved three times."""
    torch.manual_seed(0)
    network, images = ConvNet(3, 7), torch.randint(256, (5, 3, 16, 16), dtype=torch.uint8)
    network.train()(images)  # so that the running statistics are no longer 0 and 1
    network.eval()
    y = images.double() / 127.5 - 1
    parts = list(network.convolutions)
    for i, (convolution, norm) in enumerate(zip(parts[::4], parts[1::4], strict=False)):
        y = functional.conv2d(functional.max_pool2d(y, 2) if i else y, convolution.weight.double(), padding=1)
        shift, scale = norm.running_mean.double(), (norm.running_var.double() + 1e-5).rsqrt()
        y = (
            (y - shift[:, None, None]) * scale[:, None, None] * norm.weight[:, None, None] + norm.bias[:, None, None]
        ).relu()
    assert y.shape == (5, 128, 2, 2)
    torch.testing.assert_close(network(images).double(), y.mean((2, 3)), rtol=1e-4, atol=1e-5)
    scores = y.mean((2, 3)) @ network.scores.weight.double().T + network.scores.bias.double()
    torch.testing.assert_close(network.classify(images).double(), scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [LeNet, ConvNet])
def test_shapes_at_every_resolution(kind):
    for channels, resolution in ((1, 8), (3, 16), (1, 32), (3, 128)):
        images = torch.zeros(2, channels, resolution, resolution, dtype=torch.uint8)
        network = kind(channels, 10)
        assert network(images).shape == (2, kind.FEATURES) and network.classify(images).shape == (2, 10)


def test_features_are_fewer_than_images():
    """Covariances have full rank where there are more images than features."""
    for extractor in load_settings(ROOT / "params.yaml").extractors.values():
        if extractor.extractor != "inception":
            assert extractor.samples[0] > CLASSIFIERS[extractor.extractor].FEATURES
