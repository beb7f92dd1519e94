"""A generator without its dead channels: what these still emit is folded into the deconvolution that follows.

A dead channel, x_i = 0, leaves batch norm as one number and ReLU as c_i = max(0, b_i - mean_i gamma_i / sigma_i), the same
for every latent and position. The next deconvolution turns the maps c_i into one fixed map per output channel, which is not
constant: kernels overhang at the borders, and a stride of 2 meets even and odd positions with other weights. As the
deconvolution is linear, adding this map to what the remaining channels give is the same sum in another order.
"""

import copy

import torch
from torch import Tensor, nn

from selfsparse.compact.dead import DeadParts
from selfsparse.models.dcgan import DCGANGenerator, Generator
from selfsparse.models.sampling import sampling
from selfsparse.models.sastm import ThinDeconv


class FoldedDeconv(nn.Module):
    """A deconvolution, plus the map (1, C, H', W') that input channels which never change would add.

    Args:
        deconv: of the channels that change.
        kernel: (1, C, 4, 4), the kernels of the others, weighted by their constants and summed: one input channel of ones.
        size: height and width of the input.
    """

    def __init__(self, deconv: nn.ConvTranspose2d, kernel: Tensor, size: int) -> None:
        super().__init__()
        self.deconv = deconv
        self.kernel = nn.Parameter(kernel)
        ones = kernel.new_ones(1, 1, size, size)
        added = nn.functional.conv_transpose2d(ones, kernel, None, deconv.stride, deconv.padding)
        self.register_buffer("added", added.detach(), persistent=False)  # follows from the kernel

    def forward(self, y: Tensor) -> Tensor:
        """y (N, C', H, W) -> (N, C, H', W')."""
        return self.deconv(y) + self.added


def is_foldable(generator: Generator) -> bool:
    """Whether a dead channel is a constant for the next layer: a DCGAN with SASTMs. A ResNet adds a skip path to x."""
    return isinstance(generator, DCGANGenerator) and all(stage.sastm is not None for stage in generator.stages)


def kept_channels(parts: DeadParts) -> Tensor:
    """Return which channels (C,) of a stage `fold` keeps: those that live, or one where none does, as a layer needs one."""
    kept = ~parts.channels.cpu()
    if not kept.any():
        kept[0] = True
    return kept


@torch.no_grad()
def fold(generator: DCGANGenerator, dead: list[DeadParts], batch_norm: str) -> DCGANGenerator:
    """Return a copy of a generator with SASTMs without its dead channels, and without heads that are always 0.

    Args:
        dead: per stage; where it is true of every latent, both generators draw the same images, up to the order of sums.
        batch_norm: how images are drawn from it, as of `sampling` (U18); the copy is for that mode alone.

    Raises:
        ValueError: for a generator that is not foldable.
    """
    if not is_foldable(generator):
        raise ValueError(f"only a DCGAN with SASTMs can be made smaller, got {type(generator).__name__}")
    small = copy.deepcopy(generator)
    kept_before, constants, size = torch.ones(generator.latent_dim, dtype=torch.bool), None, 1
    for stage, parts in zip(small.stages, dead, strict=True):
        kept = kept_channels(parts)
        emitted = _emitted(stage, batch_norm)
        stage.deconv = _deconv(stage.deconv, kept_before, kept, constants, size)
        stage.norm = _norm(stage.norm, kept)
        _shrink_heads(stage.sastm, parts, kept)
        kept_before, constants = kept, emitted
        size = 4 if size == 1 else 2 * size
    to_image = small.to_image[0]
    every = torch.ones(to_image.out_channels, dtype=torch.bool)
    small.to_image[0] = _deconv(to_image, kept_before, every, constants, size)
    return small


def _emitted(stage: nn.Module, batch_norm: str) -> Tensor:
    """What each channel (C,) of a stage emits where x = 0: in a batch of zeros, batch norm leaves its bias alone."""
    zeros = stage.norm.weight.new_zeros(2, stage.norm.num_features, 1, 1)
    with sampling(stage, batch_norm):
        return stage.activation(stage.norm(zeros))[0, :, 0, 0]


def _deconv(
    deconv: nn.ConvTranspose2d, kept_in: Tensor, kept_out: Tensor, constants: Tensor | None, size: int
) -> nn.Module:
    """The deconvolution from and to the channels that are kept, and the fixed map of the others, unless that is 0."""
    weight = deconv.weight[:, kept_out]  # (C', C, 4, 4)
    layer = ThinDeconv if isinstance(deconv, ThinDeconv) else nn.ConvTranspose2d
    small = layer(
        int(kept_in.sum()), int(kept_out.sum()), deconv.kernel_size, deconv.stride, deconv.padding, bias=False
    ).to(weight)
    small.weight.copy_(weight[kept_in])
    if constants is None:
        return small
    kernel = torch.einsum("i,iokl->okl", constants[~kept_in].double(), weight[~kept_in].double())[None].to(weight)
    return FoldedDeconv(small, kernel, size) if kernel.any() else small


def _norm(norm: nn.BatchNorm2d, kept: Tensor) -> nn.BatchNorm2d:
    small = nn.BatchNorm2d(int(kept.sum()), norm.eps, norm.momentum).to(norm.weight)
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(small, name).copy_(getattr(norm, name)[kept])
    return small.train(norm.training)


def _shrink_heads(sastm: nn.Module, parts: DeadParts, kept: Tensor) -> None:
    """Leave the channel head the rows that are kept, and drop the head that is always 0, if the other one stays."""
    if sastm.channel_head is not None:
        linear = sastm.channel_head[0]
        small = nn.Linear(linear.in_features, int(kept.sum())).to(linear.weight)
        small.weight.copy_(linear.weight[kept])
        small.bias.copy_(linear.bias[kept])
        sastm.channel_head = nn.Sequential(small, nn.ReLU())
    if sastm.channel_head is not None and sastm.position_head is not None:
        if parts.beta.all():
            sastm.position_head = None
        elif parts.alpha[kept].all():
            sastm.channel_head = None
