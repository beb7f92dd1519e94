"""Measure FID and KID of one configuration's trained generators: results/<suite>/fid/<configuration>/."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    from selfsparse.device import any_device, enough_memory_to_measure
    from selfsparse.metrics.final_fid import measure_configuration_fid

    configuration = settings.configuration(name)
    with enough_memory_to_measure(f"network {configuration.network_name} of {name}", settings.fid.batch_size):
        measure_configuration_fid(settings, configuration, any_device())


if __name__ == "__main__":
    run_stage(main, argument="configuration", example="digits-16-self_sparse", description=__doc__)
