"""Counts of params.yaml against the number of images that there are; those against each other are in selfsparse.config."""

from selfsparse.config import ClassifierTraining, Configuration
from selfsparse.errors import SettingsError


def check_batch(configuration: Configuration, images: int) -> None:
    """Raise SettingsError where a dataset has fewer images than one batch of a training."""
    size = configuration.train.batch_size
    if size > images:
        raise SettingsError(
            f"params.yaml: train.batch_size of configurations.{configuration.name} is {size:,}, and"
            f" {configuration.dataset_key} has {images:,} images; lower it, in train or suites.{configuration.suite}.train"
        )


def check_classifier(name: str, training: ClassifierTraining, dataset_key: str, images: int) -> None:
    """Raise SettingsError where a classifier, `lenet` or `convnet`, would take no step, or have no image to measure its accuracy on."""
    held_out = int(images * training.validation_share)
    if held_out < 1:
        raise SettingsError(
            f"params.yaml: {name}.validation_share ({training.validation_share}) of the {images:,} images of {dataset_key} is"
            " none to measure its accuracy on; raise it"
        )
    if training.batch_size > images - held_out:
        raise SettingsError(
            f"params.yaml: {name}.batch_size is {training.batch_size:,}, and {dataset_key} leaves {images - held_out:,} images"
            " to train on; lower it"
        )
