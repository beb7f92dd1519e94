"""Single files out of archives of somebody else's: nothing is extracted, and no name in one becomes a path.

What an archive may do to its reader is bounded: links, devices and sparse files are refused, and so are files, headers and
whole archives larger than the official ones could be (decompression bombs).
"""

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from selfsparse.errors import DataError, printable

LARGEST_READ = 64 << 20  # bytes at once; tarfile reads extended headers as a whole, however long they say they are
LARGEST_ARCHIVE = 10**10  # bytes unpacked; STL-10's, the largest that is read, has a third of that
COMPRESSED: dict[bytes, Callable[[Any], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
# What reading a damaged archive, or one of a kind that Python cannot read, may raise.
DAMAGE = (
    OSError, EOFError, ValueError, RuntimeError, KeyError,
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a file is to be read: by itself, or in archives.

    Attributes:
        path: the file on the disk.
        inside: the way on into it, the names of a member each; "" for what a compressed file holds.
    """

    path: Path
    inside: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = [name for name in self.inside if name]
        return str(self.path) + (f" ({printable(' in '.join(reversed(names)))} in it)" if names else "")

    @contextmanager
    def open(self, largest: int) -> Iterator[BinaryIO]:
        """Open it, where in an archive it may have at most `largest` bytes.

        Raises:
            DataError: also for what is wrong with the archive while it is read inside the `with`.
        """
        try:
            with ExitStack() as stack:
                file: BinaryIO = stack.enter_context(open(self.path, "rb"))
                for i, name in enumerate(self.inside):
                    limit = largest if i + 1 == len(self.inside) else LARGEST_ARCHIVE
                    file = stack.enter_context(_enter(file, name, limit))
                yield file
        except DAMAGE as error:
            raise unreadable(self.path, error) from None

    def read(self, largest: int) -> bytes:
        """Return its bytes, of one that is larger the first `largest` and one more."""
        with self.open(largest) as file:
            return file.read(largest + 1)


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error of a file of the user's that cannot be read, or whose content is damaged."""
    if isinstance(error, OSError) and error.errno:
        return DataError(f"{path} cannot be read ({error.strerror}); make it readable")
    return DataError(f"{path} is damaged ({printable(str(error))}); move it away, and fetch it again")


def members(file: BinaryIO, zips: bool = True, wanted: str = "") -> Iterator[tuple[str, int | None, Callable[[], Any]]]:
    """Yield name, size and a way to open each of the files that an archive holds; nothing for any other file.

    A compressed file holds one, of no name and of a size that is not known before it was read.

    Args:
        zips: False for a compressed file: a zip's directory stands at its end, and all before it would have to be unpacked.
        wanted: of a tar, the one file that is asked for, which has to be a plain one.
    """
    start = _start(file)
    if opener := next((opener for magic, opener in COMPRESSED.items() if start.startswith(magic)), None):
        yield "", None, lambda: opener(file)
    elif zips and start.startswith(b"PK\3\4"):
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, partial(archive.open, info)
    elif is_tar(file):
        with tarfile.open(fileobj=_Modest(file), mode="r:") as archive:  # type: ignore[call-overload]
            for member in _plain_members(archive, wanted):
                yield member.name, member.size, partial(archive.extractfile, member)


def is_tar(file: BinaryIO) -> bool:
    """Whether an open file is a tar archive, by its first header."""
    return _start(file)[257:262] == b"ustar"


def _start(file: BinaryIO) -> bytes:
    start = file.read(512)
    file.seek(0)
    return start


@contextmanager
def _enter(file: BinaryIO, name: str, largest: int) -> Iterator[BinaryIO]:
    """Open a member of an archive, or what a compressed file holds."""
    for own, size, open_member in members(file, wanted=name):
        if own == name:
            if size is not None and size > largest:
                raise tarfile.ReadError(f"{name} in it has {size:,} bytes, expected at most {largest:,}")
            with open_member() as inner:
                yield inner
            return
    raise tarfile.ReadError(f"there is no {name} in it" if name else "not compressed as its name says")


def _plain_members(archive: tarfile.TarFile, wanted: str) -> Iterator[tarfile.TarInfo]:
    """Yield the plain files of an archive, or only the first of a name, which has to be one."""
    for member in archive:
        if member.size < 0:  # tarfile would step back to a header that it has read, without end
            raise tarfile.ReadError("a file of a negative size")
        # Before what it holds is skipped: that alone may take hours.
        if member.offset_data + member.size > LARGEST_ARCHIVE:
            raise tarfile.ReadError(f"larger than {LARGEST_ARCHIVE:,} bytes unpacked")
        if wanted and member.name != wanted:
            continue
        if member.isreg() and not member.issparse():
            yield member
        elif wanted:
            raise tarfile.ReadError(f"{wanted} in it is no plain file")


class _Modest:
    """A file that gives no more than LARGEST_READ bytes at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._file.read(size)
