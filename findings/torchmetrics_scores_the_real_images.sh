#!/usr/bin/env bash
# torchmetrics 1.9.0 (torch 2.15.0): in a MetricCollection with an FID, the Inception Score counts the real images as well.
#
# FID and KID are told what they are given: update(images, real=True). One would guess that a collection of them and an
# InceptionScore, which knows generated images alone, refuses `real`, or leaves those calls out. It drops the word for whoever
# does not take it, and calls update(images) all the same. So the score is that of real and generated images together: a
# generator that shows one class of three looks diverse, and each generator is drawn towards the score of the set. FID and KID
# are right. FeatureShare, made for these three, is such a collection too. Keep InceptionScore by itself.
#
# Seen: images in the score: 60 in the collection, 30 by itself
#       a generator of one class: Inception Score 2.38 in the collection, 1.00 by itself, FID the same True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'torchmetrics==1.9.0' 'torch==2.15.0' 'numpy==2.4.6'
venv/bin/python - <<'PYTHON' | tee seen.txt
import warnings

import torch
from torch import nn
from torchmetrics import MetricCollection
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore

warnings.simplefilter("ignore")


class Colours(nn.Module):
    """In Inception's place: a logit for each of red, green and blue."""

    num_features = 3

    def forward(self, images):
        return images.float().mean((2, 3)) / 10


def images(*classes):
    pixels = torch.zeros(30, 3, 8, 8, dtype=torch.uint8)
    for i in range(30):
        pixels[i, classes[i % len(classes)]] = 200 + i
    return pixels


real, generated = images(0, 1, 2), images(0)
fid, score = FrechetInceptionDistance(Colours()), InceptionScore(Colours(), splits=1)
fid.update(real, real=True)
fid.update(generated, real=False)
score.update(generated)
together = MetricCollection({"fid": FrechetInceptionDistance(Colours()), "is": InceptionScore(Colours(), splits=1)})
together.update(real, real=True)
together.update(generated, real=False)
counts = [sum(map(len, metric.features)) for metric in (together["is"], score)]
print(f"images in the score: {counts[0]} in the collection, {counts[1]} by itself")
found = together.compute()
print(
    f"a generator of one class: Inception Score {found['is'][0]:.2f} in the collection, {score.compute()[0]:.2f} by itself,"
    f" FID the same {bool(found['fid'] == fid.compute())}"
)
PYTHON
diff seen.txt - <<'END'
images in the score: 60 in the collection, 30 by itself
a generator of one class: Inception Score 2.38 in the collection, 1.00 by itself, FID the same True
END
