"""Keeping a user's own settings of Matplotlib, Python and IPython out of what the project makes."""

import os

from selfsparse.paths import project_root

# Python's and IPython's start-up scripts, a matplotlibrc, and filters that hide warnings or make errors of a library's.
UNWANTED = ("MATPLOTLIBRC", "PYTHONSTARTUP", "PYTHONWARNINGS")


def ignore_user_settings() -> None:
    """Have this process, unless it has imported Matplotlib, and those that it starts take no settings of the user's.

    Matplotlib's folder of settings and caches becomes the project's, as the user's may not be writable, or hold a matplotlibrc.
    """
    for name in UNWANTED:
        os.environ.pop(name, None)
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MPLCONFIGDIR"] = str(project_root() / ".matplotlib")
