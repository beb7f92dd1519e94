"""Write what every stage is made from besides data: data/listings/, the user's files; data/inputs/, settings and code.

After an edit, `python -m pipeline.inputs` and then `dvc status` say which stages it makes run again.
"""

from typing import TYPE_CHECKING

from selfsparse.cli import run_stage

if TYPE_CHECKING:
    from selfsparse.config import Settings


def main(settings: "Settings") -> None:
    from selfsparse.data.listing import write_listings
    from selfsparse.inputs import write_inputs
    from selfsparse.paths import project_root

    write_listings(settings, project_root() / "data" / "listings")
    write_inputs(settings, project_root() / "data" / "inputs")


if __name__ == "__main__":
    run_stage(main, description=__doc__)
