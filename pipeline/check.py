"""Check that this machine can run one suite, before any stage starts: device, data and disk."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    from selfsparse.preflight import check_suite

    print(check_suite(settings, name))


if __name__ == "__main__":
    run_stage(main, argument="suite", example="quick", description=__doc__)
