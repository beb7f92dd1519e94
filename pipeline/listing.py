"""List the files that the user has of every dataset: data/listings/<dataset>.json."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings") -> None:
    from selfsparse.data.listing import write_listings
    from selfsparse.paths import project_root

    write_listings(settings, project_root() / "data" / "listings")


if __name__ == "__main__":
    run_stage(main, description=__doc__)
