"""Where the images of each dataset come from: the user's files first, then a download where the settings allow it.

A reader is a module of this package, named in datasets.toml, with these functions, of which the last three may be left out:
`find(name, folder)`, whether a dataset's files are in a folder; `read(name, folder, options)`, its images, checked;
`download(name, folder, options, by_hand)`, where `by_hand` says how to get them else; `count(name, options)` and
`room(name, options)`, where options change what datasets.toml says.
"""

import importlib
from pathlib import Path
from typing import Any

from selfsparse.config import Dataset, Settings
from selfsparse.data.images import Source
from selfsparse.data.listing import files_below, raw_folder
from selfsparse.data.registry import DATASETS
from selfsparse.errors import DataError, printable

SHOWN = 5  # files that an error names


def open_source(settings: Settings, dataset: Dataset) -> Source:
    """Return the source of a dataset: its images, not yet decoded.

    Raises:
        DataError: files are missing, damaged, or could not be downloaded; it says what to put where.
    """
    name = dataset.dataset
    reader, folder, options = _reader(name), raw_folder(settings, name), getattr(settings.sources, name)
    raw_files_present(settings, dataset)
    if not reader.find(name, folder):
        try:
            reader.download(name, folder, options, f"Or place it by hand: {DATASETS[name].put}, into {folder}")
        except DataError as error:
            raise DataError("\n".join([str(error), *_there(folder)])) from None
        if not reader.find(name, folder):
            raise _missing(name, folder)
    return reader.read(name, folder, options)


def raw_files_present(settings: Settings, dataset: Dataset) -> None:
    """Raise DataError, with the remedy, where a dataset's files are neither at hand nor allowed to be downloaded."""
    name = dataset.dataset
    folder, options = raw_folder(settings, name), getattr(settings.sources, name)
    if not _reader(name).find(name, folder) and not getattr(options, "download", False):
        raise _missing(name, folder)


def image_count(settings: Settings, dataset: Dataset) -> int:
    """Return how many images a dataset will have, as far as that is known beforehand."""
    return _told(settings, dataset.dataset, "count")


def bytes_to_download(settings: Settings, dataset: Dataset) -> int:
    """Return how much room a download of a dataset's files will take; 0 where they are at hand."""
    name = dataset.dataset
    return 0 if _reader(name).find(name, raw_folder(settings, name)) else _told(settings, name, "room")


def _reader(name: str) -> Any:
    # By its name, so that a dataset's code is its own reader and no other (selfsparse/inputs.py).
    return importlib.import_module(f"selfsparse.data.{DATASETS[name].reader}")


def _told(settings: Settings, name: str, what: str) -> int:
    """What a reader says under a dataset's options, else what datasets.toml does."""
    told = getattr(_reader(name), what, None)
    return told(name, getattr(settings.sources, name)) if told else getattr(DATASETS[name], what)


def _there(folder: Path) -> list[str]:
    """A line that says what lies in a folder in place of what is looked for, if anything does."""
    try:
        files = sorted(name for name, _ in files_below(folder))
    except DataError as error:
        return [f"  there:   {error}"]
    shown = ", ".join(map(printable, files[:SHOWN])) + ", ..." * (len(files) > SHOWN)
    return [f"  there:   {len(files):,} files: {shown}"] if files else []


def _missing(name: str, folder: Path) -> DataError:
    wanted = DATASETS[name]
    lines = [
        f"{name}: its files are not in {folder}.",
        f"  get:     {wanted.what}; {wanted.size}",
        f"  from:    {wanted.where}",
        f"  put:     {wanted.put}",
        f"  into:    {folder}",
        f"           or {name}/ in a folder of your choice that SELFSPARSE_RAW_DATA names",
        f"  checked: {wanted.checked}",
        f"  terms:   {wanted.terms}",
        *_there(folder),
    ]
    if hasattr(_reader(name), "download"):
        lines.append(f"Or let it be downloaded: set sources.{name}.download to true in params.yaml.")
    return DataError("\n".join(lines))
