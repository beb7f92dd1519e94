"""Fetching files into the user's raw folder: resumable, checked, and never under their own name before they are whole."""

import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tqdm import tqdm

from selfsparse.data.listing import DOWNLOADED, RECORD, read_record
from selfsparse.errors import DataError
from selfsparse.files import free_bytes, hash_file, write_json

# Of silence, after which an address is given up. Some sets have two: no more than 30 seconds for both together.
CONNECT_SECONDS = 5
READ_SECONDS = 10
BLOCK = 1 << 16  # as much as is lost where a server falls silent


class _Failed(Exception):
    """One address did not give the file; the message says why."""


def fetch(urls: Sequence[str], path: Path, *, size: int | None = None, **hashes: str) -> None:
    """Download a file from the first of several addresses that has it.

    It grows as `<name>.partial` and takes its name once size and checksum agree. What an interrupted download left is
    gone on with; what failed its checksum is deleted. A file that is there under its own name is left as it is, unread:
    whoever reads it checks it.

    Args:
        hashes: `md5` or `sha256` of the file, or its first digits where no more are published.

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
            _check(partial, size, hashes)
            os.replace(partial, path)
            return
        except (_Failed, OSError) as error:
            reasons.append(f"{url}: {error}")
    kept = f"{_size(partial):,} bytes are kept; run the same command to go on" if _size(partial) else "Run it again"
    known = [f"{size:,} bytes"] if size is not None else []
    known += [f"{name} {value}" for name, value in hashes.items()]
    why = "\n".join([f"{path.name} could not be downloaded.", *reasons])
    raise DataError(
        f"{why}\n{kept}, or get the file in another way ({', '.join(known)})\nand put it into {path.parent}"
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


def _check(partial: Path, size: int | None, hashes: dict[str, str]) -> None:
    """Raise _Failed unless the file is what it should be; what going on with cannot mend is deleted."""
    found = _size(partial)
    if size is not None and found < size:
        raise _Failed(f"cut off after {found:,} of {size:,} bytes")
    problem = f"{found:,} bytes came, expected {size:,}" if size is not None and found > size else ""
    for name, expected in hashes.items():
        if not problem and not (digest := hash_file(partial, name)).startswith(expected):
            problem = f"its {name} is {digest}, expected {expected}"
    if problem:
        partial.unlink()
        raise _Failed(f"{problem}; it was deleted")


def fetch_dataset(
    repository: str, folder: Path, *, patterns: Sequence[str], revision: str | None = None, by_hand: str
) -> None:
    """Download files of a Hugging Face dataset into a folder's `download`, and note there which revision they are.

    Args:
        patterns: which files of the repository `<owner>/<name>`, as shell patterns on their paths.
        revision: full commit hash, or None for the newest where none was ever checked.
        by_hand: what to do where this fails, one line.

    Raises:
        DataError: no connection, no such dataset, or files that do not match their checksums.
    """
    from huggingface_hub import HfApi, snapshot_download

    address, begun = f"https://huggingface.co/datasets/{repository}", unfinished(folder)
    # The library reads HF_ENDPOINT when it is imported; a mirror may be named later.
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        info = HfApi(endpoint=endpoint).dataset_info(
            repository, revision=revision, files_metadata=True, timeout=CONNECT_SECONDS + READ_SECONDS
        )
        files = {f.rfilename: f for f in info.siblings if any(fnmatch(f.rfilename, p) for p in patterns)}
        if not files:
            raise DataError(f"{address} has no files {', '.join(patterns)}. {by_hand}")
        here = sum(_size(begun / name) for name in files)
        require_space(folder, sum(f.size or 0 for f in files.values()) - here, f"{repository} to download")
        where: Any = {"repo_type": "dataset", "local_dir": begun, "endpoint": endpoint}
        snapshot_download(repository, revision=info.sha, allow_patterns=list(files), **where)
    except DataError:
        raise
    except Exception as error:  # which kinds there are depends on the library's version
        raise DataError(
            f"{repository} could not be downloaded from huggingface.co ({_cause(error)}).\n"
            f"What has come so far is kept in {begun}; run the same command to go on.\n{by_hand}"
        ) from None
    for name, file in tqdm(files.items(), desc=f"checking {folder.name}", unit="file", disable=len(files) < 2):
        expected = file.lfs.sha256 if file.lfs else None
        if _size(begun / name) != file.size or (expected and hash_file(begun / name) != expected):
            (begun / name).unlink(missing_ok=True)
            raise DataError(f"{begun / name} does not match its checksum and was deleted; run the same command again")
    finish(folder, list(files), address, f"{info.sha}{'' if revision else ' (unverified)'}")


def unfinished(folder: Path) -> Path:
    """Return where in a folder a download of several files grows, hidden from those who read there."""
    if (folder / DOWNLOADED).exists():
        raise DataError(
            f"{folder / DOWNLOADED} is there, but not all of it; move it away, so that it is downloaded anew"
        )
    return folder / f".{DOWNLOADED}"


def finish(folder: Path, names: Iterable[str], source: str, revision: str) -> None:
    """Have what has come whole appear at once, with a record of its files as they are now."""
    begun = unfinished(folder)
    files = {f"{DOWNLOADED}/{name}": _size_and_time(begun / name) for name in names}
    write_json(begun / Path(RECORD).name, {"source": source, "revision": revision, "files": files})
    os.replace(begun, folder / DOWNLOADED)


def provenance(folder: Path, names: Iterable[str], otherwise: str) -> dict[str, Any]:
    """Return `source` and `revision`, for a manifest, of the files `names`, which were read, of a folder.

    Unless all of them were downloaded, and none was changed since, the source is `otherwise`, and the revision says that
    they are the user's own.
    """
    record = read_record(folder)
    if not record or any(record["files"].get(name) != _size_and_time(folder / name) for name in names):
        return {"source": otherwise, "revision": "the user's own files, unverified"}
    return {"source": record["source"], "revision": record["revision"]}


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raise DataError unless the disk of `folder`, which need not exist yet, has room for `needed` bytes."""
    free = free_bytes(folder)
    if needed > free:
        raise DataError(f"{what}: needs {needed / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free at {folder}")


def _size_and_time(path: Path) -> list[int]:
    """As listing.py compares them."""
    return [path.stat().st_size, int(path.stat().st_mtime)]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _cause(error: BaseException) -> str:
    """The innermost reason in a few words: libraries wrap it several times."""
    inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
    if isinstance(inner, BaseException):
        return _cause(inner)
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
