"""torch-fidelity's Inception-v3, the features of the original FID: its weights read safely, its network made fast.

The features are torch-fidelity's own within 1e-4 of their largest value, for the same pixels. What makes it fast on a CPU:
batch norms are folded into the convolutions (exact algebra, done in float64), weights lie channels-last, images go
through in batches small enough for the cache, and grey images are resized once and not three times. benchmarks/fid.py
measures it. Compiled, it was 2 % faster on a CPU with AVX-512, and half a minute later: that is left out.
"""

import hashlib
import io
import re
from pathlib import Path

import torch
from torch import Tensor, nn

from selfsparse.data.downloads import fetch
from selfsparse.device import float32_precision
from selfsparse.errors import DataError
from selfsparse.paths import workspace_root

FEATURES = 2048
NAME = "inception"
SIDE = 299  # pixels that the network takes
MICRO_BATCH = 8  # images at a time on a CPU: their largest maps take 44 MB


def find_inception_weights(named: str | None) -> Path:
    """Return the file with Inception's weights: the one that the settings name, or torch-fidelity's own, downloaded."""
    if named is not None:
        path = workspace_root() / named
        if not path.is_file():
            raise DataError(f"params.yaml: inception_weights: no file {path}")
        return path
    name, start = _published()
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    try:
        fetch([_url()], path, sha256=start)
    except DataError as error:
        raise DataError(
            f"{error},\nor anywhere, and name it as inception_weights in params.yaml (95 MB);\n"
            "or measure with the lenet extractor: configurations.<name>.extractor: lenet."
        ) from None
    return path


def read_inception_weights(path: Path, custom: str | None) -> tuple[dict[str, Tensor], str, str]:
    """Read a file of weights without running what a file of PyTorch's may carry.

    Args:
        custom: the first 8 digits of the SHA-256 of a file other than the published one, where the user wants that one.

    Returns:
        The weights by name, the file's SHA-256, and the name by which features under them go: `inception`, or
        `inception-custom-<first 8 digits>`.

    Raises:
        DataError: it is neither the published file nor the one asked for, or holds anything else than weights.
    """
    data = path.read_bytes()  # once: what is checked is what is read
    sha256 = hashlib.sha256(data).hexdigest()
    _, start = _published()
    if sha256.startswith(start):
        name = NAME
    elif custom is not None and sha256[:8] == custom:
        name = f"{NAME}-custom-{custom}"
    else:
        raise DataError(
            f"{path} is not the file that torch-fidelity published: its sha256 begins with {sha256[:8]}, not"
            f" {start}.\nMove it away and fetch {_url()},\nor, to measure with this file all the same, as"
            f' {NAME}-custom-{sha256[:8]} and never compared with the paper, set inception_custom: "{sha256[:8]}" in params.yaml.'
        )
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can raise anything at all
        first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise DataError(f"{path}: not a file of weights alone ({first}); nothing in it was run") from None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError(f"{path}: expected Inception's weights by name, found {type(state).__name__} of other things")
    return state, sha256, name


class Inception(nn.Module):
    """uint8 images (N, 1 or 3, R, R) -> features (N, 2048), float32. Grey is repeated to three channels (U45).

    Args:
        state: weights, as of read_inception_weights.
        precision: of the features on a GPU, `fp32`, `tf32` or `bf16`; on a CPU they are always fp32.

    Raises:
        DataError: the weights are those of another network.
    """

    def __init__(self, state: dict[str, Tensor], precision: str = "fp32") -> None:
        super().__init__()
        self._precision = precision
        self.layers = _fast_layers(state)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Images may be in batches of any size: on a CPU they are cut into smaller ones."""
        if images.device.type == "cpu":
            return torch.cat([self.layers(_resized(part)) for part in images.split(MICRO_BATCH)])
        pixels = _resized(images)
        autocast = torch.autocast(images.device.type, torch.bfloat16, enabled=self._precision == "bf16")
        with float32_precision(self._precision), autocast:
            return self.layers(pixels).float()


def _url() -> str:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    return URL_INCEPTION_V3


def _published() -> tuple[str, str]:
    """The published file's name, and the first digits of its SHA-256, in which that ends."""
    name = _url().rsplit("/", 1)[1]
    return name, re.search(r"-([0-9a-f]{8,64})\.pth$", name)[1]


def _fast_layers(state: dict[str, Tensor]) -> nn.Sequential:
    """torch-fidelity's network from the resized image (N, 3, 299, 299) to the features, its head left out."""
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d, FeatureExtractorInceptionV3

    own = io.BytesIO()  # torch-fidelity unpickles what it is given: let that be what is written here
    torch.save(state, own)
    own.seek(0)
    try:
        network = FeatureExtractorInceptionV3(
            "inception-v3-compat", [str(FEATURES)], feature_extractor_weights_path=own
        )
    except RuntimeError as error:
        raise DataError(f"weights of another network than Inception-v3: {str(error).splitlines()[0]}") from None
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, BasicConv2d):
                setattr(module, name, _folded(child))
    # They were made in the order in which they are called.
    layers = [child for name, child in network.named_children() if name != "fc"]
    return nn.Sequential(*layers, nn.Flatten()).eval().requires_grad_(False)


def _folded(block: nn.Module) -> nn.Sequential:
    """A convolution that does what convolution and batch norm did: w gamma / sqrt(v + eps), beta - m gamma / sqrt(v + eps)."""
    old, norm = block.conv, block.bn
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    new = nn.Conv2d(old.in_channels, old.out_channels, old.kernel_size, old.stride, old.padding)
    new.weight.data = (old.weight.double() * scale[:, None, None, None]).float()
    new.bias.data = (norm.bias.double() - norm.running_mean.double() * scale).float()
    return nn.Sequential(new.to(memory_format=torch.channels_last), nn.ReLU(inplace=True))


def _resized(images: Tensor) -> Tensor:
    """uint8 (N, C, R, R) -> float32 (N, 3, 299, 299) in [-1, 1), bit for bit as torch-fidelity, and TensorFlow 1, do it.

    Both interpolate along rows first; done before the rows are repeated, and for one channel of a grey image, it is
    the same arithmetic on fewer pixels.
    """
    images = images.float()
    low, high, weight = _taps(images.shape[3], images.device)
    left = images.index_select(3, low)
    rows = left + (images.index_select(3, high) - left) * weight
    low, high, weight = _taps(images.shape[2], images.device)
    above = rows.index_select(2, low)
    pixels = above + (rows.index_select(2, high) - above) * weight[:, None]
    return ((pixels - 128) / 128).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def _taps(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Of each of 299 positions the pixels before and after among `size`, and the weight of the one after."""
    position = torch.arange(SIDE, dtype=torch.float32, device=device) * torch.tensor(size / SIDE, dtype=torch.float32)
    low = position.long()
    return low, (low + 1).clamp_max(size - 1), position - low.float()
