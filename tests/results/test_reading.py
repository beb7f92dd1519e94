"""The rows of a configuration: those that a comparison with its name finds, with one pass through a table for all of them."""

import pandas as pd

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
