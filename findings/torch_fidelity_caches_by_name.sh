#!/usr/bin/env bash
# torch-fidelity 0.4.0 (torch 2.15.0): an FID under other weights is computed with the features of a set under the old ones.
#
# Of an input with a name (cifar10-train, what register_dataset took, input2_cache_name) features and statistics stay on disk,
# by default and for good. One would guess that the key tells what they were computed from. It is the names of the set and of
# the extractor: neither feature_extractor_weights_path nor the images are in it. So with another weights file, with an
# extractor of one's own that was trained again, or with a set that was resized anew, the generated images go through the new
# network and the real ones come from the old. The number has the size of an FID; that the same images against themselves do not
# give 0 shows it. Pass cache=False, or a cache_root for each weights file and each state of the set.
#
# Seen: first weights, the set against its own images: 0
#       second weights, the set against its own images: above 100
#       second weights, cache=False: 0
#       first weights, the set replaced by brighter images, against the old ones: 0
#       first weights, the set replaced by brighter images, cache=False: above 100
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'torch-fidelity==0.4.0' 'torch==2.15.0' 'torchvision==0.29.2' 'numpy==2.4.6'
cat > try.py <<'PYTHON'
import sys

import torch
import torch_fidelity
from torch.utils.data import Dataset
from torch_fidelity import register_dataset, register_feature_extractor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase


class Colours(FeatureExtractorBase):
    """In Inception's place: linear features of the mean colours, their weights from the file that is given."""

    def __init__(self, name, features_list, feature_extractor_weights_path=None, **kwargs):
        super().__init__(name, features_list)
        self.weights = torch.load(feature_extractor_weights_path)

    @staticmethod
    def get_provided_features_list():
        return ("colours",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return "colours"

    @staticmethod
    def can_be_compiled():
        return False

    def forward(self, images):
        return (images.float().mean((2, 3)) @ self.weights,)


class Images(Dataset):
    def __init__(self, highest):
        draw = torch.Generator().manual_seed(0)
        self.pixels = torch.randint(highest, (64, 3, 8, 8), dtype=torch.uint8, generator=draw)

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return self.pixels[index]


weights, highest, cache = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "cache"
register_feature_extractor("colours", Colours)
register_dataset("faces", lambda root, download: Images(highest))
fid = torch_fidelity.calculate_metrics(
    input1=Images(100),
    input2="faces",
    fid=True,
    feature_extractor="colours",
    feature_extractor_weights_path=weights,
    cache=cache,
    cache_root="cache",
    cuda=False,
    verbose=False,
    save_cpu_ram=True,
)["frechet_inception_distance"]
print("0" if abs(fid) < 1e-3 else "above 100" if fid > 100 else fid)
PYTHON
venv/bin/python -c 'import torch; torch.save(torch.eye(3), "first.pt"); torch.save(2 * torch.eye(3), "second.pt")'
fid() { venv/bin/python try.py "$@"; }
{
  echo "first weights, the set against its own images: $(fid first.pt 100 cache)"
  echo "second weights, the set against its own images: $(fid second.pt 100 cache)"
  echo "second weights, cache=False: $(fid second.pt 100 no)"
  echo "first weights, the set replaced by brighter images, against the old ones: $(fid first.pt 256 cache)"
  echo "first weights, the set replaced by brighter images, cache=False: $(fid first.pt 256 no)"
} | tee seen.txt
diff seen.txt - <<'END'
first weights, the set against its own images: 0
second weights, the set against its own images: above 100
second weights, cache=False: 0
first weights, the set replaced by brighter images, against the old ones: 0
first weights, the set replaced by brighter images, cache=False: above 100
END
