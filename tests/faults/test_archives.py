"""Hostile archives: nothing is written outside, no link is followed, and no bomb goes off."""

import gzip
import io
import tarfile
import time
import tracemalloc
import zipfile
from dataclasses import replace

import pytest

from selfsparse.data import archives, cifar10, idx, lsun
from selfsparse.data.archives import Place
from selfsparse.data.known import Known, find_known
from selfsparse.data.options import Cifar10
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


def read(path, largest=100, largest_archive=100_000) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "LARGEST_ARCHIVE", largest_archive)
        with Place(path, ("", WANTED)).open(largest) as file:
            return file.read()


def everything_below(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def folder(tmp_path):
    """A folder some way down, so that `..` would lead to a place of the test's own."""
    folder = tmp_path / "a/b/c"
    folder.mkdir(parents=True)
    return folder


def test_names_that_lead_outside_are_passed_by(folder, tmp_path):
    outside = str(tmp_path / "outside.txt")
    hostile = [
        member("../outside.txt"), member("../../../outside.txt"), member(outside), member("set/../../outside.txt"),
        member("link", b"", tarfile.SYMTYPE, str(tmp_path)), member("link/outside.txt"),
        member("hard", b"", tarfile.LNKTYPE, "/etc/passwd"), member("null", b"", tarfile.CHRTYPE),
        member("pipe", b"", tarfile.FIFOTYPE), member("folder", b"", tarfile.DIRTYPE),
    ]  # fmt: skip
    path = write_tar(folder / "set.tar.gz", [*hostile, member(WANTED)])
    assert read(path) == CONTENT
    assert everything_below(tmp_path) == ["a", "a/b", "a/b/c", "a/b/c/set.tar.gz"]


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.SYMTYPE, "other"), (tarfile.SYMTYPE, WANTED), (tarfile.LNKTYPE, "set/other"),
        (tarfile.LNKTYPE, WANTED), (tarfile.CHRTYPE, ""), (tarfile.BLKTYPE, ""), (tarfile.FIFOTYPE, ""), (tarfile.DIRTYPE, ""),
    ],
    ids=["link out", "link in", "link to itself", "hard link", "hard link to itself", "device", "disk", "pipe", "folder"],
)  # fmt: skip
def test_what_is_no_plain_file_is_refused(folder, kind, target):
    path = write_tar(folder / "set.tar.gz", [member("set/other"), member(WANTED, b"", kind, target)])
    with pytest.raises(DataError, match=r"set\.tar\.gz is damaged \(set/batch in it is no plain file\)"):
        read(path)


def zeros(path, name: str, size: int, before: list[tuple] = ()):
    """A bomb: a member of `size` zeros, which gzip packs a thousandfold."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        for info, content in before:
            file.write(info.tobuf() + content.ljust(512, b"\0"))
        info = tarfile.TarInfo(name)
        info.size = size
        file.write(info.tobuf())
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return path


def measured(work) -> tuple[float, int]:
    """Seconds and bytes of memory until `work` raises a DataError."""
    tracemalloc.start()
    begun = time.monotonic()
    with pytest.raises(DataError):
        work()
    seconds, (_, peak) = time.monotonic() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, peak


def test_a_bomb_does_not_go_off(folder):
    path = zeros(folder / "set.tar.gz", WANTED, 64 << 20)
    assert path.stat().st_size < 1 << 20
    seconds, peak = measured(lambda: read(path, largest=1000, largest_archive=10**9))
    assert seconds < 5 and peak < 8 << 20
    with pytest.raises(DataError, match=r"set/batch in it has 67,108,864 bytes, expected at most 1,000"):
        read(path, largest=1000, largest_archive=10**9)


def test_a_bomb_before_the_file_is_not_unpacked_to_pass_it_by(folder, monkeypatch):
    path = zeros(folder / "set.tar.gz", "set/other", 64 << 20)
    unpacked = 0
    really = gzip.GzipFile.read

    def counted(self, size=-1):
        nonlocal unpacked
        found = really(self, size)
        unpacked += len(found)
        return found

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    with pytest.raises(DataError, match="larger than 1,000,000 bytes unpacked"):
        read(path, largest_archive=10**6)
    assert unpacked < 1 << 20


def test_a_header_as_long_as_a_bomb(folder, monkeypatch):
    """tarfile reads an extended header as a whole, as long as it says it is."""
    monkeypatch.setattr(archives, "LARGEST_READ", 1 << 20)
    path = folder / "set.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        info = tarfile.TarInfo("@LongLink")
        info.type, info.size = tarfile.XHDTYPE, 32 << 20
        file.write(info.tobuf() + bytes(32 << 20))
    seconds, peak = measured(lambda: read(path, largest_archive=10**9))
    assert seconds < 5 and peak < 8 << 20


def test_headers_without_end(folder):
    path = folder / "set.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        info = tarfile.TarInfo("@LongLink")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2
        file.write((info.tobuf() + b"a".ljust(512, b"\0")) * 3000)
    with pytest.raises(DataError, match=r"set\.tar\.gz is damaged"):
        read(path)


def test_a_size_below_zero(folder, monkeypatch):
    """Which leads tarfile from a header back to the same header, for ever."""
    info = tarfile.TarInfo("set/other")
    header = bytearray(info.tobuf())
    header[124:136] = (256**12 - 512).to_bytes(12, "big")  # -512, as GNU's tar writes what octal digits cannot
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = folder / "set.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(header) + bytes(1024)))
    really, headers = tarfile.TarFile.next, []

    def counted(self):
        headers.append(self.offset)
        return really(self) if len(headers) < 100 else pytest.fail("it goes round in circles")

    monkeypatch.setattr(tarfile.TarFile, "next", counted)
    with pytest.raises(DataError, match=r"set\.tar\.gz is damaged \(a file of a negative size\)"):
        read(path)


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"", mtime=0), gzip.compress(b"no tar" * 200, mtime=0)]
)
def test_what_is_no_archive(folder, content):
    path = folder / "set.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"set\.tar\.gz is damaged \(.+\); move it away, and fetch it again"):
        read(path)


def test_a_batch_of_cifar10_that_is_a_bomb(folder):
    """Its md5 would show only once all of it is in memory."""
    path = zeros(folder / cifar10.ARCHIVE, f"{cifar10.FOLDER}/data_batch_1", 96 << 20)
    assert path.stat().st_size < 1 << 20
    seconds, peak = measured(lambda: cifar10.read("cifar10", folder, Cifar10(download=False, split="all")))
    assert seconds < 5 and peak < 8 << 20


def test_an_idx_file_that_is_a_bomb_is_unpacked_no_further_than_the_right_one(folder, monkeypatch):
    monkeypatch.setitem(
        idx.SETS, "mnist", replace(idx.SETS["mnist"], contents=dict.fromkeys(idx.MAGIC, Known(1000, "")))
    )
    for name in (idx.IMAGES, idx.LABELS):
        with gzip.open(folder / f"{name}.gz", "wb", compresslevel=1) as file:
            for _ in range(64):
                file.write(bytes(1 << 20))
    seconds, peak = measured(lambda: idx.read("mnist", folder, None))
    assert seconds < 5 and peak < 8 << 20
    with pytest.raises(DataError, match="is not MNIST's official file: it has more than 1,000 bytes, expected 1,000"):
        idx.read("mnist", folder, None)


@pytest.mark.parametrize("form", ["gz", "tar.gz", "zip", "zip.gz", "tar.xz"])
def test_bombs_where_known_bytes_are_looked_for(folder, tmp_path, form):
    """Compressed or in archives, of a size that is another or the wanted one in the directory alone."""
    inner = tmp_path / "bomb"
    with open(inner, "wb") as file:
        file.truncate(24 << 20)
    path = folder / f"anything.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(inner, "a.gz")
    elif form.startswith("tar"):
        with tarfile.open(path, f"w:{form[4:]}") as archive:
            archive.add(inner, "a.gz")
    else:
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write((b"PK\3\4" if form == "zip.gz" else b"") + inner.read_bytes())
    tracemalloc.start()
    begun = time.monotonic()
    assert find_known(folder, {"a": Known(1000, "0" * 32)}) == {}
    assert time.monotonic() - begun < 5 and tracemalloc.get_traced_memory()[1] < 12 << 20
    tracemalloc.stop()


def unpack(folder, write):
    """Unpack an archive of LSUN's that `write` filled; the checksum that would refuse it stands before this step."""
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    lsun._unpack(path, folder / "bedroom/data.mdb")


def test_a_zip_with_names_that_lead_outside(folder, tmp_path):
    def write(archive):
        for name in ("../outside.txt", str(tmp_path / "outside.txt"), "bedroom/../../outside.txt", "..\\outside.txt"):
            archive.writestr(name, "outside")
        link = zipfile.ZipInfo("bedroom/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(tmp_path))
        archive.writestr("bedroom/data.mdb", CONTENT)

    unpack(folder, write)
    assert (folder / "bedroom/data.mdb").read_bytes() == CONTENT
    assert everything_below(tmp_path) == [
        "a",
        "a/b",
        "a/b/c",
        "a/b/c/bedroom",
        "a/b/c/bedroom/data.mdb",
        "a/b/c/set.zip",
    ]


def test_a_link_in_a_zip_becomes_no_link(folder):
    def write(archive):
        link = zipfile.ZipInfo("bedroom/data.mdb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")

    unpack(folder, write)
    assert not (folder / "bedroom/data.mdb").is_symlink()
    assert (folder / "bedroom/data.mdb").read_bytes() == b"/etc/passwd"


def test_a_zip_that_is_a_bomb(folder):
    with pytest.raises(
        DataError, match=r"set\.zip is damaged \(bedroom/data\.mdb in it says that it has 33,554,432 bytes\)"
    ):
        unpack(folder, lambda archive: archive.writestr("bedroom/data.mdb", bytes(32 << 20)))
    assert everything_below(folder) == ["set.zip"]
