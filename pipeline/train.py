"""Train all seeds of one configuration: results/<suite>/runs/<configuration>/.

Ctrl-C, SIGTERM or a crash lose little: the same command goes on from the last checkpoint.
"""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> int:
    from selfsparse.training.seeds import train_configuration

    return train_configuration(settings, settings.configuration(name))


if __name__ == "__main__":
    run_stage(main, argument="configuration", example="digits-16-self_sparse", description=__doc__)
