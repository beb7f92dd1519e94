"""Archives of somebody else's: nothing is written outside, and of a file that is too long no more is read than of the right one."""

import gzip
import io
import tarfile
import tracemalloc

import pytest

from selfsparse.data.official import Known, opened, read_official
from selfsparse.errors import DataError

WANTED = "set/batch"
CONTENT = b"the official content"


def member(name: str, content: bytes = CONTENT, kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(content)
    return info, content


def write_tar(path, members: list[tuple]):
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def test_names_that_lead_outside_are_passed_by(tmp_path):
    folder = tmp_path / "a/b/c"
    folder.mkdir(parents=True)
    hostile = [
        member("../outside.txt"), member("../../../outside.txt"), member(str(tmp_path / "outside.txt")),
        member("link", b"", tarfile.SYMTYPE, str(tmp_path)), member("link/outside.txt"),
        member("hard", b"", tarfile.LNKTYPE, "/etc/passwd"), member("pipe", b"", tarfile.FIFOTYPE),
    ]  # fmt: skip
    path = write_tar(folder / "set.tar.gz", [*hostile, member(WANTED)])
    with opened(path, WANTED) as file:
        assert file.read() == CONTENT
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == [
        "a", "a/b", "a/b/c", "a/b/c/set.tar.gz",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "target"),
    [(tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "set/other"), (tarfile.CHRTYPE, ""), (tarfile.DIRTYPE, "")],
    ids=["link out", "hard link", "device", "folder"],
)
def test_what_is_no_file_of_the_archive_is_refused(tmp_path, kind, target):
    path = write_tar(tmp_path / "set.tar.gz", [member(WANTED, b"", kind, target)])
    said = r"set\.tar\.gz is damaged \([\w \"./,'-]+\); move it away"  # one line, in words
    with pytest.raises(DataError, match=said), opened(path, WANTED) as file:
        file.read()


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"", mtime=0), gzip.compress(b"no tar" * 200, mtime=0)]
)
def test_what_is_no_archive(tmp_path, content):
    path = tmp_path / "set.tar.gz"
    path.write_bytes(content)
    with (
        pytest.raises(DataError, match=r"set\.tar\.gz is damaged \([\w \"./,'-]+\); move it away"),
        opened(path, WANTED),
    ):
        pass


@pytest.mark.parametrize("packed", ["gz", "tar.gz"])
def test_a_bomb_does_not_go_off(tmp_path, packed):
    """Its md5 would show only once all of it is in memory."""
    path = tmp_path / f"set.{packed}"
    with gzip.open(path, "wb", compresslevel=1) as file:
        if packed == "tar.gz":
            info = tarfile.TarInfo(WANTED)
            info.size = 64 << 20
            file.write(info.tobuf())
        for _ in range(64):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(
        DataError, match=r"is not Set's official file: it has more than 1,000 bytes, expected 1,000\. Move"
    ):
        read_official(path, WANTED if packed == "tar.gz" else "", Known(1000, ""), "Set")
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
