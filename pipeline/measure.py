"""Measure the trained generators of one configuration: FID, KID, precision and recall, and Eq. 4, 5 and 15 with what zeros save."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    from selfsparse.compact.measure import measure_configuration_sparsity
    from selfsparse.device import any_device, enough_memory_to_measure
    from selfsparse.metrics.final_fid import measure_configuration_fid
    from selfsparse.paths import result_dir
    from selfsparse.recorded import put_back

    configuration, device = settings.configuration(name), any_device()
    for kind in ("fid", "sparsity"):  # first: whatever comes, they stay then
        put_back(result_dir(configuration.suite, kind, name))
    with enough_memory_to_measure(f"network {configuration.network_name} of {name}", settings.fid.batch_size):
        measure_configuration_fid(settings, configuration, device)
        measure_configuration_sparsity(settings, configuration, device)


if __name__ == "__main__":
    run_stage(main, argument="configuration", example="digits-16-self_sparse", description=__doc__)
