"""FIDs by two sample counts."""

import pytest

from selfsparse.analysis.table_samples import drops_table, samples_table
from selfsparse.results.reading import load_results


def test_printed_numbers_of_two_sample_counts(project):
    table = samples_table(load_results("paper")).data
    assert table.loc[:1, "paper_decrease_percent"].round(2).tolist() == [11.93, 13.61]
    assert table.loc[2:, "paper_lower"].isna().all()
    drops = drops_table(load_results("paper")).data.set_index("configuration")["paper_drop"]
    assert drops.iloc[:2].to_dict() == pytest.approx({"stl10-64-wgan_gp": 9.65, "stl10-64-self_sparse": 9.41})
