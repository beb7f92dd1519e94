"""Cells of the audit's tables."""

import pytest

from selfsparse.analysis import audit


@pytest.fixture(autouse=True)
def _project(project):
    """params.yaml in the current folder: the count of parameters needs it."""


def test_cells():
    row = audit.table("percentages").text.set_index("Printed %").loc["20.21"]
    assert row["FIDs"] == "10.42 → 8.32" and row["Printed follows by"] == "neither"
    row = audit.table("significance").text.set_index("Comparison").loc["CelebA-HQ 64 × 64"]
    assert row["Lower"] == "Self-Sparse GAN 15.19 ± 0.18" and row["Higher"] == "WGAN-GP 15.95 ± 0.44"
