"""What every stage script shares: its argument, where it has one, and errors without a traceback."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate

from selfsparse.environment import ignore_user_settings
from selfsparse.errors import UserError
from selfsparse.files import write_problem
from selfsparse.processes import ending_in_order

if TYPE_CHECKING:
    from selfsparse.config import Settings


def run_stage(
    work: "Callable[Concatenate[Settings, ...], int | None]",
    *,
    description: str | None,
    argument: str | None = None,
    example: str = "",
) -> None:
    """Parse the stage's argument, call `work(settings, argument)`, or `work(settings)` without one, and exit.

    Exit codes: 0, what `work` returned, 2 for an error that the user can mend (said on stderr), 130 for Ctrl-C,
    143 for SIGTERM, where `work` returned nothing else for it.
    """
    parser = argparse.ArgumentParser(
        description=description,
        epilog=f"example: python -m {sys.modules['__main__'].__spec__.name} {example}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if argument:
        parser.add_argument(
            "name", metavar=argument.upper(), help=f"{argument} as named in params.yaml, e.g. {example}"
        )
    arguments = vars(parser.parse_args()).values()

    def call() -> int | None:
        from selfsparse.config import load_settings  # after the arguments: --help need not wait for pydantic

        return work(load_settings(), *arguments)

    sys.exit(guarded(call))


def guarded(work: Callable[[], int | None]) -> int:
    """Call `work`; return its exit code, 2 for an error that the user can mend (said on stderr), 130 for Ctrl-C.

    SIGTERM, and the death of the DVC that runs this stage, end the process with exit code 143.
    """
    # Read when torch is imported: threads that wait for one another sleep. Where other programs want the cores too, the
    # default, which spins, makes small networks several times slower; the numbers are the same.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    ignore_user_settings()
    try:
        with ending_in_order():
            return work() or 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("selfsparse", "pipeline"):
            raise
        print(
            f"error: {error.name} is not installed in {sys.executable}. Run `make install`, and name its Python:"
            " .venv/bin/python, or `source .venv/bin/activate` before dvc, which takes the first python of PATH.",
            file=sys.stderr,
        )
        return 2
    except OSError as error:  # a library's own temporary file, say
        if (reason := write_problem(error, Path(tempfile.gettempdir()))) is None:
            raise
        print(f"error: {error.filename or 'a temporary file'} could not be written: {reason}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not any(kind.__module__ == "dvc.exceptions" for kind in type(error).__mro__):
            raise
        marks = " If a merge left its marks there: git checkout HEAD -- dvc.lock" if "dvc.lock" in str(error) else ""
        print(f"error: DVC says: {' '.join(str(error).split())}.{marks}", file=sys.stderr)
        return 2
