"""Say of every claim of the paper what one suite's results make of it: results/<suite>/verdicts.json."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    settings.suite(name)

    from selfsparse.verdicts.judging import write_verdicts

    found = write_verdicts(name)
    print(f"{name}: " + ", ".join(f"{n} {word}" for word, n in found.items()))


if __name__ == "__main__":
    run_stage(main, argument="suite", example="quick", description=__doc__)
