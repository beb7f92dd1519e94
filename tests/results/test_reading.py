"""The rows of a configuration: those that a comparison with its name finds, with one pass through a table for all of them."""

import pandas as pd
import pytest

from selfsparse.errors import DataError
from selfsparse.results.reading import load_results


def test_a_table_is_gone_through_once_for_all_configurations(monkeypatch):
    results, passes, groupby = load_results("quick"), [], pd.DataFrame.groupby

    def counted(self, *arguments, **options):
        passes.append(len(self))
        return groupby(self, *arguments, **options)

    monkeypatch.setattr(pd.DataFrame, "groupby", counted)
    tables = (results.runs, results.fid, results.curves)
    assert len(results.configurations) > 10
    for c in results.configurations:
        for table in tables:
            pd.testing.assert_frame_equal(results.rows(table, c), table[table["configuration"] == c.name])
        assert results.count(c).finished == len(results.finished(results.runs, c)) == 3
    assert passes == [len(table) for table in tables]
    assert results.rows(results.runs.iloc[:0], results.configurations[0]).empty


def merged(path):
    """As git leaves a file of which two sides changed the same lines."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    last = lines[-1]
    path.write_text(
        "".join([*lines[:-1], "<<<<<<< HEAD\n", last, "=======\n", last, ">>>>>>> other\n"]), encoding="utf-8"
    )


@pytest.mark.parametrize(
    "name",
    ["summary/fid.csv", "summary/runs.csv", "summary/curves.csv", "provenance/{}.json", "summary/extractors.json"],
)
def test_both_sides_of_a_merge_are_no_results(ran, name):
    """The rows of both would count: twice as many runs as there were."""
    path = ran / "results/quick" / name.format(load_results("quick").configurations[0].name)
    if not path.is_file():
        path.write_text('{\n  "a": "lenet"\n}\n', encoding="utf-8")
    merged(path)
    with pytest.raises(
        DataError, match=rf"{path.name} is damaged .*: git checkout HEAD -- .*, or make it anew with: dvc repro -f -s"
    ):
        load_results("quick")


def test_rows_that_are_there_twice_or_in_part(ran):
    """As where git was told to keep the lines of both sides (merge=union), or a disk was full."""
    path = ran / "results/quick/summary/fid.csv"
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    changed = lines[1].rpartition(",")[0] + ",0.5\n"
    for damaged, said in (
        ([*lines, changed], f"the row of line {len(lines) + 1} is there twice"),
        ([*lines[:-1], lines[-1][:20]], f"line {len(lines)} is no row of "),
        ([], "not enough values"),
    ):
        path.write_text("".join(damaged), encoding="utf-8")
        with pytest.raises(DataError, match=said):
            load_results("quick")
    path.write_text(text, encoding="utf-8")
    assert not load_results("quick").fid.empty
