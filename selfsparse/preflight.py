"""Can this machine run a suite? Checked before any stage starts: device, data and disk."""

import itertools
from pathlib import Path

from selfsparse.config import Configuration, Dataset, Settings
from selfsparse.data.listing import raw_folder
from selfsparse.data.sources import bytes_to_download, image_count, raw_files_present
from selfsparse.device import choose_device
from selfsparse.errors import DataError, UserError
from selfsparse.files import existing_parent, free_bytes, read_json
from selfsparse.limits import check_batch, check_classifier
from selfsparse.paths import extractor_dir, packed_dir, project_root, workspace_root

BYTES_PER_WEIGHT = 4
# Generator, discriminator, two moments of Adam for each, and the best generator: two states, and a third while it is written.
WEIGHT_COPIES = 3 * 4
HEADROOM = 500 * 1024**2  # tables, figures and what the package manager leaves behind


def check_suite(settings: Settings, suite: str) -> str:
    """Return what of the suite can run here, and which datasets it has no images of.

    Raises:
        DeviceError, DataError: nothing of it can run; the first thing that is missing, with the remedy.
        SettingsError: a count of the settings does not fit the images.
    """
    configurations = settings.suite(suite)
    if not configurations:
        raise UserError(f"params.yaml: suite {suite} has no configurations")
    devices = {choose_device(c.train.device, suite) for c in configurations}
    keys = dict.fromkeys(c.dataset_key for c in configurations)
    to_pack = {key: settings.dataset(key) for key in keys if not (packed_dir(key) / "manifest.json").is_file()}
    missing: dict[str, DataError] = {}
    for key, dataset in to_pack.items():
        try:
            raw_files_present(settings, dataset)
        except DataError as error:
            missing[key] = error
    if len(missing) == len(keys):
        raise next(iter(missing.values()))
    configurations = [c for c in configurations if c.dataset_key not in missing]
    for c in configurations:
        images = _images(settings, c)
        check_batch(c, images)
        if c.extractor.extractor != "inception":
            kind = c.extractor.extractor
            check_classifier(kind.removesuffix("_standin"), settings.classifier_training(kind), c.dataset_key, images)
    _require_inception_weights(settings, configurations)
    needed = _bytes_needed(settings, configurations, [d for key, d in to_pack.items() if key not in missing])
    for folder, room in needed.items():
        if room > (free := free_bytes(folder)):
            is_free = f"{free / 1e9:.1f} GB are free at {folder}"
            raise DataError(f"suite {suite} needs about {room / 1e9:.1f} GB of disk, {is_free}")
    runs, on = sum(len(c.train.seeds) for c in configurations), ", ".join(sorted(devices))
    disk = f"about {sum(needed.values()) / 1e9:.1f} GB of disk"
    lines = [f"suite {suite}: {len(configurations)} configurations, {runs} runs on {on}; {disk}"]
    lines += [f"no images of {key}: `python -m pipeline.data {key}` says what to get" for key in missing]
    return "\n".join(lines)


def _require_inception_weights(settings: Settings, configurations: list[Configuration]) -> None:
    """The weights that the settings name are read after all downloads: say before that they are not there."""
    keys = {c.extractor_key for c in configurations if c.extractor.extractor == "inception"}
    if settings.inception_weights is None or all((extractor_dir(key) / "extractor.json").is_file() for key in keys):
        return
    if not (path := workspace_root() / settings.inception_weights).is_file():
        raise DataError(f"params.yaml: inception_weights: no file {path}")


def _images(settings: Settings, c: Configuration) -> int:
    """How many images a configuration's dataset has, or will have as far as that is known."""
    manifest = packed_dir(c.dataset_key) / "manifest.json"
    counted = read_json(manifest).get("count") if manifest.is_file() else None
    return counted or image_count(settings, c.dataset)


def _bytes_needed(settings: Settings, configurations: list[Configuration], to_pack: list[Dataset]) -> dict[Path, int]:
    """A rough estimate for each disk, named by a folder on it: what is yet to be downloaded and packed, and the runs."""
    root = project_root()
    needed = {root: HEADROOM}
    for d in to_pack:
        needed[root] += image_count(settings, d) * d.channels * d.resolution**2
    for d in {d.dataset: d for d in to_pack}.values():
        folder = existing_parent(raw_folder(settings, d.dataset))
        disk = next((known for known in needed if known.stat().st_dev == folder.stat().st_dev), folder)
        needed[disk] = needed.get(disk, 0) + bytes_to_download(settings, d)
    weights = sum(len(c.train.seeds) * _weights(c) for c in configurations)
    needed[root] += weights * BYTES_PER_WEIGHT * WEIGHT_COPIES
    return needed


def _weights(configuration: Configuration) -> int:
    """Numbers in a generator and its discriminator, roughly; residual blocks have two convolutions for one."""
    n = configuration.network
    generator = [configuration.latent_dim, *n.generator_widths, configuration.dataset.channels]
    convolutions = 2 * 16 * sum(a * b for a, b in itertools.pairwise(generator))
    if n.sastm_widths is None or n.position_size is None:
        return convolutions
    mlp = [configuration.latent_dim, *n.sastm_widths, n.position_size**2]
    return convolutions + len(n.generator_widths) * sum(a * b for a, b in itertools.pairwise(mlp))
