#!/usr/bin/env bash
# torchvision 0.29.2 (torch 2.15.0): three ways from a float image in [0, 1] to bytes give three images.
#
# One would guess that save_image, ToPILImage and v2.functional.to_dtype(scale=True) write the same pixels. The first rounds,
# the second cuts off, and the third multiplies by almost 256 and cuts off. So ToPILImage writes half of the pixels one level
# darker than save_image; to_dtype differs from save_image in a quarter of them, up in the dark half and down in the bright
# one. A FID of images that were written in one way against images that were written in another sees that.
#
# Seen: save_image and ToPILImage: 49.8 % of the pixels differ, the second is 0.498 darker on average
#       save_image and to_dtype: 24.8 % of the pixels differ, the second is 0.000 darker on average
#       0.25, 0.5 and 0.999: save_image 64 128 255, ToPILImage 63 127 254, to_dtype 64 128 255
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'torch==2.15.0' 'torchvision==0.29.2' 'numpy==2.4.6' 'pillow==13.0.0'
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import ToPILImage
from torchvision.transforms.v2.functional import to_dtype
from torchvision.utils import save_image

image = torch.linspace(0, 1, 2**16).view(1, 256, 256)
file = io.BytesIO()
save_image(image, file, format="png")
ways = {
    "save_image": np.asarray(Image.open(file))[..., 0],
    "ToPILImage": np.asarray(ToPILImage()(image)),
    "to_dtype": to_dtype(image, torch.uint8, scale=True)[0].numpy(),
}
ways = {name: pixels.astype(int) for name, pixels in ways.items()}
saved, found = ways["save_image"], []
for name in ("ToPILImage", "to_dtype"):
    found.append((round((saved != ways[name]).mean(), 2), round((saved - ways[name]).mean(), 2)))
    share, darker = (saved != ways[name]).mean(), (saved - ways[name]).mean()
    print(f"save_image and {name}: {100 * share:.1f} % of the pixels differ, the second is {darker:.3f} darker on average")
values = {name: " ".join(str(pixels.flat[round(x * (2**16 - 1))]) for x in (0.25, 0.5, 0.999)) for name, pixels in ways.items()}
print("0.25, 0.5 and 0.999: " + ", ".join(f"{name} {written}" for name, written in values.items()))
sys.exit(found != [(0.5, 0.5), (0.25, 0.0)])
PYTHON
