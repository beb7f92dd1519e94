"""The same stage twice at once, by hand: each file is written whole, so that whoever comes last changes nothing."""

import subprocess

import pytest
from small_project import CONFIGURATION, SMALL, command, files, run, write_project


def at_once(project, *arguments: str) -> None:
    processes = [subprocess.Popen(**command(project, *arguments), stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0 and "Traceback" not in said, said


@pytest.mark.slow
def test_three_at_the_same_data_and_the_same_fid(small, tmp_path):
    once = write_project(tmp_path / "once", SMALL)
    assert run(once, "pipeline.data", "digits-16").returncode == 0
    fresh = write_project(tmp_path / "fresh", SMALL)
    at_once(fresh, "pipeline.data", "digits-16")
    assert files(fresh) == files(once)

    assert run(small, "pipeline.train", CONFIGURATION).returncode == 0
    assert run(small, "pipeline.measure", CONFIGURATION).returncode == 0
    before = files(small)
    at_once(small, "pipeline.measure", CONFIGURATION)
    assert files(small) == before
