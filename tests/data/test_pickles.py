"""Pickled arrays are read, whoever wrote them; code in a pickle is not run."""

import io
import os
import pickle

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
