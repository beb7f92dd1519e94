"""Prepare the images of one dataset at one resolution: data/packed/<dataset>-<resolution>/.

Images come from <raw_data>/<dataset>/ (or $SELFSPARSE_RAW_DATA/<dataset>/) where you have them, else from the network.
"""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    from selfsparse.data.packed import pack
    from selfsparse.data.sources import open_source
    from selfsparse.paths import packed_dir
    from selfsparse.recorded import put_back

    dataset = settings.dataset(name)
    put_back(packed_dir(name))
    manifest = pack(open_source(settings, dataset), dataset, packed_dir(name))
    print(f"{name}: {manifest['count']:,} images of {manifest['source']}, sha256 {manifest['sha256'][:12]}")


if __name__ == "__main__":
    run_stage(main, argument="dataset", example="digits-16", description=__doc__)
