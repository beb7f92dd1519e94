"""Fetching files into the user's raw folder: resumable, checked, and never under their own name before they are whole."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tqdm import tqdm

from selfsparse.data.listing import RECORD, read_record
from selfsparse.errors import DataError, WriteError
from selfsparse.files import free_bytes, hash_file, write_json

# Of silence, after which an address is given up. Some sets have two: no more than 30 seconds for both together.
CONNECT_SECONDS = 5
READ_SECONDS = 10
BLOCK = 1 << 16  # as much as is lost where a server falls silent


class _Failed(Exception):
    """One address did not give the file; the message says why."""


def fetch(urls: Sequence[str], path: Path, *, size: int | None = None, md5: str = "", sha256: str = "") -> None:
    """Download a file from the first of several addresses that has it.

    It grows as `<name>.partial` and takes its name once size and checksum agree. What an interrupted download left is
    gone on with; what failed its checksum is deleted. A file that is there under its own name is left as it is, unread:
    whoever reads it checks it.

    Args:
        sha256: of the file, or its first digits where no more are published.

    Raises:
        DataError: no address gave the right file; it says why, and where to put the file by hand.
    """
    if path.is_file():
        return
    partial = path.with_name(path.name + ".partial")
    reasons = []
    for url in urls:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if size is not None:
                require_space(path.parent, size - _size(partial), f"{path.name} to download")
            _load(url, partial)
            _check(partial, size, md5, sha256)
            os.replace(partial, path)
            return
        except (_Failed, OSError) as error:
            reasons.append(f"{url}: {error}")
    kept = f"{_size(partial):,} bytes are kept; run the same command to go on" if _size(partial) else "Run it again"
    known = [f"{size:,} bytes"] if size is not None else []
    known += [f"{name} {_digits(name, value)}" for name, value in (("md5", md5), ("sha256", sha256)) if value]
    why = "\n".join([f"{path.name} could not be downloaded.", *reasons])
    raise DataError(
        f"{why}\n{kept}, or get the file in another way ({', '.join(known)})\nand put it into {path.parent}"
    )


def check_file(path: Path, *, size: int, sha256: str) -> None:
    """Raise DataError unless a file that somebody else placed is the right one. It is only read."""
    wrong_size = f"it has {_size(path):,} bytes, expected {size:,}" if _size(path) != size else ""
    if problem := wrong_size or _wrong_hash(path, "sha256", sha256):
        raise DataError(
            f"{path} is not the official file: {problem}.\nMove it away, so that the right one is downloaded, or replace it."
        )


def _load(url: str, partial: Path) -> None:
    """Write what is at an address into `partial`, going on where it ends."""
    import requests
    import urllib3

    begin = _size(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begin}-"} if begin else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
            if response.status_code == 416 and begin:
                return  # nothing comes after what is there: the check will say whether it is the file
            if response.status_code not in (200, 206):
                raise _Failed(f"HTTP {response.status_code} {response.reason}")
            if response.headers.get("Content-Type", "").startswith("text/html"):
                raise _Failed("a web page came instead of the file")
            resumed = response.status_code == 206
            if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
                partial.unlink()
                raise _Failed("the server went on at another place than it was asked to; the next try starts anew")
            begin = begin if resumed else 0
            length = response.headers.get("Content-Length")
            total = begin + int(length) if length else None
            bar = tqdm(desc=partial.stem, initial=begin, total=total, unit="B", unit_scale=True, mininterval=1)
            with bar, open(partial, "ab" if resumed else "wb") as file:
                for block in response.raw.stream(BLOCK, decode_content=False):
                    file.write(block)
                    bar.update(len(block))
    except requests.ConnectionError as error:
        raise _Failed(f"no connection ({_cause(error)})") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _Failed(f"cut off ({_cause(error)})") from None


def _check(partial: Path, size: int | None, md5: str, sha256: str) -> None:
    """Raise _Failed unless the file is what it should be; what going on with cannot mend is deleted."""
    found_size = _size(partial)
    with open(partial, "rb") as file:
        is_page = file.read(512).lstrip().lower().startswith((b"<!doctype html", b"<html"))
    if not is_page and size is not None and found_size < size:
        raise _Failed(f"cut off after {found_size:,} of {size:,} bytes")
    problem = "a web page came instead of the file" if is_page else ""
    if not problem and size is not None and found_size > size:
        problem = f"{found_size:,} bytes came, expected {size:,}"
    if problem := problem or _wrong_hash(partial, "md5", md5) or _wrong_hash(partial, "sha256", sha256):
        partial.unlink()
        raise _Failed(f"{problem}; it was deleted")


def _wrong_hash(path: Path, algorithm: str, expected: str) -> str:
    """What is wrong with a file's hash, of which perhaps the first digits alone are known, or none."""
    found = hash_file(path, algorithm) if expected else ""
    return "" if found.startswith(expected) else f"its {algorithm} is {found}, expected {_digits(algorithm, expected)}"


def fetch_dataset(
    repository: str, folder: Path, *, patterns: Sequence[str], revision: str | None = None, by_hand: str
) -> None:
    """Download files of a Hugging Face dataset into `folder`, and note the revision in download.json there.

    Without a pinned revision the newest one is taken, once: later tries go on with the revision of the first.

    Args:
        patterns: which files of the repository `<owner>/<name>`, as shell patterns on their paths.
        revision: full commit hash, or None where none was ever checked.
        by_hand: what to do where this fails, one line.

    Raises:
        DataError: no connection, no such dataset, or files that do not match their checksums.
    """
    from huggingface_hub import HfApi, snapshot_download

    address = f"https://huggingface.co/datasets/{repository}"
    begun = read_record(folder)
    wanted = revision or (begun["revision"] if begun.get("source") == address else None)
    # The library reads HF_ENDPOINT when it is imported; a mirror may be named later.
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        info = HfApi(endpoint=endpoint).dataset_info(
            repository, revision=wanted, files_metadata=True, timeout=CONNECT_SECONDS + READ_SECONDS
        )
        files = {f.rfilename: f for f in info.siblings if any(fnmatch(f.rfilename, p) for p in patterns)}
        if not files:
            raise DataError(f"{address} has no files {', '.join(patterns)}. {by_hand}")
        here = sum(_size(folder / name) for name in files)
        require_space(folder, sum(f.size or 0 for f in files.values()) - here, f"{repository} to download")
        begin_record(folder, address, info.sha, revision is not None, list(files))
        where: Any = {"repo_type": "dataset", "local_dir": folder, "endpoint": endpoint}
        snapshot_download(repository, revision=info.sha, allow_patterns=list(files), **where)
    except DataError:
        raise
    except Exception as error:  # which kinds there are depends on the library's version
        raise DataError(
            f"{repository} could not be downloaded from huggingface.co ({_cause(error)}).\n"
            f"What has come so far is kept in {folder}; run the same command to go on.\n{by_hand}"
        ) from None
    for name, file in tqdm(files.items(), desc=f"checking {folder.name}", unit="file", disable=len(files) < 2):
        expected = file.lfs.sha256 if file.lfs else None
        if _size(folder / name) != file.size or (expected and hash_file(folder / name) != expected):
            (folder / name).unlink(missing_ok=True)
            raise DataError(f"{folder / name} does not match its checksum and was deleted; run the same command again")
    finish_record(folder)


def begin_record(folder: Path, source: str, revision: str | None, verified: bool, names: Sequence[str]) -> None:
    """Note in download.json what is about to be downloaded, so that half of it is never taken for the whole."""
    record = {"source": source, "revision": revision, "verified": verified, "complete": False}
    _write_record(folder, record | {"files": dict.fromkeys(names)})


def note_fetched(folder: Path, name: str) -> None:
    """Note in download.json that one of its files has come, whole and checked."""
    record = read_record(folder)
    _write_record(folder, record | {"files": record["files"] | {name: _size_and_time(folder / name)}})


def finish_record(folder: Path) -> None:
    """Note in download.json that the download is complete, with size and time of each file."""
    record = read_record(folder)
    files = {name: _size_and_time(folder / name) for name in record["files"] if (folder / name).is_file()}
    _write_record(folder, record | {"complete": True, "files": files})


def fetched(folder: Path, names: Iterable[str]) -> bool:
    """Whether download.json names all these files as they are: fetched by us, and not changed or replaced since."""
    ours = read_record(folder).get("files", {})
    return all(ours.get(name) is not None and ours[name] == _size_and_time(folder / name) for name in names)


def unfinished(folder: Path) -> bool:
    """Whether a download into this folder was begun and not finished."""
    return not read_record(folder).get("complete", True)


def provenance(folder: Path, names: Iterable[str], otherwise: str) -> dict[str, Any]:
    """Return `source` and `revision`, for a manifest, of the files `names`, which were read, of a folder.

    Unless all of them were downloaded, and none was changed since, the source is `otherwise`, and the revision says that
    they are the user's own.
    """
    record = read_record(folder)
    if not record or not fetched(folder, names):
        return {"source": otherwise, "revision": "the user's own files, unverified"}
    unverified = "" if record["verified"] else " (unverified)"
    return {"source": record["source"], "revision": record["revision"] + unverified}


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raise DataError unless the disk of `folder`, which need not exist yet, has room for `needed` bytes."""
    free = free_bytes(folder)
    if needed > free:
        raise DataError(f"{what}: needs {needed / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free at {folder}")


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    try:
        write_json(folder / RECORD, record)
    except (OSError, WriteError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"{folder / RECORD} cannot be written ({reason}): to download, make {folder} writable, or name another"
            " folder in SELFSPARSE_RAW_DATA"
        ) from None


def _size_and_time(path: Path) -> list[int] | None:
    """As listing.py compares them; None where the file is not there."""
    if not path.is_file():
        return None
    found = path.stat()
    return [found.st_size, int(found.st_mtime)]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _digits(algorithm: str, expected: str) -> str:
    return expected + "..." * (len(expected) < 2 * hashlib.new(algorithm).digest_size)


def _cause(error: BaseException) -> str:
    """The innermost reason in a few words: libraries wrap it several times."""
    inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
    if isinstance(inner, BaseException):
        return _cause(inner)
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
