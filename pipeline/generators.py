"""Export the best generators of a suite for git, with their cards: results/<suite>/generators/<configuration>/."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    settings.suite(name)

    from selfsparse.hub.export import publish

    publish(name)


if __name__ == "__main__":
    run_stage(main, argument="suite", example="quick", description=__doc__)
