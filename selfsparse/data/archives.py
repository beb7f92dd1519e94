"""Single files out of a gzipped tar archive of somebody else's: nothing is extracted, and no name in it becomes a path.

What an archive may do to its reader is bounded: links, devices and sparse files are refused, and so are files, headers and
whole archives larger than the official ones could be (decompression bombs).
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from selfsparse.errors import DataError, printable

LARGEST_READ = 64 << 20  # bytes at once; tarfile reads extended headers as a whole, however long they say they are


class MemberReader:
    """The files of an open archive, by name."""

    def __init__(self, archive: tarfile.TarFile, largest_archive: int) -> None:
        self._archive, self._largest_archive = archive, largest_archive

    def open(self, name: str, largest: int) -> BinaryIO:
        """Return the content of the first member of this name, of at most `largest` bytes."""
        for member in self._archive:
            if member.size < 0:  # tarfile would step back to a header that it has read, without end
                raise tarfile.ReadError("a file of a negative size")
            # Before what it holds is skipped: that alone may take hours.
            if member.offset_data + member.size > self._largest_archive:
                raise tarfile.ReadError(f"larger than {self._largest_archive:,} bytes unpacked")
            if member.name != name:
                continue
            if not member.isreg() or member.issparse():
                raise tarfile.ReadError(f"{name} in it is no plain file")
            if member.size > largest:
                raise tarfile.ReadError(f"{name} in it has {member.size:,} bytes, expected at most {largest:,}")
            return self._archive.extractfile(member)
        raise tarfile.ReadError(f"there is no {name} in it")


@contextmanager
def open_tar(path: Path, largest_archive: int) -> Iterator[MemberReader]:
    """Open a .tar.gz, which may be of at most `largest_archive` bytes unpacked.

    Raises:
        DataError: also for what is wrong while its files are read inside the `with`.
    """
    try:
        with gzip.open(path) as file, tarfile.open(fileobj=_Modest(file), mode="r:") as archive:
            yield MemberReader(archive, largest_archive)
    except (OSError, EOFError, RecursionError, ValueError, tarfile.TarError, zlib.error) as error:
        raise DataError(f"{path} is damaged ({printable(str(error))}); delete it and fetch it again") from None


class _Modest:
    """A file that gives no more than LARGEST_READ bytes at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._file.read(size)
