"""Pickled arrays are read, whoever wrote them; code in a pickle is not run."""

import io
import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest

from selfsparse.data.pickles import load_arrays
from selfsparse.errors import DataError


def load(data: bytes):
    return load_arrays(io.BytesIO(data), "some.pkl")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_python_3_writes(protocol):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    classes = {"n1": [0, 1], "n2": [np.int64(2)]}
    found = load(pickle.dumps({"image_data": array, "class_dict": classes}, protocol=protocol))
    assert np.array_equal(found["image_data"], array) and found["image_data"].dtype == np.uint8
    assert found["class_dict"] == classes


def test_what_python_2_and_an_old_numpy_wrote():
    """By hand, as cPickle wrote it in 2009: numpy.core.multiarray, and strings without an encoding."""
    data = bytes(range(200, 206))
    written = (
        b"\x80\x02}(U\x04data"  # {"data":
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01K\x02K\x03\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x06" + data + b"tb"
        b"U\x06labels](K\x06K\x09eu."  # "labels": [6, 9]}
    )
    found = load(written)
    assert np.array_equal(found["data"], np.arange(200, 206).reshape(2, 3)) and found["labels"] == [6, 9]


def python_2(array):
    """What cPickle's highest protocol made of {"image_data": array}."""
    size = struct.pack("<i", array.nbytes)
    return (
        b"\x80\x02}(U\nimage_data"
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01J" + size + b"\x85cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + size + array.tobytes() + b"tbu."
    )


@pytest.mark.parametrize("writer", ["Python 2", 2, 3, 4, 5])
def test_an_array_is_held_once_while_it_is_read(tmp_path, writer):
    array = np.random.default_rng(0).integers(0, 256, 6_000_001, dtype=np.uint8)
    path = tmp_path / "some.pkl"
    path.write_bytes(python_2(array) if writer == "Python 2" else pickle.dumps({"image_data": array}, protocol=writer))
    tracemalloc.start()
    try:
        with open(path, "rb") as file:
            found = load_arrays(file, "some.pkl")["image_data"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(found, array) and found.dtype == np.uint8
    assert peak < 1.6 * array.nbytes  # a byte above 127 takes two in protocol 2, a block of which is read at a time


@pytest.mark.parametrize("cut", [100, 2_000_000])
def test_a_long_text_cut_off(cut):
    data = pickle.dumps({"image_data": np.full(4_000_000, 200, np.uint8)}, protocol=2)
    with pytest.raises(DataError, match="not a pickle"):
        load(data[:-cut])


class Calls:
    """What calls a function where it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "thing",
    [
        Calls(os.system, "touch ran"),
        Calls(eval, "open('ran', 'w')"),
        Calls(getattr, "text", "upper"),
        Calls(np.load, "ran"),
        np.load,
        Calls(exec, "open('ran', 'w')"),
    ],
    ids=["system", "eval", "getattr", "numpy's load", "a function", "exec"],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_else_is_looked_up(tmp_path, monkeypatch, thing, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"some\.pkl: not a pickle of plain arrays \(asks for "):
        load(pickle.dumps({"data": thing}, protocol=protocol))
    assert not list(tmp_path.iterdir())


def test_a_nested_name_leads_nowhere():
    # Protocol 4 follows dots: numpy.ndarray.tofile would be a function that writes files.
    with pytest.raises(DataError, match=r"asks for numpy\.ndarray\.tofile"):
        load(b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.")


def test_no_codec_but_the_one_for_bytes():
    import _codecs

    with pytest.raises(DataError, match="asks for the codec zip"):
        load(pickle.dumps({"data": Calls(_codecs.encode, "x" * 10, "zip")}, protocol=2))


@pytest.mark.parametrize("data", [b"", b"nothing", pickle.dumps({"a": 1})[:-3], pickle.dumps([1])])
def test_damaged_or_no_dictionary(data):
    with pytest.raises(DataError, match=r"some\.pkl: (not a pickle|expected a pickled dictionary, found list)"):
        load(data)


@pytest.mark.parametrize("kept", [0, 1, 0.5, 0.9])
def test_a_pickle_that_is_cut_off(kept):
    """As an interrupted download leaves it."""
    data = pickle.dumps({"image_data": np.zeros((6, 84, 84, 3), np.uint8)}, protocol=4)
    with pytest.raises(DataError, match=r"name: not a pickle of plain arrays \(.+\)"):
        load_arrays(io.BytesIO(data[: kept if isinstance(kept, int) else int(kept * len(data))]), "name")
