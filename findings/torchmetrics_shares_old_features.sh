#!/usr/bin/env bash
# torchmetrics 1.9.0 (torch 2.15.0): FeatureShare takes an earlier batch's features where one tensor holds batch after batch.
#
# FeatureShare lets FID and KID ask one network once. One would guess that it shares the features of each update. It remembers
# them by the tensor, not by what is in it: a batch that is copied into the tensor of the last one (pinned memory, a CUDA
# graph's input, copy_ or out=) gets the last one's features. So all batches, real and generated, are the first: the number of
# images is right and the FID is 0. The memory is put into the network itself: called by itself afterwards, it answers from
# there too, and goes on to do so when its weights change. Hand over a new tensor for each batch (batch.clone()), and a copy of
# a network that is used or trained elsewhere.
#
# Seen: FID by itself, one tensor: as in NumPy True
#       FeatureShare, a tensor for each batch: as in NumPy True
#       FeatureShare, one tensor: 0.000 of 64 images and 64
#       the network by itself, its weights set to 0: features are 0 False, of a clone of the batch True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'torchmetrics==1.9.0' 'torch==2.15.0' 'numpy==2.4.6'
venv/bin/python - <<'PYTHON' | tee seen.txt
import warnings

import numpy as np
import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance
from torchmetrics.wrappers import FeatureShare

warnings.simplefilter("ignore")


class Colours(nn.Module):
    """In Inception's place: what each colour amounts to."""

    num_features = 3

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.ones(3), requires_grad=False)

    def forward(self, images):
        return images.float().mean((2, 3)) * self.weights


draw = torch.Generator().manual_seed(0)
sets = [torch.randint(high, (64, 3, 8, 8), dtype=torch.uint8, generator=draw) for high in (256, 200)]
features = [pixels.numpy().mean((2, 3), dtype=np.float64) for pixels in sets]
covariances = [np.cov(values, rowvar=False) for values in features]
root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).real).sum()
expected = ((features[0].mean(0) - features[1].mean(0)) ** 2).sum() + sum(map(np.trace, covariances)) - 2 * root


def update(metric, one_tensor):
    batch = torch.empty(32, 3, 8, 8, dtype=torch.uint8)
    for pixels, real in zip(sets, (True, False)):
        for part in pixels.split(32):
            metric.update(batch.copy_(part) if one_tensor else part, real=real)
    return batch


def right(fid):
    return bool(np.isclose(fid.compute(), expected, rtol=1e-3))


fid = FrechetInceptionDistance(Colours())
update(fid, one_tensor=True)
print("FID by itself, one tensor: as in NumPy", right(fid))
shared = FeatureShare({"fid": FrechetInceptionDistance(Colours()), "kid": KernelInceptionDistance(Colours(), subset_size=32)})
update(shared, one_tensor=False)
print("FeatureShare, a tensor for each batch: as in NumPy", right(shared["fid"]))
network = Colours()
shared = FeatureShare({"fid": FrechetInceptionDistance(network), "kid": KernelInceptionDistance(network, subset_size=32)})
batch = update(shared, one_tensor=True)
fid = shared["fid"]
counts = int(fid.real_features_num_samples), int(fid.fake_features_num_samples)
print(f"FeatureShare, one tensor: {abs(float(fid.compute())):.3f} of {counts[0]} images and {counts[1]}")
network.weights.zero_()
zero = bool((network(batch) == 0).all()), bool((network(batch.clone()) == 0).all())
print(f"the network by itself, its weights set to 0: features are 0 {zero[0]}, of a clone of the batch {zero[1]}")
PYTHON
diff seen.txt - <<'END'
FID by itself, one tensor: as in NumPy True
FeatureShare, a tensor for each batch: as in NumPy True
FeatureShare, one tensor: 0.000 of 64 images and 64
the network by itself, its weights set to 0: features are 0 False, of a clone of the batch True
END
