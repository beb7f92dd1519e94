"""Prepare one feature extractor: train the lenet classifier on the dataset's labels, or fetch Inception-v3's weights."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    from selfsparse.data.packed import load_packed
    from selfsparse.metrics.extractors import prepare_extractor
    from selfsparse.paths import extractor_dir, packed_dir
    from selfsparse.recorded import put_back

    extractor = settings.extractor(name)
    put_back(extractor_dir(name))
    dataset = load_packed(packed_dir(f"{extractor.dataset}-{extractor.resolution}"))
    description = prepare_extractor(settings, extractor, dataset, extractor_dir(name))
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in description.items() if key != "sha256"))


if __name__ == "__main__":
    run_stage(main, argument="extractor", example="digits-16-lenet", description=__doc__)
