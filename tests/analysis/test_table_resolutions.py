"""Datasets and resolutions."""

import math

from selfsparse.analysis.table_resolutions import resolutions_table
from selfsparse.paper.printed import printed_table
from selfsparse.results.reading import load_results


def test_images_as_printed_and_as_used(project):
    table = resolutions_table(load_results("paper")).data
    printed = printed_table("resolutions")
    assert table.loc[:11, "dataset"].tolist() == printed["dataset"].tolist()
    assert table.loc[:11, "paper_size"].tolist() == printed["printed"].tolist()
    images = table.set_index(["dataset", "resolution"])
    assert images.loc[("cifar10", 128), ["paper_images", "images"]].tolist() == [60000, 60000]
    assert images.loc[("lsun_bedroom", 64), ["paper_images", "images"]].tolist() == [3_000_000, 303_125]
    assert math.isnan(images.loc[("sketch", 128), "images"])
