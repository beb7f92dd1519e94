"""Small convolutional classifiers whose features stand in for Inception's, trained on the dataset's own labels.

For machines without network, and for digits, where features of ImageNet mean little (Binkowski et al. 2018
measured MNIST so). An FID under them is comparable with other FIDs under the same weights only. `lenet` is enough for digits and
clothes; what tells CIFAR-10's animals apart takes a deeper one, `convnet`.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import tqdm

from selfsparse.adam import Adam
from selfsparse.config import ClassifierTraining
from selfsparse.data.packed import PackedDataset
from selfsparse.device import one_thread
from selfsparse.errors import DataError

STANDARD_ERRORS = 2  # by which a classifier that counts as trained is better than guesses
OTHERWISE = "Or name the extractor inception in the configurations of params.yaml: it needs no labels."


class LeNet(nn.Module):
    """uint8 images (N, C, R, R) -> features (N, 64)."""

    FEATURES = 64  # well under the number of images, so that covariances have full rank
    AUGMENTS = False

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.channels, self.classes = channels, classes
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 16, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
        )
        self.features = nn.Linear(32 * 4 * 4, self.FEATURES)
        self.scores = nn.Linear(self.FEATURES, classes)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 images (N, C, R, R) -> features (N, 64) before the last ReLU."""
        return self.features(self.convolutions(images.float() / 127.5 - 1))

    def classify(self, images: Tensor) -> Tensor:
        """uint8 images (N, C, R, R) -> class scores (N, classes)."""
        return self.scores(functional.relu(self(images)))


class ConvNet(nn.Module):
    """uint8 images (N, C, R, R), R at least 8 -> features (N, 128): four convolutions with batch norm, then the mean over places.

    It sees its images mirrored in every second case, and its learning rate rises and falls once (Smith and Topin 2018).
    """

    FEATURES = 128
    AUGMENTS = True

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.channels, self.classes = channels, classes
        widths = (channels, 16, 32, 64, self.FEATURES)
        blocks: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise(widths)):
            blocks += [] if i == 0 else [nn.MaxPool2d(2)]
            blocks += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.convolutions = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.scores = nn.Linear(self.FEATURES, classes)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 images (N, C, R, R) -> features (N, 128)."""
        return self.convolutions(images.float() / 127.5 - 1)

    def classify(self, images: Tensor) -> Tensor:
        """uint8 images (N, C, R, R) -> class scores (N, classes)."""
        return self.scores(self(images))


CLASSIFIERS = {"lenet": LeNet, "lenet_standin": LeNet, "convnet": ConvNet}  # type: dict[str, type[LeNet] | type[ConvNet]]


@one_thread()
def train_classifier(
    kind: type[LeNet | ConvNet], dataset: PackedDataset, settings: ClassifierTraining
) -> tuple[LeNet | ConvNet, float]:
    """Train a classifier on a packed dataset.

    Returns:
        The network, and its accuracy (0 to 1) on images that were kept out of its training.

    Raises:
        DataError: it could learn nothing, or has learnt nothing that shows on those images, or less than the settings ask for.
    """
    name, count = kind.__name__.lower(), len(dataset.images)
    order = np.random.default_rng(settings.seed).permutation(count)
    held_out, kept = np.split(order, [int(count * settings.validation_share)])
    classes = int(dataset.labels.max()) + 1
    if len(np.unique(dataset.labels)) < 2:
        raise DataError(f"all {count:,} images have one label, so that there is nothing to learn. {OTHERWISE}")
    if len(kept) < settings.batch_size or not len(held_out):
        raise DataError(
            f"{count:,} images are {len(held_out):,} kept out of training ({name}.validation_share"
            f" {settings.validation_share}) and {len(kept):,} to learn from: at least 1 and a batch ({name}.batch_size"
            f" {settings.batch_size}) are needed. Lower {name}.batch_size in params.yaml, or give more images. {OTHERWISE}"
        )
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network = kind(dataset.images.shape[1], classes)
    images, labels = torch.from_numpy(dataset.images), torch.from_numpy(dataset.labels)
    optimizer = Adam(network.parameters(), lr=settings.lr)
    rng = torch.Generator().manual_seed(settings.seed)
    steps = min(settings.max_steps, settings.epochs * (len(kept) // settings.batch_size))
    schedule = OneCycleLR(optimizer, settings.lr, total_steps=steps + 1) if kind.AUGMENTS else None
    kept = torch.from_numpy(kept)
    batches = torch.cat([torch.randperm(len(kept), generator=rng) for _ in range(settings.epochs)])
    for step in tqdm(range(steps), desc=name, unit="step", mininterval=1):
        chosen = kept[batches[step * settings.batch_size : (step + 1) * settings.batch_size]]
        batch = images[chosen]
        if kind.AUGMENTS:
            mirrored = torch.rand(len(batch), generator=rng) < 0.5
            batch[mirrored] = batch[mirrored].flip(3)
        loss = functional.cross_entropy(network.classify(batch), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if schedule:
            schedule.step()
    network.eval()
    held_out = torch.from_numpy(held_out)
    with torch.no_grad():
        guesses = torch.cat([network.classify(images[part]).argmax(1) for part in held_out.split(1000)])
    right = int((guesses == labels[held_out]).sum())
    chance = float(labels[held_out].bincount().max()) / len(held_out)
    # One guess for all is right as often as the most frequent label occurs.
    if right <= len(held_out) * chance + STANDARD_ERRORS * math.sqrt(len(held_out) * chance * (1 - chance)):
        raise DataError(
            f"after {steps:,} steps the classifier is right for {right:,} of {len(held_out):,} images kept out of its"
            f" training, where the most frequent label alone would be for {chance:.0%}: it has learnt nothing. Train it"
            f" longer ({name}.epochs, {name}.max_steps in params.yaml) on labels that mean something. {OTHERWISE}"
        )
    if right < settings.min_accuracy * len(held_out):
        raise DataError(
            f"after {steps:,} steps the classifier is right for {right / len(held_out):.1%} of the images kept out of its"
            f" training, and params.yaml asks for {settings.min_accuracy:.0%} ({name}.min_accuracy). Train it longer"
            f" ({name}.epochs, {name}.max_steps), or lower what is asked for. {OTHERWISE}"
        )
    return network, right / len(held_out)
