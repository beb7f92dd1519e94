"""Measure the real images under one feature extractor: means, covariances and their factors, for both sample counts."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    extractor = settings.extractor(name)  # first: a misspelt name need not wait for torch

    from selfsparse.data.packed import load_packed
    from selfsparse.device import any_device, enough_memory_to_measure
    from selfsparse.metrics.extractors import load_extractor
    from selfsparse.metrics.reference import make_references
    from selfsparse.paths import extractor_dir, packed_dir, reference_dir
    from selfsparse.recorded import put_back

    put_back(reference_dir(name))
    device = any_device()
    with enough_memory_to_measure(f"the real images of {name}", settings.fid.batch_size):
        description = make_references(
            load_packed(packed_dir(f"{extractor.dataset}-{extractor.resolution}")),
            load_extractor(settings, extractor_dir(name), device),
            extractor.samples,
            settings.real_images,
            settings.fid.batch_size,
            device,
            reference_dir(name),
        )
    print(f"{name}: {description['small']['real_images']:,} and {description['large']['real_images']:,} real images")


if __name__ == "__main__":
    run_stage(main, argument="extractor", example="digits-16-lenet", description=__doc__)
