"""Make one configuration's generators smaller by what their SASTMs keep at zero: results/<suite>/compact/<configuration>/."""

from selfsparse.cli import run_stage
from selfsparse.config import Settings

WITHOUT_SASTM = ("wgan_gp", "sagan")


def main(settings: Settings, name: str) -> None:
    configuration = settings.configuration(name)
    if configuration.model in WITHOUT_SASTM:  # nothing to find, and PyTorch takes seconds to import
        from selfsparse.compact.files import write_rows

        write_rows(configuration, [], [])
        return

    from selfsparse.compact.measure import measure_configuration_compact
    from selfsparse.device import any_device

    measure_configuration_compact(settings, configuration, any_device())


if __name__ == "__main__":
    run_stage(main, argument="configuration", example="digits-16-self_sparse", description=__doc__)
