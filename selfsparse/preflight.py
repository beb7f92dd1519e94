"""Can this machine run a suite? Checked before any stage starts: device, data and disk."""

import itertools
import shutil

from selfsparse.config import Configuration, Settings
from selfsparse.data.sources import raw_files_present
from selfsparse.device import choose_device
from selfsparse.errors import DataError, UserError
from selfsparse.paths import packed_dir, project_root

BYTES_PER_WEIGHT = 4
# Generator, discriminator, two moments of Adam for each, and the best generator, twice while a state is replaced.
WEIGHT_COPIES = 2 * 4
HEADROOM = 500 * 1024**2  # tables, figures and what the package manager leaves behind


def check_suite(settings: Settings, suite: str) -> str:
    """Return one line that says the suite can run here.

    Raises:
        DeviceError, DataError: the first thing that is missing, with the remedy.
    """
    configurations = settings.suite(suite)
    if not configurations:
        raise UserError(f"params.yaml: suite {suite} has no configurations")
    devices = {choose_device(c.train.device, suite) for c in configurations}
    for key in dict.fromkeys(c.dataset_key for c in configurations):
        if not (packed_dir(key) / "manifest.json").is_file():
            raw_files_present(settings, settings.dataset(key))
    needed, free = _bytes_needed(configurations), shutil.disk_usage(project_root()).free
    if needed > free:
        raise DataError(
            f"suite {suite} needs about {needed / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free at {project_root()}"
        )
    runs = sum(len(c.train.seeds) for c in configurations)
    return f"suite {suite}: {len(configurations)} configurations, {runs} runs on {', '.join(sorted(devices))}; about {needed / 1e9:.1f} GB of disk"


def _bytes_needed(configurations: list[Configuration]) -> int:
    """A rough estimate: packed images (at most 100,000 a set), and the states and weights of every run."""
    datasets = {c.dataset_key: c.dataset for c in configurations}
    images = sum(100_000 * d.channels * d.resolution**2 for d in datasets.values())
    weights = 0
    for c in configurations:
        n = c.network
        generator = [c.latent_dim, *n.generator_widths, c.dataset.channels]
        convolutions = 2 * 16 * sum(a * b for a, b in itertools.pairwise(generator))
        mlp = [c.latent_dim, *n.sastm_widths, n.position_size**2]
        sastm = len(n.generator_widths) * sum(a * b for a, b in itertools.pairwise(mlp))
        weights += len(c.train.seeds) * (convolutions + sastm)
    return HEADROOM + images + weights * BYTES_PER_WEIGHT * WEIGHT_COPIES
