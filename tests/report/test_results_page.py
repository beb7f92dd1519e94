"""results/README.md says what the files say."""

import json

import pytest

from selfsparse.config import load_settings
from selfsparse.errors import DataError
from selfsparse.report.results_page import results_page
from selfsparse.verdicts.judging import write_verdicts


def section(text: str, suite: str) -> str:
    return text.split(f"\n## {suite}\n")[1].split("\n## ")[0]


def test_a_suite_that_ran_in_part(ran):
    """Of 33 runs the 12 of the four photos' configurations but WGAN-GP are not run, and two without CSM's diverged."""
    path = ran / "results/quick/provenance/digits-16-wgan_gp.json"
    changed = {"git_commit": "1" * 40, "uncommitted_changes": True}
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    (ran / "notebooks").mkdir()
    (ran / "results/quick/tables").mkdir()
    (ran / "results/quick/tables/README.md").touch()
    with pytest.raises(DataError, match=r"verdicts\.json is missing.*verdicts@quick"):
        results_page()
    write_verdicts("quick")
    text = results_page()
    assert "| [`quick`](#quick) | 2026-11-24 to 2026-11-25 | cpu | 88 s | 20 finished, 1 diverged, 12 not run |" in text
    found = section(text, "quick")
    assert "from commit `1111111111` and changes, `0000000000`." in found  # 7 configurations of 12.5 s: 87.5 s
    assert "On cpu, 2 CPU cores, Linux; python 3.11, torch 2.8." in found
    assert (
        "- Look at: [verdict on each claim](quick/tables/README.md#verdicts), [FIDs](quick/tables/README.md#table_fid), [tables](quick/tables).\n"
        in found
    )
    assert "- Diverged: `digits-16-without_csm` (1)." in found and "`photos-16-self_sparse` (3)" in found
    assert "- The paper's 45 claims: " in found


def test_suites_that_did_not_run_say_how_they_are_run(project):
    text = results_page()
    assert "make laptop` runs them.\n" in section(text, "laptop")
    assert "`make gpu_hour` runs them. It needs a CUDA GPU." in section(text, "gpu_hour")
    runs = sum(len(c.train.seeds) for c in load_settings().suite("sensitivity"))
    assert runs and f"| [`sensitivity`](#sensitivity) | not run | – | – | {runs} not run |" in text
