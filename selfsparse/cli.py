"""What every stage script shares: its one argument, and errors without a traceback."""

import argparse
import sys
from collections.abc import Callable

from selfsparse.config import Settings, load_settings
from selfsparse.errors import UserError


def run_stage(
    work: Callable[[Settings, str], int | None], *, argument: str, example: str, description: str | None
) -> None:
    """Parse the stage's one argument, call `work(settings, argument)`, and exit.

    Exit codes: 0, what `work` returned, 2 for an error that the user can mend (said on stderr), 130 for Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        description=description,
        epilog=f"example: python -m {sys.modules['__main__'].__spec__.name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar=argument.upper(), help=f"{argument} as named in params.yaml, e.g. {example}")
    name = parser.parse_args().name
    try:
        code = work(load_settings(), name)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code or 0)
