"""What a reader has to be told of the images behind a number, where they are not the paper's."""

from pydantic import BaseModel


def subset_note(source: BaseModel, dataset: str) -> str:
    """Return one line on how a dataset differs from the paper's under these settings, or "" where it does not.

    Args:
        source: the dataset's settings, `settings.sources.<dataset>`.
        dataset: the dataset's name.
    """
    if dataset == "lsun_bedroom" and source.images != "all":
        return f"LSUN bedrooms: a subset of {source.images:,} of 3,033,042 images"
    if dataset == "cifar10" and source.split == "train":
        return "CIFAR-10: the 50,000 training images only; the paper has 60,000"
    if dataset == "sketch_substitute":
        return "sketch_substitute: edges of photographs of buildings, not the paper's Sketch"
    return ""
