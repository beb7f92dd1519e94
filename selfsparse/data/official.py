"""Files whose bytes are published: read where they lie, by themselves or packed, and checked. Nothing is extracted."""

import gzip
import hashlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from selfsparse.errors import DataError, printable

# What reading a damaged archive may raise, or one that holds a folder in place of the file.
DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, tarfile.TarError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Known:
    """Size in bytes and md5 of a file's content."""

    size: int
    md5: str

    def problem(self, file: BinaryIO) -> str:
        """Read a file to its end, or to where it is too long, and return what is wrong with it, or ""."""
        digest, size = hashlib.md5(), 0
        while size <= self.size and (block := file.read(1 << 20)):
            digest.update(block)
            size += len(block)
        if size != self.size:
            return f"it has {'more than ' * (size > self.size)}{min(size, self.size):,} bytes, expected {self.size:,}"
        return "" if digest.hexdigest() == self.md5 else f"its md5 is {digest.hexdigest()}, expected {self.md5}"


@contextmanager
def opened(path: Path, member: str = "") -> Iterator[BinaryIO]:
    """Open a file, what a .gz holds, or a member of a tar archive.

    Raises:
        DataError: also for what is found damaged while it is read inside the `with`.
    """
    try:
        if member:
            with tarfile.open(path, "r:gz") as archive:
                if not (found := archive.extractfile(member)):
                    raise ValueError(f"{member} in it is no file")
                with cast(BinaryIO, found) as file:
                    yield file
        else:
            with cast(BinaryIO, (gzip.open if path.suffix == ".gz" else open)(path, "rb")) as file:
                yield file
    except DAMAGE as error:
        raise unreadable(path, error) from None


def read_official(path: Path, member: str, known: Known, title: str) -> bytes:
    """Return the bytes of a file, or of a member of an archive, that has to be the published one.

    Raises:
        DataError: it is not; of one that is too long no more is read than of the right one.
    """
    with opened(path, member) as file:
        data = file.read(known.size + 1)
    if problem := known.problem(io.BytesIO(data)):
        raise not_official(path, member, title, problem)
    return data


def not_official(path: Path, member: str, title: str, problem: str) -> DataError:
    """Return the error of a file that is not the published one."""
    where = f"{path} ({member} in it)" if member else path
    return DataError(f"{where} is not {title}'s official file: {problem}. Move it away, and fetch it again.")


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error of a file of the user's that cannot be read, or whose content is damaged."""
    if isinstance(error, OSError) and error.errno:
        return DataError(f"{path} cannot be read ({error.strerror}); make it readable")
    return DataError(f"{path} is damaged ({printable(str(error))}); move it away, and fetch it again")
