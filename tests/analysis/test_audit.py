"""The audit's tables and figures."""

import pytest

from selfsparse.analysis import audit
from selfsparse.analysis.style import rendered
from selfsparse.analysis.table import to_csv, to_latex, to_markdown

TABLES = (
    "percentages", "growth", "significance", "other_comparisons", "powers", "spread", "correlation", "samples", "baseline",
    "betas", "parameters", "findings_table",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _project(project):
    """params.yaml in the current folder: the count of parameters needs it."""


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_written_in_all_formats(name):
    table = getattr(audit, name)()
    assert len(table.data) == len(table.text) > 0
    for write in (to_csv, to_markdown, to_latex):
        assert "nan" not in write(table).lower()


def test_cells():
    row = audit.percentages().text.set_index("Printed %").loc["20.21"]
    assert row["FIDs"] == "10.42 → 8.32" and row["Printed follows by"] == "neither"
    row = audit.significance().text.set_index("Comparison").loc["CelebA-HQ 64 × 64"]
    assert row["Lower"] == "Self-Sparse GAN 15.19 ± 0.18" and row["Higher"] == "WGAN-GP 15.95 ± 0.44"


@pytest.mark.parametrize("name", ["decreases", "power_figure", "sparsity_figure"])
def test_drawings(name):
    drawing = getattr(audit, name)()
    assert drawing.alt.endswith(".") and rendered(drawing.figure)
