"""Measure Eq. 4, 5 and 15 of one configuration's generators, and what their zeros save: results/<suite>/sparsity/<configuration>/."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    from selfsparse.compact.measure import measure_configuration_sparsity
    from selfsparse.device import any_device, enough_memory_to_measure

    configuration, device = settings.configuration(name), any_device()
    with enough_memory_to_measure(f"network {configuration.network_name} of {name}", settings.fid.batch_size):
        measure_configuration_sparsity(settings, configuration, device)


if __name__ == "__main__":
    run_stage(main, argument="configuration", example="digits-16-self_sparse", description=__doc__)
