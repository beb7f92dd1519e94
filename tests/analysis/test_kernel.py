"""Which warnings count as the analysis's own, and what start-up scripts leave behind."""

import logging
import os
import sys
import threading
import warnings

import matplotlib as mpl
import pandas as pd
import pytest

from selfsparse.analysis import kernel, style
from selfsparse.environment import ignore_user_settings

LIBRARY = """
import logging, warnings
def said(): logging.getLogger("a.library").warning("building the font cache")
def warned(): warnings.warn("mean of nothing", RuntimeWarning, stacklevel=2)
said(); warned()
"""


@pytest.fixture
def analysis(tmp_path, monkeypatch):
    """Run lines as a module of the analysis would, in a prepared kernel with a library that can be imported."""
    (tmp_path / "noisy_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        kernel.prepare()
        yield lambda lines: exec(lines, {"__name__": "selfsparse.analysis.made_up"})
        logging.captureWarnings(False)
    sys.modules.pop("noisy_library", None)


def test_what_a_library_says_while_it_is_imported_is_no_warning_of_ours(analysis, capsys):
    analysis("import noisy_library")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("call", "said"), [("said", "building the font cache"), ("warned", "mean of nothing")])
def test_what_a_library_warns_of_when_the_analysis_calls_it_is(analysis, capsys, call, said):
    analysis(f"import noisy_library; noisy_library.{call}()")
    err = capsys.readouterr().err
    assert err.startswith(kernel.WARNING) and said in err and err.count(kernel.WARNING) == 1


def test_what_a_thread_of_a_library_says_is_not(analysis, capsys):
    analysis("import noisy_library")
    thread = threading.Thread(target=sys.modules["noisy_library"].said)
    thread.start()
    thread.join()
    assert capsys.readouterr() == ("", "")


def test_a_kernel_starts_from_the_defaults_of_pandas(monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with pd.option_context("display.precision", 1):
        kernel.prepare()
        logging.captureWarnings(False)
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
