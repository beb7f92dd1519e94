"""The paper's tables of networks against built networks, and the diagrams drawn from them."""

import warnings

import pytest

from selfsparse.analysis import architecture_drawings as drawings
from selfsparse.analysis import architecture_tables as tables
from selfsparse.analysis.style import rendered
from selfsparse.analysis.table import to_csv, to_latex, to_markdown
from selfsparse.config import load_settings
from selfsparse.results.reading import load_results


@pytest.fixture(autouse=True)
def _project(project):
    """params.yaml in the current folder."""


@pytest.mark.slow
def test_every_printed_row_agrees_but_one():
    table = tables.agreement_table().data
    assert list(dict.fromkeys(table["table"])) == [
        *(f"Table {n}" for n in ("5", "6", "A1", "A2", "A3", "A4", "B1", "B2", "B3", "C1", "C2", "C3", "D1", "D2", "D3", "D4"))
    ]  # fmt: skip
    assert table.loc[table["differ"] != "", ["table", "differ"]].values.tolist() == [["Table D3", "f 3"]]  # U22
    assert table.loc[table["not_printed"] > 0, "table"].tolist() == ["Table 6"]  # U27
    for row in table.itertuples():
        assert not row.printed_image or row.table == "Table 5" or row.image.rsplit("×", 1)[0] in row.printed_image
        assert not row.printed_latent or str(row.latent) in row.printed_latent


def test_another_network_does_not_agree():
    other = load_settings().configuration("fashion_mnist-128-self_sparse")
    found = tables.printed_and_built("A3", other)
    assert (found["agrees"] == "no").sum() == 8  # four of five widths, in both networks
    baseline = load_settings().configuration("mnist-128-wgan_gp")
    found = tables.printed_and_built("A3", baseline)
    assert found.loc[found["agrees"] == "no", "part"].tolist() == ["generator"] * 5
    assert (tables.printed_and_built("C3", other)["agrees"] == "no").any()


@pytest.mark.parametrize("name", ["T5", "T6", "A1", "D3"])
def test_a_table_in_all_formats(name):
    table = tables.architecture_table(name)
    assert len(table.data) == len(table.text) > 0
    assert "nan" not in to_csv(table) + to_markdown(table) + to_latex(table)
    assert "→" not in to_latex(table)


def test_the_sentence():
    assert "Not as printed: Table D3, f 3." in tables.agreement().data


@pytest.mark.parametrize("suite", ["quick", "paper"])
@pytest.mark.slow
def test_diagrams(suite):
    c = drawings.drawn(load_results(suite))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [make(c) for make in (drawings.generator_diagram, drawings.sastm_diagram, drawings.stage_diagram)]
        assert all(rendered(d.figure) for d in found)
    assert found[0].alt.count("SASTM") == len(c.network.generator_widths)
    assert found[0].alt.count("DeConv") == len(c.network.generator_widths) + 1
