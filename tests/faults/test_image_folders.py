"""A stranger's folder of images: every file is used as it should be, or listed with the reason why it was left out."""

import io
import json
import os
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_files import encode
from PIL import Image
from small_project import write_project

from selfsparse.config import load_settings
from selfsparse.data.images import UnreadableImage, decode, open_image
from selfsparse.data.packed import load_packed
from selfsparse.errors import DataError
from selfsparse.paths import packed_dir

BLACK, WHITE, GREY = 0, 255, 128


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The user's folder of sketches in a project of its own, where one image is enough."""
    monkeypatch.delenv("SELFSPARSE_RAW_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    configure()
    raw = tmp_path / "data/raw/sketch"
    raw.mkdir(parents=True)
    return raw


def configure(strict=False, min_images=1):
    changes = {"sources.sketch.strict": strict, "sources.sketch.min_images": min_images}
    write_project(Path.cwd(), {**changes, "networks": {}, "configurations": {}, "extractors": {}})


def prepare():
    from pipeline import data

    data.main(load_settings(), "sketch-128")
    return load_packed(packed_dir("sketch-128"))


def listed() -> dict[str, str]:
    found = json.loads((packed_dir("sketch-128") / "left_out.json").read_text())
    return {item["file"]: item["reason"] for item in found}


def flat(mode: str, colour, size=(40, 40)) -> Image.Image:
    return Image.new(mode, size, colour)


def halves() -> np.ndarray:
    """Black above, white below, uint8 (30, 20)."""
    return np.repeat(np.array([BLACK, WHITE], np.uint8), 15)[:, None].repeat(20, 1)


def turned() -> bytes:
    """Stored lying on its side, with the camera's note to turn it back by 90 degrees clockwise."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(halves())).save(file, "PNG", exif=exif)
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it has 30,000 x 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 10_000)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def saved(image: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


# name: content, and the grey levels that become of it: above and below the middle.
USED = {
    "plain.png": (encode(halves(), "PNG"), (BLACK, WHITE)),
    "no png at all.png": (encode(halves(), "BMP"), (BLACK, WHITE)),
    "cmyk.tif": (saved(flat("CMYK", (0, 0, 0, 255)), "TIFF"), (BLACK, BLACK)),
    "cmyk.jpg": (saved(flat("CMYK", (0, 0, 0, 127)), "JPEG", quality=100), (GREY, GREY)),
    "sixteen bits.png": (saved(flat("I;16", GREY * 257), "PNG"), (GREY, GREY)),
    "see-through.png": (saved(flat("RGBA", (0, 0, 0, 127)), "PNG"), (GREY, GREY)),
    "see-through palette.png": (saved(flat("P", 0), "PNG", transparency=0), (WHITE, WHITE)),
    "bilevel.png": (saved(flat("1", 0), "PNG"), (BLACK, BLACK)),
    "turned.png": (turned(), (BLACK, WHITE)),
    "one pixel.png": (saved(flat("L", GREY, (1, 1)), "PNG"), (GREY, GREY)),
    "one row.png": (saved(flat("L", GREY, (90, 1)), "PNG"), None),  # padded with white
    "<img src=x onerror=alert(1)>.png": (encode(halves(), "PNG"), (BLACK, WHITE)),
    "two\nlines \x1b[31m.png": (encode(halves(), "PNG"), (BLACK, WHITE)),
    "a folder.png/inside.png": (encode(halves(), "PNG"), (BLACK, WHITE)),
}
LEFT_OUT = {
    "text.png": (b"no image", "not an image"),
    "empty.jpg": (b"", "not an image"),
    "postscript.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    "cut.png": (encode(np.random.default_rng(0).integers(0, 255, (99, 99), np.uint8), "PNG")[:400], "truncated"),
    "bomb.png": (bomb(), "more than 89,478,485 pixels: a decompression bomb?"),
    "animated.webp": (
        saved(flat("RGB", "white"), "WEBP", save_all=True, append_images=[flat("RGB", "black")]),
        "2 frames, where one image is expected",
    ),
    "two pages.tif": (saved(flat("L", 0), "TIFF", save_all=True, append_images=[flat("L", 9)]), "2 frames"),
    "fractions.tif": (saved(flat("F", 0.5), "TIFF"), "pixels of no known scale"),
    "notes.txt": (b"bought in Rome", "not named as an image"),
    "<script>alert(1)</script>\n.jpg": (b"no image", "not an image"),
}


def fill(folder, files: dict) -> None:
    for name, (content, _) in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def test_every_file_is_used_rightly_or_listed(folder, tmp_path, capsys):
    fill(folder, USED)
    fill(folder, LEFT_OUT)
    (folder / "dangling.png").symlink_to(folder / "gone.png")
    os.mkfifo(folder / "pipe.png")  # whoever opens it waits for ever
    outside = tmp_path / "elsewhere.png"
    outside.write_bytes(encode(halves(), "PNG"))
    (folder / "linked.png").symlink_to(outside)
    (folder / "device.png").symlink_to("/dev/zero")
    packed = prepare()

    used = sorted([*USED, "linked.png"])
    assert len(packed.images) == len(used) == packed.manifest["count"]
    for name, image in zip(used, packed.images[:, 0], strict=True):
        levels = USED.get(name, USED["plain.png"])[1]
        if levels is not None:
            assert image[10:50, 64] == pytest.approx(np.full(40, levels[0]), abs=1), name
            assert image[80:120, 64] == pytest.approx(np.full(40, levels[1]), abs=1), name

    reasons = listed()
    expected = {name: reason for name, (_, reason) in LEFT_OUT.items()} | {"dangling.png": "a link that leads nowhere"}
    expected |= dict.fromkeys(("pipe.png", "device.png"), "not a regular file")
    assert reasons.keys() == expected.keys() and packed.manifest["left_out"] == len(expected)
    for name, reason in expected.items():
        assert reason in reasons[name], name
    said = capsys.readouterr().err
    assert f"{len(expected)} files were left out" in said and "left_out.json lists them" in said
    # Nothing of a name's reaches the terminal but what can be printed; the list is longer than what is said.
    assert "\x1b" not in said and "</script>\n" not in said and said.count("\n") <= 9


def test_strict_fails_once_all_is_listed(folder):
    configure(strict=True)
    fill(folder, USED)
    assert len(prepare().images) == len(USED)
    fill(folder, LEFT_OUT)
    before = {path.name: path.read_bytes() for path in packed_dir("sketch-128").iterdir()}
    with pytest.raises(
        DataError, match=rf"{len(LEFT_OUT)} files cannot be used\. Mend or remove them, or set .*strict"
    ):
        prepare()
    after = {path.name: path.read_bytes() for path in packed_dir("sketch-128").iterdir()}
    assert listed().keys() == LEFT_OUT.keys() and after.pop("left_out.json") and after == before


def test_too_few_are_left(folder):
    configure(min_images=3)
    fill(folder, {**LEFT_OUT, **{f"{i}.png": USED["plain.png"] for i in range(2)}})
    with pytest.raises(
        DataError, match=r"2 usable images, expected at least 3\. Put more .* sources\.sketch\.min_images"
    ):
        prepare()
    assert listed().keys() == LEFT_OUT.keys()
    fill(folder, {"2.png": USED["plain.png"]})
    assert len(prepare().images) == 3


def test_an_older_list_goes_where_all_files_are_used(folder):
    fill(folder, {"plain.png": USED["plain.png"], "text.png": LEFT_OUT["text.png"]})
    prepare()
    (folder / "text.png").unlink()
    prepare()
    assert not (packed_dir("sketch-128") / "left_out.json").exists()


def test_a_file_that_may_not_be_read(folder, monkeypatch):
    """As root may read everything, the system's answer is made up."""
    fill(folder, {"plain.png": USED["plain.png"], "secret.png": USED["plain.png"]})
    really = Image.open

    def refused(file, *arguments, **keywords):
        if getattr(file, "name", "") == "secret.png":
            raise PermissionError(13, "Permission denied", str(file))
        return really(file, *arguments, **keywords)

    monkeypatch.setattr(Image, "open", refused)
    assert len(prepare().images) == 1 and listed() == {"secret.png": "Permission denied"}


def test_a_folder_that_may_not_be_read(folder, monkeypatch):
    really = os.scandir

    def refused(path):
        if str(path) == str(folder) + "/secret":
            raise PermissionError(13, "Permission denied", str(path))
        return really(path)

    (folder / "secret").mkdir()
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match=r"secret/? cannot be read \(Permission denied\); make it readable"):
        prepare()


def test_a_file_that_turns_unreadable_between_the_two_passes(folder, monkeypatch):
    fill(folder, {"plain.png": USED["plain.png"]})
    really, opened = Image.open, []

    def once(file, *arguments, **keywords):
        opened.append(file)
        if len(opened) > 1:
            raise PermissionError(13, "Permission denied", str(file))
        return really(file, *arguments, **keywords)

    monkeypatch.setattr(Image, "open", once)
    with pytest.raises(DataError, match=r"plain\.png was changed while .* \(Permission denied\); run it again"):
        prepare()
    assert len(opened) == 2


@pytest.mark.parametrize("name", [name for name in LEFT_OUT if name.endswith((".png", ".webp"))])
def test_other_sets_name_the_file_that_cannot_be_read(tmp_path, name):
    """Where a set has a known number of images, none can be left out."""
    path = tmp_path / name
    path.write_bytes(LEFT_OUT[name][0])
    with pytest.raises(DataError) as caught:
        decode(path, str(path))
    assert f"{path}: not readable as an image (" in str(caught.value) and LEFT_OUT[name][1] in str(caught.value)


def test_other_sets_refuse_what_pillow_would_clip(tmp_path):
    with pytest.raises(DataError, match="more than 8 bits a pixel"):
        decode(USED["sixteen bits.png"][0], "1.png")


def test_damaged_images_of_every_format_are_read_or_refused():
    """Bytes changed, lost and added at random, the same in every run: Pillow's plugins raise what they like."""
    rng = random.Random(0)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    originals = [encode(pixels, form) for form in ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM")]
    originals += [saved(Image.fromarray(pixels), "TIFF", compression="raw", exif=Image.Exif())]
    read = refused = 0
    for number in range(2000):
        data = bytearray(originals[number % len(originals)])
        for _ in range(rng.choice([1, 1, 3, 10])):
            place = rng.randrange(min(len(data), 120) if rng.random() < 0.6 else len(data))
            kind = rng.choice("cla")
            if kind == "c":
                data[place] = rng.randrange(256)
            elif kind == "l":
                del data[place : place + rng.randrange(1, 9)]
            else:
                data[place:place] = rng.randbytes(rng.randrange(1, 9))
        try:
            with open_image(bytes(data)) as image:
                np.asarray(image.convert("RGB"))
            read += 1
        except UnreadableImage as error:
            assert str(error).isprintable() and 0 < len(str(error)) <= 200
            refused += 1
    assert read > 100 and refused > 1000
