"""Small images in the formats in which datasets come: encoded bytes, parquet files, lmdb."""

import io
import tarfile

import numpy as np
from PIL import Image


def photograph(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Smooth colours, uint8 (H, W, 3), which lossy formats keep within a few levels."""
    corners = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(corners).resize((width, height), Image.Resampling.BILINEAR))


def encode(image: np.ndarray, form: str) -> bytes:
    """PNG and WebP without loss, JPEG with a little."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, form, **{"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(form, {}))
    return file.getvalue()


def write_parquet(path, images: list[bytes], labels: list[int] | None = None, column: str = "image") -> None:
    """As Hugging Face stores images: a struct of bytes and path."""
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {column: [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(images)]}
    if labels is not None:
        columns["label"] = labels
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=2)


def write_lmdb(folder, values: dict[bytes, bytes]) -> None:
    """As LSUN's databases: a key and an encoded image each."""
    import lmdb

    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key, value)


def tar_of(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    """Return a tar archive of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
