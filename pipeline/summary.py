"""Collect what one suite has measured as small files for git: results/<suite>/summary/ and summary.json."""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings", name: str) -> None:
    from selfsparse.results.summary import summarise

    done, missing = summarise(settings, name)
    print(f"{name}: {len(done)} configurations" + (f", not run: {', '.join(missing)}" if missing else ""))


if __name__ == "__main__":
    run_stage(main, argument="suite", example="quick", description=__doc__)
