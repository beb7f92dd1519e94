"""Files whose bytes are published: found by size and md5, by whatever name they go, gzipped or in whatever archive."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from selfsparse.data.archives import DAMAGE, Place, is_tar, members
from selfsparse.data.listing import RECORD, files_below
from selfsparse.errors import DataError, printable

DEPTH = 4  # of archives in archives: a zip that holds a .tar.gz (two) with gzipped files
BLOCK = 1 << 20
SHOWN = 5  # files that an error names
ARCHIVES = (".gz", ".tgz", ".bz2", ".xz", ".tar", ".zip")


@dataclass(frozen=True)
class Known:
    """Size in bytes and md5 of a file's content."""

    size: int
    md5: str

    def __str__(self) -> str:
        return f"{self.size:,} bytes, md5 {self.md5}"

    def problem(self, file: BinaryIO) -> str:
        """Read a file to its end, or to where it is too long, and return what is wrong with it, or ""."""
        size, md5 = _measure(file, self.size)
        if size != self.size:
            return f"it has {'more than ' * (size > self.size)}{min(size, self.size):,} bytes, expected {self.size:,}"
        return "" if md5 == self.md5 else f"its md5 is {md5}, expected {self.md5}"


def _measure(file: BinaryIO, largest: int) -> tuple[int, str]:
    """Return size and md5 of a file; of one that is larger, a size above `largest`."""
    digest, size = hashlib.md5(), 0
    while size <= largest and (block := file.read(BLOCK)):
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()


def find_known(folder: Path, wanted: Mapping[str, Known]) -> dict[str, Place]:
    """Return where in a folder each of the wanted contents is, as far as it is there.

    Files are told by their content alone. What cannot be read is passed by.
    """
    files = sorted((name, found.st_size, found.st_mtime_ns) for name, found in files_below(folder))
    return dict(_find(folder, tuple(files), tuple(wanted.items())))


@lru_cache(maxsize=8)  # it is asked for several times in a process, and hashing takes a while
def _find(folder: Path, files: tuple, wanted: tuple) -> tuple[tuple[str, Place], ...]:
    left = {known: key for key, known in wanted}
    found = {}
    for name, size, _ in files:
        if not left:
            break
        try:
            with open(folder / name, "rb") as file:
                for known, inside in _search(file, size, list(left), DEPTH):
                    if known in left:
                        found[left.pop(known)] = Place(folder / name, inside)
        except DAMAGE:
            continue
    return tuple(found.items())


def _search(
    file: BinaryIO, size: int | None, wanted: list[Known], depth: int
) -> Iterator[tuple[Known, tuple[str, ...]]]:
    """Yield what a file is, or what of it is found in the archive that it is, with the way there."""
    sizes = {known.size for known in wanted}
    if size in sizes or (size is None and not is_tar(file)):  # a tar that was compressed is read but once
        found = Known(*_measure(file, max(sizes)))
        file.seek(0)
        if found in wanted:
            yield found, ()
            return
    if not depth:
        return
    for name, inner_size, open_inner in members(file, zips=size is not None):
        if inner_size is None or inner_size in sizes or name.lower().endswith(ARCHIVES):
            with open_inner() as inner:
                for known, inside in _search(inner, inner_size, wanted, depth - 1):
                    yield known, (name, *inside)


def what_is_there(folder: Path, wanted: Mapping[str, Known]) -> list[str]:
    """Return lines that say which of the wanted contents a folder lacks, and what lies there in their place."""
    try:
        files = sorted((name, found.st_size) for name, found in files_below(folder) if name != RECORD)
    except DataError as error:
        return [f"  there:   {error}"]
    if not files:
        return []
    lines = []
    if wanted:
        found = find_known(folder, wanted)
        lines = [f"  found:   {key} in {found[key]}" for key in found]
        lines += [f"  lacking: {key} ({wanted[key]})" for key in wanted if key not in found]
        lines.append("           looked for by size and md5, under any name, compressed or in a tar or zip archive")
    shown = ", ".join(f"{printable(name)} ({size:,} bytes)" for name, size in files[:SHOWN])
    return [*lines, f"  there:   {len(files):,} files: {shown}{', ...' * (len(files) > SHOWN)}"]
