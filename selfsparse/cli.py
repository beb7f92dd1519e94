"""What every stage script shares: its argument, where it has one, and errors without a traceback."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate

from selfsparse.config import Settings, load_settings
from selfsparse.errors import UserError
from selfsparse.files import write_problem


def run_stage(
    work: Callable[Concatenate[Settings, ...], int | None],
    *,
    description: str | None,
    argument: str | None = None,
    example: str = "",
) -> None:
    """Parse the stage's argument, call `work(settings, argument)`, or `work(settings)` without one, and exit.

    Exit codes: 0, what `work` returned, 2 for an error that the user can mend (said on stderr), 130 for Ctrl-C.
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
    try:
        code = work(load_settings(), *arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except OSError as error:  # a library's own temporary file, say
        if (reason := write_problem(error, Path(tempfile.gettempdir()))) is None:
            raise
        print(f"error: {error.filename or 'a temporary file'} could not be written: {reason}.", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code or 0)
