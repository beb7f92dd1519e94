"""Where the images of each dataset come from: the user's files first, then a download where the settings allow it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfsparse.config import Dataset, Settings
from selfsparse.data import celeba_hq, cifar10, embedded, idx, lsun, mini_imagenet, sketch, stl10
from selfsparse.data.downloads import unfinished
from selfsparse.data.images import Source
from selfsparse.data.known import Known, what_is_there
from selfsparse.data.listing import RECORD, raw_folder
from selfsparse.errors import DataError


@dataclass(frozen=True)
class Wanted:
    """What the user is told to get.

    Attributes:
        what: the images.
        where: where they are to be had.
        put: which files, in which layouts, are looked for.
        size: how large that is.
        checked: how it is checked.
        terms: under which terms it may be used.
    """

    what: str
    where: str
    put: str
    size: str
    checked: str
    terms: str


@dataclass(frozen=True)
class Reader:
    """How one dataset is found, downloaded and read. `options` are its settings, `settings.sources.<dataset>`.

    Attributes:
        wanted: what to tell the user where nothing is found.
        count: images that it will have under some options, as far as known beforehand.
        find: whether its files are in a folder: by their names, else by their bytes where these are known.
        read: checks them and returns the source.
        download: fetches them into a folder, given the line that says how to get them by hand; None where nobody may.
        download_bytes: room that a download takes.
        known: its files, where their bytes are known.
    """

    wanted: Wanted
    count: Callable[[Any], int]
    find: Callable[[Path], bool]
    read: Callable[[Path, Any], Source]
    download: Callable[[Path, Any, str], None] | None = None
    download_bytes: Callable[[Any], int] = lambda options: 0
    known: Callable[[], Mapping[str, Known]] = dict


def open_source(settings: Settings, dataset: Dataset) -> Source:
    """Return the source of a dataset: its images, not yet decoded.

    Raises:
        DataError: files are missing, damaged, or could not be downloaded; it says what to put where.
    """
    name = dataset.dataset
    options = getattr(settings.sources, name)
    if name == "digits":
        return embedded.read_digits()
    if name == "photos":
        return embedded.read_photos(options)
    reader, folder = READERS[name], raw_folder(settings, name)
    raw_files_present(settings, dataset)
    if not _found(name, folder):
        try:
            reader.download(folder, options, f"Or place it by hand: {reader.wanted.put}, into {folder}")
        except DataError as error:
            raise DataError("\n".join([str(error), *what_is_there(folder, reader.known())])) from None
        if not _found(name, folder):
            raise _missing(name, folder)
    return reader.read(folder, options)


def raw_files_present(settings: Settings, dataset: Dataset) -> None:
    """Raise DataError, with the remedy, where a dataset's files are neither at hand nor allowed to be downloaded."""
    name = dataset.dataset
    if name not in READERS:
        return
    folder, options = raw_folder(settings, name), getattr(settings.sources, name)
    if not _found(name, folder) and not getattr(options, "download", False):
        raise _missing(name, folder)


def image_count(settings: Settings, dataset: Dataset) -> int:
    """Return how many images a dataset will have, as far as that is known beforehand."""
    if dataset.dataset == "photos":
        return settings.sources.photos.crops
    if dataset.dataset == "digits":
        return 1797
    return READERS[dataset.dataset].count(getattr(settings.sources, dataset.dataset))


def bytes_to_download(settings: Settings, dataset: Dataset) -> int:
    """Return how much room a download of a dataset's files will take; 0 where they are at hand."""
    name = dataset.dataset
    if name not in READERS or _found(name, raw_folder(settings, name)):
        return 0
    return READERS[name].download_bytes(getattr(settings.sources, name))


def _found(name: str, folder: Path) -> bool:
    return not unfinished(folder) and READERS[name].find(folder)


def _missing(name: str, folder: Path) -> DataError:
    reader = READERS[name]
    wanted = reader.wanted
    if unfinished(folder):
        head = f"{name}: a download into {folder} did not finish (delete {RECORD} there to use the files as they are)."
    else:
        head = f"{name}: its files are not in {folder}."
    lines = [
        head,
        f"  get:     {wanted.what}; {wanted.size}",
        f"  from:    {wanted.where}",
        f"  put:     {wanted.put}",
        f"  into:    {folder}",
        f"           or {name}/ in a folder of your choice that SELFSPARSE_RAW_DATA names",
        f"  checked: {wanted.checked}",
        f"  terms:   {wanted.terms}",
        *what_is_there(folder, reader.known()),
    ]
    if reader.download:
        lines.append(f"Or let it be downloaded: set sources.{name}.download to true in params.yaml.")
    return DataError("\n".join(lines))


def _idx(name: str, wanted: Wanted, size: int) -> Reader:
    return Reader(
        wanted,
        count=lambda options: idx.SETS[name].count,
        find=lambda folder: idx.find(name, folder),
        read=lambda folder, options: idx.read(name, folder),
        download=lambda folder, options, by_hand: idx.download(name, folder),
        download_bytes=lambda options: size,
        known=lambda: idx.SETS[name].contents,
    )


def _scene(name: str, wanted: Wanted) -> Callable[..., Reader]:
    scene = lsun.SCENES[name]
    return lambda find, read: Reader(
        wanted,
        count=lambda options: scene.count if options.images == "all" else options.images,
        find=find,
        read=read,
        download=lambda folder, options, by_hand: lsun.download(name, folder, options, by_hand),
        download_bytes=lambda options: lsun.download_bytes(name, options),
    )


READERS: dict[str, Reader] = {
    "mnist": _idx(
        "mnist",
        Wanted(
            what="the training images and labels of MNIST",
            where="https://ossci-datasets.s3.amazonaws.com/mnist/",
            put=f"{idx.IMAGES} and {idx.LABELS}, gzipped or not, under any name; or train*.parquet",
            size="10 MB",
            checked="md5",
            terms="CC BY-SA 3.0, as Keras' documentation says",
        ),
        10_000_000,
    ),
    "fashion_mnist": _idx(
        "fashion_mnist",
        Wanted(
            what="the training images and labels of Fashion-MNIST",
            where="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            put=f"{idx.IMAGES} and {idx.LABELS}, gzipped or not, under any name; or train*.parquet",
            size="26 MB",
            checked="md5",
            terms="MIT",
        ),
        26_500_000,
    ),
    "cifar10": Reader(
        Wanted(
            what="CIFAR-10, Python version",
            where=cifar10.URL,
            put=f"{cifar10.ARCHIVE}, or what is in it: {cifar10.FOLDER}/, under any name; or the binary version; or *.parquet",
            size="170 MB",
            checked="md5 of every batch",
            terms="none stated; cite Krizhevsky 2009",
        ),
        count=lambda options: cifar10.PER_BATCH * (6 if options.split == "all" else 5),
        find=cifar10.find,
        read=cifar10.read,
        download=lambda folder, options, by_hand: cifar10.download(folder),
        download_bytes=lambda options: cifar10.ARCHIVE_SIZE,
        known=lambda: cifar10.TRAINING | cifar10.TEST,
    ),
    "stl10": Reader(
        Wanted(
            what="STL-10, of which the 100,000 unlabelled images are used",
            where=stl10.URL,
            put=f"{stl10.ARCHIVE}, or {stl10.FILE} out of it, under any name",
            size="2.6 GB",
            checked="md5 of the file",
            terms="none stated; the images come from ImageNet (non-commercial research)",
        ),
        count=lambda options: stl10.COUNT,
        find=stl10.find,
        read=lambda folder, options: stl10.read(folder),
        download=lambda folder, options, by_hand: stl10.download(folder),
        download_bytes=lambda options: stl10.ARCHIVE_SIZE,
        known=lambda: stl10.KNOWN,
    ),
    "mini_imagenet": Reader(
        Wanted(
            what="mini-ImageNet, all 100 classes",
            where="https://zenodo.org/records/7978538 (three pickles, 84 x 84), or"
            f" https://huggingface.co/datasets/{mini_imagenet.REPOSITORY} (parquet, full size)",
            put="mini-imagenet-cache-{train,validation,test}.pkl; or *.parquet; or one folder of images a class;"
            " or images/ and lists *.csv (filename,label)",
            size="1.3 GB as pickles, 7.4 GB as parquet",
            checked="100 classes of 600 images; no checksums are published",
            terms="ImageNet's: non-commercial research, registration",
        ),
        count=lambda options: mini_imagenet.CLASSES * mini_imagenet.PER_CLASS,
        find=mini_imagenet.find,
        read=lambda folder, options: mini_imagenet.read(folder),
        download=lambda folder, options, by_hand: mini_imagenet.download(folder, by_hand),
        download_bytes=lambda options: 7_430_000_000,
    ),
    "celeba_hq": Reader(
        Wanted(
            what="CelebA-HQ, 30,000 square images of 128, 256, 512 or 1024 pixels",
            where="CelebAMask-HQ's CelebA-HQ-img/ (https://github.com/switchablenorms/CelebAMask-HQ), or"
            f" https://huggingface.co/datasets/{celeba_hq.REPOSITORY}",
            put="the 30,000 image files and no others, or *.parquet, in any folders",
            size="about 3 GB",
            checked="30,000 images, square, of one size; no checksums are published",
            terms="non-commercial research, no redistribution",
        ),
        count=lambda options: celeba_hq.COUNT,
        find=celeba_hq.find,
        read=lambda folder, options: celeba_hq.read(folder),
        download=lambda folder, options, by_hand: celeba_hq.download(folder, by_hand),
        download_bytes=lambda options: 3_100_000_000,
    ),
    "lsun_bedroom": _scene(
        "lsun_bedroom",
        Wanted(
            what="LSUN bedrooms, the training set",
            where="http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip (3,033,042 images), or"
            " https://huggingface.co/datasets/pcuenq/lsun-bedrooms (303,125)",
            put="bedroom_train_lmdb/ out of the archive; or *.parquet; or image files in any folders",
            size="46 GB, and some 54 GB unpacked; or 4.8 GB",
            checked="number of images; sha256 of a downloaded archive",
            terms="none stated; research",
        ),
    )(
        find=lambda folder: lsun.find("lsun_bedroom", folder),
        read=lambda folder, options: lsun.read("lsun_bedroom", folder, options),
    ),
    "sketch": Reader(
        Wanted(
            what="line drawings, dark on white: the paper's own set is private, any other gives other numbers",
            where="your own; the dataset sketch_substitute draws its lines from public photographs",
            put="image files (png, jpg, bmp, webp, tif) in any folders",
            size="at least 5,000 images for an FID as the paper's",
            checked="every file is decoded; number, ink and background are looked at",
            terms="yours",
        ),
        count=lambda options: 100_000,
        find=sketch.find,
        read=sketch.read,
    ),
    "sketch_substitute": _scene(
        "sketch_substitute",
        Wanted(
            what="LSUN's outdoor churches, or photographs of buildings of your own",
            where="http://dl.yf.io/lsun/scenes/church_outdoor_train_lmdb.zip",
            put="church_outdoor_train_lmdb/ out of the archive; or *.parquet; or image files in any folders",
            size="2.4 GB, and some 3 GB unpacked",
            checked="126,227 images in the lmdb; sha256 of a downloaded archive",
            terms="none stated; research",
        ),
    )(find=sketch.find_photographs, read=sketch.read_substitute),
}
