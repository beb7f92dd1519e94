"""LSUN's scenes: an lmdb of JPEG or WebP images, a folder of images, or parquet."""

import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from selfsparse.data import downloads
from selfsparse.data.downloads import check_file, fetch, fetch_dataset, provenance, require_space
from selfsparse.data.folders import has_images, images_in
from selfsparse.data.images import Source, decode
from selfsparse.data.listing import RECORD
from selfsparse.data.options import Lsun
from selfsparse.data.registry import DATASETS
from selfsparse.errors import DataError, printable

LARGEST_UNPACKED = 10  # times the archive: its images are compressed already
PER_OPENING = 10_000  # images between two openings of an lmdb: what was read of it counts as memory until it is closed
PART_BYTES = 4_760_000_000  # of the smaller copy


@dataclass(frozen=True)
class Scene:
    """One of LSUN's training sets, as datasets.toml declares it."""

    lmdb: str  # its database's folder, and the archive without `.zip`
    count: int  # of its images
    zip_size: int
    zip_sha256: str
    repository: tuple[str, int] | None = None  # a Hugging Face dataset with a part of it, and how many images that has

    @property
    def url(self) -> str:
        """Address of the archive."""
        return f"http://dl.yf.io/lsun/scenes/{self.lmdb}.zip"


SCENES = {name: Scene(count=entry.count, **entry.facts) for name, entry in DATASETS.items() if "lmdb" in entry.facts}


def find(name: str, folder: Path) -> bool:
    """Whether an lmdb, parquet files or images are there; an lmdb without its package is a DataError."""
    if _lmdb(name, folder):
        _import_lmdb(folder)
        return True
    return has_images(folder)


def count(name: str, options: Lsun) -> int:
    """Return how many images are asked for."""
    return SCENES[name].count if options.images == "all" else options.images


def room(name: str, options: Lsun) -> int:
    """Return how many bytes a download takes at its peak, roughly."""
    return PART_BYTES if takes_part(name, options) else int(2.25 * SCENES[name].zip_size)


def takes_part(name: str, options: Lsun) -> bool:
    """Whether a download would fetch the smaller copy that has as many images as the settings ask for."""
    repository = SCENES[name].repository
    return repository is not None and options.images != "all" and options.images <= repository[1]


def download(name: str, folder: Path, options: Lsun, by_hand: str) -> None:
    """Fetch the smaller copy where it has enough images, and the whole archive otherwise, of which only the lmdb stays.

    An archive that the user placed there is checked and unpacked, and stays.
    """
    scene = SCENES[name]
    if takes_part(name, options):
        fetch_dataset(scene.repository[0], folder, patterns=["*.parquet"], by_hand=by_hand)
        return
    _import_lmdb(folder)  # before hours of downloading, not after
    archive, database = folder / f"{scene.lmdb}.zip", folder / scene.lmdb / "data.mdb"
    if database.is_file():  # ours is noted as complete once it has this name
        raise DataError(
            f"{database} is there, but a download into {folder} did not finish: delete {folder / RECORD} to use the"
            " database as it is,\nor move it away, so that the download can go on"
        )
    ours = not archive.is_file() or downloads.fetched(folder, [archive.name])
    if not ours:
        check_file(archive, size=scene.zip_size, sha256=scene.zip_sha256)
    if not archive.is_file():
        # The archive and what comes out of it lie side by side for a while.
        require_space(folder, room(name, options), f"LSUN's {scene.lmdb} to download and unpack")
    names = [f"{scene.lmdb}/data.mdb", *([archive.name] if ours else [])]
    downloads.begin_record(folder, scene.url, f"sha256 {scene.zip_sha256}", True, names)
    if ours:
        fetch([scene.url], archive, size=scene.zip_size, sha256=scene.zip_sha256)
        downloads.note_fetched(folder, archive.name)
    _unpack(archive, database)
    downloads.finish_record(folder)
    if ours:
        archive.unlink()


def read(name: str, folder: Path, options: Lsun) -> Source:
    """The first `options.images` images, or all, RGB, in the order of their keys (lmdb), rows or paths.

    Raises:
        DataError: fewer images than asked for, or, where all of an lmdb are, another number than LSUN's.
    """
    scene, database = SCENES[name], _lmdb(name, folder)
    found = None if database else images_in(folder)
    if database:
        with _transaction(database) as transaction:
            available = transaction.stat()["entries"]
    else:
        available = found.count
    # What is there is taken as it is, and never added to: the user must make room for a download first.
    instead = f"move what is in {folder} away, so that all of it is downloaded,\nor " if options.download else ""
    # Photographs of buildings may come from anywhere; "all of LSUN's bedrooms" is a number.
    if options.images == "all" and (database or name == "lsun_bedroom") and available != scene.count:
        raise DataError(
            f"{database or folder}: expected {scene.count:,} images, found {available:,}.\n"
            f"Put the whole of {scene.lmdb} there, or {instead}say how many to use: sources.{name}.images in params.yaml"
        )
    wanted = available if options.images == "all" else options.images
    if wanted > available:
        raise DataError(
            f"{folder}: sources.{name}.images in params.yaml asks for {wanted:,} images, there are {available:,}.\n"
            f"Put more there, or {instead}ask for fewer"
        )
    title, subset = f"LSUN {scene.lmdb.removesuffix('_lmdb')}", f"{wanted:,} of {scene.count:,}"
    if database:
        _require_sound_keys(database, wanted)
        images = _database_images(database, wanted)
        names = [(database / "data.mdb").relative_to(folder).as_posix()]
        description = {
            **provenance(folder, names, f"{title}, lmdb"), "split": "train", "subset": subset, "order": "by key",
        }  # fmt: skip
    else:
        images = islice(found.images(), wanted)
        order = "the rows', file by file" if found.column else "by path"
        description = found.description(title, split="train", subset=subset, order=order)
    return Source.unlabelled(wanted, images, description)


def _lmdb(name: str, folder: Path) -> Path | None:
    """The folder of the database: the one that the archive holds, or the user's folder itself."""
    places = (folder / SCENES[name].lmdb, folder)
    return next((place for place in places if (place / "data.mdb").is_file()), None)


def _import_lmdb(folder: Path):
    try:
        import lmdb
    except ImportError:
        raise DataError(
            f"{folder}: reading LSUN's lmdb needs a package that is not installed: pip install 'selfsparse[lsun]'"
            " (or: pip install lmdb)"
        ) from None
    return lmdb


@contextmanager
def _transaction(database: Path):
    lmdb = _import_lmdb(database)
    try:
        # Without locks: they need a writable disk, and nobody writes.
        with lmdb.open(str(database), readonly=True, lock=False, readahead=False) as environment:
            _require_whole(database / "data.mdb", environment)
            with environment.begin() as transaction:
                yield transaction
    except lmdb.Error as error:
        if "already open" in str(error):  # from lmdb 2.0; it has no class of its own
            raise DataError(
                f"{database} is open already in this process, and lmdb opens a database only once: close it there first,"
                " or prepare the images in a process of its own. The database is untouched"
            ) from None
        raise DataError(f"{database}: not readable as lmdb ({error}). {_COMPARE.format(database.name)}") from None


# Tens of GB that may be sound: never to be deleted on suspicion.
_COMPARE = (
    "Nothing of it was changed. Compare data.mdb with where it comes from (unzip -l {}.zip says its size), and copy or"
    " unpack it again only where they differ"
)


def _require_whole(file: Path, environment) -> None:
    """Raise DataError where a database is shorter than it says: reading behind its end would end the process (SIGBUS)."""
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    found = file.stat().st_size
    if found < needed:
        raise DataError(
            f"{file} is cut off: it has {found:,} bytes, and its header speaks of {needed:,}. Go on with its copy or"
            f" download where that stopped (rsync --append-verify, curl -C -), or unpack {file.parent.name}.zip again"
        )


# On a page that is damaged inside, such as a hole that a download left, lmdb ends its process: let it be another one.
_WALK = """
import lmdb, sys
with lmdb.open(sys.argv[1], readonly=True, lock=False, readahead=False) as environment, environment.begin() as transaction:
    for i, _ in zip(range(int(sys.argv[2])), transaction.cursor().iternext(values=False)):
        pass
"""


def _require_sound_keys(database: Path, count: int) -> None:
    """Raise DataError where the first `count` keys cannot be read; of the images, which decoding checks, none is."""
    command = [sys.executable, "-c", _WALK, str(database), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        reason = printable((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
        raise DataError(f"{database}: its keys cannot be read ({reason}). {_COMPARE.format(database.name)}")


def _database_images(database: Path, count: int) -> Iterator[np.ndarray]:
    """The first `count` values in the order of their keys, decoded."""
    last, done = None, 0
    while done < count:
        with _transaction(database) as transaction, transaction.cursor() as cursor:
            if last is not None:
                cursor.set_key(last)
                cursor.next()
            for last, value in islice(cursor.iternext(), min(PER_OPENING, count - done)):
                yield decode(value, f"{database}, key {last.decode('latin-1')}")
                done += 1


def _unpack(archive: Path, database: Path) -> None:
    """Copy the one file that matters out of the archive."""
    member = f"{database.parent.name}/{database.name}"
    partial = database.with_name(database.name + ".partial")
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as packed:
            size = opened.getinfo(member).file_size
            if size > LARGEST_UNPACKED * archive.stat().st_size:
                raise zipfile.BadZipFile(f"{member} in it says that it has {size:,} bytes")
            require_space(archive.parent, size, f"{archive.name} to unpack")
            database.parent.mkdir(parents=True, exist_ok=True)
            bar = tqdm.wrapattr(packed, "read", total=size, desc=f"unpacking {archive.name}", mininterval=1)
            with bar as source, open(partial, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise DataError(f"{archive} is damaged ({error}); move it away, and fetch it again") from None
    except OSError as error:
        raise DataError(f"{archive} could not be unpacked into {database.parent} ({error.strerror})") from None
    os.replace(partial, database)
