"""Make the report of a suite, a small site, from what its notebooks saved: results/<suite>/report/index.html."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    settings.suite(name)

    from selfsparse.report.site import make_report

    make_report(name)


if __name__ == "__main__":
    run_stage(main, argument="suite", example="quick", description=__doc__)
