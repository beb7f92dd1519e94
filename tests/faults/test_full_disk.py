"""A disk that is full at any moment: one error that names the file, what was there stays, and no half file has a name."""

import errno
import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from small_project import CONFIGURATION, ROOT, command, files, run

from selfsparse.errors import WriteError
from selfsparse.files import atomic_path, write_text
from selfsparse.made_from import ANEW


def train(settings, name):
    import torch

    from selfsparse.training.loop import train_runs

    shutil.rmtree(".checkpoints", ignore_errors=True)
    train_runs(settings, settings.configuration(name), [0], torch.device("cpu"))


def report(settings, name):
    """What is written of an executed notebook, and the pages that are made of it."""
    import nbformat
    from matplotlib.figure import Figure

    from selfsparse.analysis.page import Page
    from selfsparse.analysis.style import Drawing
    from selfsparse.analysis.table import Table, number
    from selfsparse.report import notebooks
    from selfsparse.report.site import make_report
    from selfsparse.results.reading import load_results

    page = Page(load_results(name), "table_fid")
    table = page.table("fid", Table([{"fid": 1.0}], {"FID": number("fid")}, "A table."))
    cell = nbformat.v4.new_code_cell("1", id="shown")
    data, about = table._repr_mimebundle_()
    cell.outputs = [nbformat.v4.new_output("display_data", data=data, metadata=about)]
    png, about = page.image(Drawing("fid", Figure(), "A figure."))._repr_png_()
    figure = {"data": {"image/png": png}, "metadata": {"image/png": about}}
    cell.outputs.append(nbformat.v4.new_output("display_data", **figure))
    Path("notebooks").mkdir(exist_ok=True)
    Path("notebooks/table_fid.ipynb").write_bytes((ROOT / "notebooks/table_fid.ipynb").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            notebooks,
            "execute",
            lambda name, suite: nbformat.v4.new_notebook(cells=[cell], metadata={"language_info": {"name": "python"}}),
        )
        notebooks.make_notebook("table_fid", name)
        make_report(name)


def export(settings, name):
    from selfsparse.hub.export import export_run

    export_run(settings.configuration(name), 0, "best", Path("models/digits").resolve())


def stages() -> dict:
    from pipeline import correlation, data, extractor, inputs, measure, reference, summary, verdicts

    return {
        "inputs": lambda settings, name: inputs.main(settings),
        "data": data.main,
        "extractor": extractor.main,
        "reference": reference.main,
        "train": train,
        "measure": measure.main,
        "export": export,
        "correlation": correlation.main,
        "summary": summary.main,
        "verdicts": verdicts.main,
        "report": report,
    }


TIMES = ("results/quick/latency/", "results/quick/provenance/")
NAMES = {"data": "digits-16", "extractor": "digits-16-lenet", "reference": "digits-16-lenet"}
NAMES |= dict.fromkeys(("train", "measure", "export"), CONFIGURATION)


class Disk:
    """Counts the files that are written to the end, and is full from the `room`-th on."""

    def __init__(self, monkeypatch):
        self.written, self.room, self._fsync = 0, None, os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, number):
        self.written += 1
        if self.room is not None and self.written > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fsync(number)


def kept(folder) -> dict[str, bytes]:
    """All files but the states of a run that goes on, and what holds times, which a stopwatch or a clock took."""
    return {name: data for name, data in files(folder).items() if not name.startswith((".checkpoints", *TIMES))}


@pytest.mark.slow
def test_every_stage_on_a_disk_that_fills_up(small, monkeypatch, keep_signals):
    """Stages are deterministic: a file that was written anew has the old bytes, and any other difference is a loss."""
    from selfsparse.config import load_settings

    settings, disk = load_settings(), Disk(monkeypatch)
    monkeypatch.setenv(ANEW, "1")  # else a stage that has its results writes none
    tried = 0
    for stage, work in stages().items():
        disk.room = None
        if stage == "inputs":  # which leaves what is the same as it is
            work(settings, "quick")
        disk.written = 0
        work(settings, NAMES.get(stage, "quick"))
        needed, before = disk.written, kept(small)
        assert needed, stage
        for room in sorted({0, needed // 2, needed - 1}):
            disk.written, disk.room = 0, room
            with pytest.raises(WriteError) as caught:
                work(settings, NAMES.get(stage, "quick"))
            message = str(caught.value)
            assert "could not be written: No space left on device" in message and str(small) in message
            assert "Make room there, then run the same command again" in message and len(message.splitlines()) == 1
            assert kept(small) == before, (stage, room)
            assert not list(small.rglob("*.partial")), (stage, room)
            tried += 1
    assert tried >= 2 * len(stages())


def limited(project, size: int, *arguments: str) -> subprocess.CompletedProcess:
    """Run a stage that may write no file of more than `size` bytes: the system then answers as a full disk does."""
    limit = (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    return subprocess.run(
        **command(project, *arguments),
        capture_output=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )


@pytest.mark.slow
def test_packed_images_from_the_command_line(small):
    before = files(small)
    found = limited(small, 100_000, "pipeline.data", "digits-16")
    assert found.returncode == 2 and "Traceback" not in found.stderr
    assert found.stderr.startswith("error: ") and "images.npy" in found.stderr and "File too large" in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert files(small) == before


@pytest.mark.slow
def test_a_training_whose_states_find_no_room_goes_on_when_there_is_some(small):
    found = limited(small, 5_000, "pipeline.train", CONFIGURATION)
    assert found.returncode == 2 and "Traceback" not in found.stderr
    assert "state-000001.pt could not be written: File too large" in found.stderr
    assert (
        not list(small.rglob("*.partial")) and not list(small.rglob("state-*.pt")) and not list(small.rglob("run.json"))
    )
    found = run(small, "pipeline.train", CONFIGURATION)
    assert found.returncode == 0, found.stderr


def test_a_disk_that_may_not_be_written(tmp_path, monkeypatch):
    """As root may write everywhere, the system's answer is made up."""

    def refused(*arguments, **keywords):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / ".file.1.partial"))

    write_text(tmp_path / "file", "old")
    with (
        pytest.raises(WriteError, match=rf"Permission denied\. Make {tmp_path} writable"),
        atomic_path(tmp_path / "file"),
    ):
        refused()
    assert (tmp_path / "file").read_text() == "old"


def test_an_error_of_another_kind_stays_what_it_is(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "file"):
        (tmp_path / "gone").read_text()
    with pytest.raises(PermissionError), atomic_path(tmp_path / "file"):
        raise PermissionError(errno.EACCES, "an image of the user's that cannot be read", "/elsewhere/1.png")
