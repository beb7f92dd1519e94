"""LSUN's scenes: an lmdb of JPEG or WebP images, a folder of images, or parquet."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

from selfsparse.data.downloads import fetch, fetch_dataset, finish, provenance, require_space, unfinished
from selfsparse.data.folders import has_images, images_in
from selfsparse.data.images import Source, decode
from selfsparse.data.listing import DOWNLOADED
from selfsparse.data.options import Lsun
from selfsparse.data.registry import DATASETS
from selfsparse.errors import DataError

URL = "http://dl.yf.io/lsun/scenes/{}.zip"
PART_BYTES = 4_760_000_000  # of the smaller copy
SCENES = {name: entry for name, entry in DATASETS.items() if "lmdb" in entry.facts}


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
    return PART_BYTES if takes_part(name, options) else int(2.25 * SCENES[name].facts["zip_size"])


def takes_part(name: str, options: Lsun) -> bool:
    """Whether a download would fetch the smaller copy that has as many images as the settings ask for."""
    _, most = SCENES[name].facts.get("repository", ("", 0))
    return options.images != "all" and options.images <= most


def download(name: str, folder: Path, options: Lsun, by_hand: str) -> None:
    """Fetch the smaller copy where it has enough images, and the whole archive otherwise, of which only the lmdb stays."""
    facts = SCENES[name].facts
    if takes_part(name, options):
        fetch_dataset(facts["repository"][0], folder, patterns=["*.parquet"], by_hand=by_hand)
        return
    _import_lmdb(folder)  # before hours of downloading, not after
    begun, url, sha256 = unfinished(folder), URL.format(facts["lmdb"]), facts["zip_sha256"]
    archive, database = begun / f"{facts['lmdb']}.zip", f"{facts['lmdb']}/data.mdb"
    if not archive.is_file():
        # The archive and what comes out of it lie side by side for a while.
        require_space(folder, room(name, options), f"LSUN's {facts['lmdb']} to download and unpack")
    fetch([url], archive, size=facts["zip_size"], sha256=sha256)
    try:
        with zipfile.ZipFile(archive) as packed:
            packed.extract(database, begun)
    except OSError as error:
        raise DataError(
            f"{archive} could not be unpacked ({error.strerror}); make room there, or make it writable"
        ) from None
    archive.unlink()
    finish(folder, [database], url, f"sha256 {sha256}")


def read(name: str, folder: Path, options: Lsun) -> Source:
    """The first `options.images` images, or all, RGB, in the order of their keys (lmdb), rows or paths.

    Raises:
        DataError: fewer images than asked for, or, where all of an lmdb are, another number than LSUN's.
    """
    scene, database, lmdb = SCENES[name], _lmdb(name, folder), SCENES[name].facts["lmdb"]
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
            f"Put the whole of {lmdb} there, or {instead}say how many to use: sources.{name}.images in params.yaml"
        )
    wanted = available if options.images == "all" else options.images
    if wanted > available:
        raise DataError(
            f"{folder}: sources.{name}.images in params.yaml asks for {wanted:,} images, there are {available:,}.\n"
            f"Put more there, or {instead}ask for fewer"
        )
    title, subset = f"LSUN {lmdb.removesuffix('_lmdb')}", f"{wanted:,} of {scene.count:,}"
    if database:
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
    """The folder of the database: what the archive holds, downloaded or the user's, or the user's folder itself."""
    lmdb = SCENES[name].facts["lmdb"]
    places = (folder / DOWNLOADED / lmdb, folder / lmdb, folder)
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
    except lmdb.Error as error:  # tens of GB that may be sound: never to be deleted on suspicion
        raise DataError(
            f"{database}: not readable as lmdb ({error}). Nothing of it was changed. Compare data.mdb with where it comes"
            f" from (unzip -l {database.name}.zip says its size), and copy or unpack it again only where they differ"
        ) from None


def _require_whole(file: Path, environment) -> None:
    """Raise DataError where a database is shorter than it says: reading behind its end would end the process (SIGBUS)."""
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    found = file.stat().st_size
    if found < needed:
        raise DataError(
            f"{file} is cut off: it has {found:,} bytes, and its header speaks of {needed:,}. Go on with its copy or"
            f" download where that stopped (rsync --append-verify, curl -C -), or unpack {file.parent.name}.zip again"
        )


def _database_images(database: Path, count: int) -> Iterator[np.ndarray]:
    """The first `count` values in the order of their keys, decoded."""
    with _transaction(database) as transaction:
        for key, value in islice(transaction.cursor(), count):
            yield decode(value, f"{database}, key {key.decode('latin-1')}")
