"""Measure the trained generators of one configuration: FID, KID, precision and recall, and Eq. 4, 5 and 15 with what zeros save."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> int:
    from selfsparse.paths import result_dir
    from selfsparse.recorded import put_back

    configuration = settings.configuration(name)
    for kind in ("fid", "sparsity"):  # first: whatever comes, they stay then
        put_back(result_dir(configuration.suite, kind, name))

    from selfsparse.compact.measure import SPARSITIES
    from selfsparse.device import any_device
    from selfsparse.metrics.final import measure_configuration
    from selfsparse.metrics.final_fid import FIDS

    return measure_configuration(settings, configuration, any_device(), (FIDS, SPARSITIES))


if __name__ == "__main__":
    run_stage(main, argument="configuration", example="digits-16-self_sparse", description=__doc__)
