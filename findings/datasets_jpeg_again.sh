#!/usr/bin/env bash
# datasets 5.2.0 (pillow 13.0.0): an image that Pillow opened from the bytes of a JPEG is stored as another JPEG, compressed
# once more, without a word.
#
# The feature `Image` keeps the bytes of a file that it is given as bytes or by its path. Of an opened image that has no
# file name, it encodes the pixels anew, in the format that the image came in: a PNG comes back exactly, a JPEG does not. Copies
# of CelebA-HQ or LSUN that somebody read out of an archive, an lmdb or a download in memory and pushed to the hub hold
# other pixels than the set, of the same number and size, and an FID sees that. Hand over {"bytes": ..., "path": None}.
#
# Seen with Python 3.11:
#     JPEG, opened: same bytes False, pixels differ by more than 4 levels True
#     JPEG, as bytes: same bytes True, pixels differ by more than 4 levels False
#     PNG, opened: pixels differ by more than 0 levels False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'datasets==5.2.0' 'pillow==13.0.0'
cat > try.py <<'END'
import io

import numpy as np
from datasets import Dataset, Features, Image
from PIL import Image as Pillow

corners = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
photograph = Pillow.fromarray(corners).resize((64, 64), Pillow.Resampling.BICUBIC)


def encoded(form, **options):
    file = io.BytesIO()
    photograph.save(file, form, **options)
    return file.getvalue()


def stored(image):
    """The bytes that the set keeps, and the pixels that it gives back."""
    made = Dataset.from_dict({"image": [image]}, features=Features({"image": Image()}))
    return made.cast_column("image", Image(decode=False))[0]["image"]["bytes"], pixels(made[0]["image"])


def pixels(image):
    return np.asarray(image.convert("RGB")).astype(int)


jpeg, png = encoded("JPEG", quality=95), encoded("PNG")
for name, image in (("opened", Pillow.open(io.BytesIO(jpeg))), ("as bytes", {"bytes": jpeg, "path": None})):
    data, found = stored(image)
    differ = abs(found - pixels(Pillow.open(io.BytesIO(jpeg)))).max() > 4
    print(f"JPEG, {name}: same bytes {data == jpeg}, pixels differ by more than 4 levels {differ}")
_, found = stored(Pillow.open(io.BytesIO(png)))
print(f"PNG, opened: pixels differ by more than 0 levels {(found != pixels(photograph)).any()}")
END
HF_HOME="$folder/home" HF_HUB_OFFLINE=1 venv/bin/python try.py | tee seen.txt
diff seen.txt - <<'END'
JPEG, opened: same bytes False, pixels differ by more than 4 levels True
JPEG, as bytes: same bytes True, pixels differ by more than 4 levels False
PNG, opened: pixels differ by more than 0 levels False
END
