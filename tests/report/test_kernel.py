"""Which warnings end a notebook, and what start-up scripts leave behind."""

import os
import sys
import warnings

import matplotlib as mpl
import pandas as pd
import pytest

from selfsparse.analysis import style
from selfsparse.environment import ignore_user_settings
from selfsparse.report import kernel

LIBRARY = "import warnings\ndef warned(): warnings.warn('mean of nothing', RuntimeWarning, stacklevel=2)\nwarned()\n"


@pytest.fixture
def prepared():
    """A kernel's process before its first cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        kernel.prepare()
        yield


@pytest.mark.filterwarnings("ignore")
def test_a_warning_of_the_analysis_or_of_a_cell_is_an_error_and_a_librarys_own_is_none(prepared, tmp_path, monkeypatch):
    (tmp_path / "noisy_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    exec("import noisy_library", {"__name__": "selfsparse.analysis.made_up"})  # warns of a line of its own
    for name in ("selfsparse.analysis.made_up", "__main__"):
        with pytest.raises(RuntimeWarning, match="mean of nothing"):
            exec("import noisy_library; noisy_library.warned()", {"__name__": name})
    sys.modules.pop("noisy_library")


def test_a_kernel_starts_from_the_defaults_of_pandas():
    with warnings.catch_warnings(), pd.option_context("display.precision", 1):
        kernel.prepare()
        assert pd.get_option("display.precision") == 6


def test_figures_start_from_the_defaults_of_matplotlib():
    with mpl.rc_context({"xtick.direction": "in", "text.usetex": True, "lines.linewidth": 5}):
        with style.styled():
            found = {key: mpl.rcParams[key] for key in ("xtick.direction", "text.usetex", "lines.linewidth")}
        assert found == {"xtick.direction": "out", "text.usetex": False, "lines.linewidth": style.RC["lines.linewidth"]}
        assert mpl.rcParams["lines.linewidth"] == 5  # the user's own figures keep theirs


def test_a_stage_takes_neither_the_backend_nor_the_folder_of_the_user(project, monkeypatch):
    for name in ("MPLBACKEND", "MPLCONFIGDIR", "MATPLOTLIBRC", "PYTHONSTARTUP", "PYTHONWARNINGS"):
        monkeypatch.setenv(name, "the user's")
    ignore_user_settings()
    assert not {"MATPLOTLIBRC", "PYTHONSTARTUP", "PYTHONWARNINGS"} & os.environ.keys()
    assert (os.environ["MPLBACKEND"], os.environ["MPLCONFIGDIR"]) == ("agg", str(project / ".matplotlib"))
