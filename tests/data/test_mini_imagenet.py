"""mini-ImageNet in each of the forms in which it is passed around, made here with six classes of four images."""

import errno
import pickle
from fnmatch import fnmatch

import numpy as np
import pytest
from image_files import encode, photograph, write_parquet

from selfsparse.data import mini_imagenet
from selfsparse.errors import DataError

SPLITS = {"train": 3, "validation": 1, "test": 2}  # classes; in the real one 64, 16 and 20
PER_CLASS = 4


@pytest.fixture(autouse=True)
def counts(monkeypatch):
    monkeypatch.setattr(mini_imagenet, "CLASSES", 6)
    monkeypatch.setattr(mini_imagenet, "PER_CLASS", PER_CLASS)


@pytest.fixture
def pickles(project, rng):
    """Place the three pickles; return all images, train, validation, test, and their labels."""

    def place(validation="validation", protocol=4, classes_of_test=2):
        images, labels, first = [], [], 0
        for split, classes in (SPLITS | {"test": classes_of_test}).items():
            own = rng.integers(0, 256, (classes * PER_CLASS, 84, 84, 3), dtype=np.uint8)
            numbers = np.arange(len(own)) % classes  # the classes take turns
            names = [f"n{first + i:08d}" for i in range(classes)]
            content = {
                "image_data": own,
                "class_dict": {name: np.flatnonzero(numbers == i).tolist() for i, name in enumerate(names)},
            }
            word = validation if split == "validation" else split
            with open(project.raw("mini_imagenet") / f"mini-imagenet-cache-{word}.pkl", "wb") as file:
                pickle.dump(content, file, protocol=protocol)
            images.extend(own)
            labels.extend((numbers + first).tolist())
            first += classes
        return images, labels

    return place


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("validation", ["validation", "val"])
def test_pickles(project, pickles, resize, validation, protocol):
    images, labels = pickles(validation, protocol)
    packed = project.prepare("mini_imagenet-64")
    assert packed.images.shape == (24, 3, 64, 64) and packed.labels.tolist() == labels and packed.has_own_labels
    for found, original in zip(packed.images, images, strict=True):
        assert np.abs(found - resize(original, 64)).max() <= 1
    assert packed.manifest["revision"] == "the user's own files, unverified" and "84 x 84" in packed.manifest["source"]


def test_a_class_too_few(project, pickles):
    pickles(classes_of_test=1)
    with pytest.raises(DataError, match="expected 6 classes of 4 images, found 20 images in 5 classes of 4 to 4"):
        project.prepare("mini_imagenet-64")


@pytest.mark.parametrize("content", [{"image_data": [1, 2]}, {"data": 1}, [1]])
def test_a_pickle_of_something_else(project, pickles, content):
    pickles()
    (project.raw("mini_imagenet") / "mini-imagenet-cache-train.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"cache-train\.pkl: expected"):
        project.prepare("mini_imagenet-64")


@pytest.mark.parametrize(
    "classes",
    [
        {"n1": [0, 1, 2, 4]}, {"n1": [0, 1], "n2": [1, 3]}, {"n1": [0, 1], "n2": [2]},
        {"n1": 4}, {"n1": ["a", "b", "c", "d"]}, {"n1": [0.0, 1.0, 2.0, 3.0]}, {"n1": [[0], [1, 2], [3]]},
        {"n1": [0, 1], 2: [2, 3]}, {}, [[0, 1, 2, 3]], None,
    ],
)  # fmt: skip
def test_numbers_of_images_that_are_none(project, pickles, classes):
    pickles()
    content = {"image_data": np.zeros((4, 84, 84, 3), np.uint8), "class_dict": classes}
    (project.raw("mini_imagenet") / "mini-imagenet-cache-train.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"cache-train\.pkl: expected image_data, .* class_dict, .* fetch it again"):
        project.prepare("mini_imagenet-64")


@pytest.mark.parametrize("layout", ["split folders", "one folder", "lists"])
def test_image_files(project, resize, rng, layout):
    folder = project.raw("mini_imagenet")
    expected = {}
    for number in range(6):
        word, split = f"n{number:08d}", ("train", "val", "test")[number % 3]
        for i in range(PER_CLASS):
            image = photograph(rng, 100, 80 + 10 * i)  # not square: the middle is cut out
            name = f"{word}{i:04d}.png"
            place = {"split folders": f"{split}/{word}", "one folder": word, "lists": "images"}[layout]
            (folder / place).mkdir(parents=True, exist_ok=True)
            (folder / place / name).write_bytes(encode(image, "PNG"))
            expected[f"{place}/{name}"] = (image, number)
    if layout == "lists":  # with a byte order mark, as Excel writes it
        for split in range(3):
            rows = [f"{p.split('/')[1]},n{n:08d}\n" for p, (_, n) in expected.items() if n % 3 == split]
            text = "filename,label\n" + "".join(rows)
            (folder / f"{('train', 'val', 'test')[split]}.csv").write_text(text, encoding="utf-8-sig")
    packed = project.prepare("mini_imagenet-32")
    assert packed.labels.tolist() == [expected[path][1] for path in sorted(expected)]
    for found, path in zip(packed.images, sorted(expected), strict=True):
        image = expected[path][0]
        side = min(image.shape[:2])
        top, left = (100 - side) // 2, (image.shape[1] - side) // 2
        assert np.abs(found - resize(image[top : top + side, left : left + side], 32)).max() <= 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"filename,class\na.png,n1\n", "no list with columns filename and label"),
        (b"filename,label\na.png\n", "no list with columns filename and label"),
        ("filename,label\na.png,pâté\n".encode("latin-1"), "no list with columns filename and label"),
        (b"filename,label\na.png,n1\nb.png,n1\n", r"b\.png is listed but not there"),
        (b"filename,label\nb.png,n1\n", r"a\.png is not listed"),
    ],
    ids=["another column", "a short row", "Latin-1", "an image too few", "another image"],
)
def test_lists_that_do_not_fit(project, rng, content, said):
    folder = project.raw("mini_imagenet")
    (folder / "a.png").write_bytes(encode(photograph(rng, 9, 9), "PNG"))
    (folder / "train.csv").write_bytes(content)
    with pytest.raises(DataError, match=said):
        project.prepare("mini_imagenet-32")


def test_a_file_that_may_not_be_read(project, pickles, monkeypatch):
    """Whoever is root is kept out of nothing: the system's answer is put in its place."""
    pickles()
    kept_out = "cache-test.pkl"
    really = open

    def refuse(path, *arguments, **options):
        if str(path).endswith(kept_out):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(DataError, match=rf"{kept_out} cannot be read \(Permission denied\); make it readable"):
        project.prepare("mini_imagenet-32")


def test_folders_as_torchvision_reads_them(project, rng):
    from torchvision.datasets import ImageFolder

    folder = project.raw("mini_imagenet")
    for i in range(24):
        path = folder / f"n{9 - i % 6}/{i}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(photograph(rng, 9, 12), "PNG"))
    theirs, ours = ImageFolder(folder), mini_imagenet.read("mini_imagenet", folder, None)
    assert ours.labels.tolist() == theirs.targets
    assert np.array_equal(np.stack(list(ours.images)), np.stack([np.asarray(image) for image, _ in theirs]))


@pytest.mark.parametrize("own_test", [False, True], ids=["without a foreign test set", "with one"])
def test_parquet_whose_splits_share_the_classes(project, resize, rng, own_test):
    """Each class has three images in train and one in validation; test comes from elsewhere and stays out."""
    folder = project.raw("mini_imagenet") / "data"
    images = [photograph(rng, 60, 70) for _ in range(24)]
    labels = [i % 6 for i in range(24)]
    encoded = [encode(image, "PNG") for image in images]
    write_parquet(folder / "train-00000-of-00002.parquet", encoded[:10], labels[:10])
    write_parquet(folder / "train-00001-of-00002.parquet", encoded[10:18], labels[10:18])
    write_parquet(folder / "validation-00000-of-00001.parquet", encoded[18:], labels[18:])
    if own_test:
        write_parquet(folder / "test-00000-of-00001.parquet", [encode(np.zeros((9, 9, 3), np.uint8), "PNG")], [0])
    packed = project.prepare("mini_imagenet-32")
    assert packed.labels.tolist() == labels and packed.images.shape == (24, 3, 32, 32)
    for found, image in zip(packed.images, images, strict=True):
        assert np.abs(found - resize(image[:, 5:65], 32)).max() <= 1


def test_parquet_whose_splits_count_their_classes_from_zero(project, rng):
    folder = project.raw("mini_imagenet")
    data = encode(photograph(rng, 8, 8), "PNG")
    for split, classes in SPLITS.items():
        count = classes * PER_CLASS
        write_parquet(folder / f"{split}-00000-of-00001.parquet", [data] * count, [i % classes for i in range(count)])
    labels = project.prepare("mini_imagenet-32").labels
    assert np.bincount(labels).tolist() == [PER_CLASS] * 6


def test_parquet_with_other_counts(project, rng):
    write_parquet(project.raw("mini_imagenet") / "train.parquet", [encode(photograph(rng, 8, 8), "PNG")], [0])
    with pytest.raises(DataError, match="expected 24 rows in its parquet files, with test files or without, found 1"):
        project.prepare("mini_imagenet-32")


def test_what_is_downloaded(project, monkeypatch):
    """Training and validation files of a pinned revision; the test files are not among the 60,000."""
    asked = []
    monkeypatch.setattr(mini_imagenet, "fetch_dataset", lambda *given, **options: asked.append((given, options)))
    project.configure(sources__mini_imagenet__download=True)
    with pytest.raises(DataError):  # nothing came
        project.prepare("mini_imagenet-32")
    ((repository, folder), options) = asked[0]
    assert repository == "timm/mini-imagenet" and folder == project.root / "data/raw/mini_imagenet"
    assert options["revision"] == "bd8779f9d33c061ea6e75fdd3bce4e43dd679060" and str(folder) in options["by_hand"]
    names = [f"data/{split}-00000-of-00013.parquet" for split in ("train", "validation", "test")]
    assert [any(fnmatch(name, p) for p in options["patterns"]) for name in names] == [True, True, False]


def test_parquet_whose_labels_are_text(project, rng):
    """As copies have them that were made from folders: the names of the classes, numbered in their order."""
    folder = project.raw("mini_imagenet")
    words = [f"n{9 - i % 6}" for i in range(24)]
    write_parquet(folder / "train.parquet", [encode(photograph(rng, 8, 8), "PNG")] * 24, words)
    assert project.prepare("mini_imagenet-32").labels.tolist() == [5 - i % 6 for i in range(24)]


@pytest.mark.parametrize("odd", ["n1", [1]], ids=["text beside numbers", "lists"])
def test_parquet_whose_labels_cannot_be_told_apart(project, rng, odd):
    folder, images = project.raw("mini_imagenet"), [encode(photograph(rng, 8, 8), "PNG")] * 12
    write_parquet(folder / "train-0.parquet", images, [0] * 12)
    write_parquet(folder / "train-1.parquet", images, [odd] * 12)
    with pytest.raises(DataError, match=r"labels in its parquet files cannot be told apart \(.+\); write numbers"):
        project.prepare("mini_imagenet-32")
