"""Which column of a parquet file holds the images, which labels count, and what is said of files that are not whole."""

import os
import resource
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_files import encode, photograph

from selfsparse.data import celeba_hq
from selfsparse.data.parquet import count_rows, image_column, read_images, read_labels
from selfsparse.errors import DataError

KINDS = {
    "binary": pa.binary(),
    "large_binary": pa.large_binary(),
    "binary_view": pa.binary_view(),
    "struct": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    "large struct": pa.struct({"bytes": pa.large_binary(), "path": pa.large_string()}),
    "struct of views": pa.struct({"path": pa.string(), "bytes": pa.binary_view()}),
}


def column(images, kind="struct"):
    encoded = [encode(image, "PNG") for image in images]
    return pa.array([{"bytes": e, "path": "a"} for e in encoded] if "struct" in kind else encoded, KINDS[kind])


def write(path, columns, rows=2):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=rows)


@pytest.fixture
def images(rng):
    return [photograph(rng, 128, 128) for _ in range(5)]


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_of_every_kind(tmp_path, images, kind):
    write(tmp_path / "a.parquet", {"image": column(images, kind)}, rows=5)  # views in structs cannot be cut in groups
    found = read_images(tmp_path, ["a.parquet"])
    assert all(np.array_equal(*pair) for pair in zip(found, images, strict=True))


@pytest.mark.parametrize("name", ["image", "img", "Image"])
def test_the_column_of_images_among_others(project, images, name, monkeypatch, resize):
    """Masks stand before the images, as some copies of CelebA-HQ have them."""
    monkeypatch.setattr(celeba_hq, "COUNT", 5)
    masks = [255 - image for image in images]
    columns = {"annotation": column(masks), "md5": pa.array([b"0"] * 5), name: column(images)}
    write(project.raw("celeba_hq") / "train.parquet", columns)
    packed = project.prepare("celeba_hq-64")
    assert packed.manifest["column"] == name
    for found, image in zip(packed.images, images, strict=True):
        assert np.abs(found - resize(image, 64)).max() <= 1


def test_files_that_differ_in_their_column(tmp_path, images):
    write(tmp_path / "a.parquet", {"image": column(images)})
    write(tmp_path / "b.parquet", {"img": column(images)})
    found = read_images(tmp_path, ["a.parquet", "b.parquet"])
    assert all(np.array_equal(*pair) for pair in zip(found, [*images, *images], strict=True))


def test_no_column_of_images(tmp_path):
    write(tmp_path / "a.parquet", {"text": pa.array(["a"]), "label": pa.array([0])})
    with pytest.raises(DataError, match=r"a\.parquet: no column image or img among text, label; write it anew"):
        image_column(tmp_path / "a.parquet")


def test_a_row_that_holds_no_image(tmp_path):
    write(tmp_path / "a.parquet", {"image": pa.array([{"bytes": None, "path": "a.png"}], KINDS["struct"])})
    with pytest.raises(DataError, match=r"a\.parquet: row 0 names an image but does not hold it"):
        next(read_images(tmp_path, ["a.parquet"]))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pa.array([3, 1, 3]), [3, 1, 3]),
        (pa.array([3, 1, 3], pa.uint8()), [3, 1, 3]),
        (pa.array(["n02", "n01", "n02"]), ["n02", "n01", "n02"]),
        (pa.array(["n02", "n01", "n02"]).dictionary_encode(), ["n02", "n01", "n02"]),
        (pa.array(["n02", "n01", "n02"], pa.string_view()), ["n02", "n01", "n02"]),
        (pa.array([True, False, True]), [True, False, True]),
        (pa.array([b"b", b"a", b"b"]), [b"b", b"a", b"b"]),
        (pa.array([date(2020, 1, 2)] * 3), [date(2020, 1, 2)] * 3),
    ],
    ids=["numbers", "bytes of numbers", "text", "categories", "views", "truth", "binary", "dates"],
)
def test_labels_of_every_kind(tmp_path, labels, expected):
    write(tmp_path / "a.parquet", {"label": labels})
    assert read_labels(tmp_path / "a.parquet") == expected


@pytest.mark.parametrize("columns", [{"label": pa.array([1, None])}, {"other": pa.array([1, 2])}])
def test_rows_without_labels(tmp_path, columns):
    write(tmp_path / "a.parquet", columns)
    with pytest.raises(DataError, match=r"a\.parquet: expected a column 'label', of numbers or text in every row"):
        read_labels(tmp_path / "a.parquet")


@pytest.mark.parametrize("wanted", ["image", "label"])
def test_damage_after_the_first_rows(tmp_path, images, wanted):
    """The footer and the first group are whole; the second group's pages are zeros."""
    path = tmp_path / "a.parquet"
    write(path, {"image": column(images), "label": pa.array(["a", "b", "c", "d", "e"])})
    group = pq.ParquetFile(path).metadata.row_group(1)
    parts = [group.column(i) for i in range(group.num_columns)]
    with open(path, "r+b") as file:
        for part in parts:
            start = part.dictionary_page_offset or part.data_page_offset
            file.seek(start)
            file.write(bytes(part.total_compressed_size))
    with pytest.raises(
        DataError, match=r"a\.parquet: not readable as parquet \(row group 1 of 3: .+\); fetch it again"
    ):
        list(read_images(tmp_path, ["a.parquet"])) if wanted == "image" else read_labels(tmp_path / "a.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>", b"PAR1" * 100])
def test_what_is_no_parquet(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet: not readable as parquet"):
        image_column(tmp_path / "a.parquet")


def test_a_sound_file_that_cannot_be_opened_is_not_to_be_fetched_again(tmp_path, images):
    """No file may be opened: the process has as many as its limit."""
    write(tmp_path / "a.parquet", {"image": column(images)})
    assert count_rows(tmp_path, ["a.parquet"]) == len(images)
    limits, free = resource.getrlimit(resource.RLIMIT_NOFILE), os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        with pytest.raises(DataError) as caught:
            count_rows(tmp_path, ["a.parquet"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert "Too many open files" in str(caught.value) and "fetch it again" not in str(caught.value)
