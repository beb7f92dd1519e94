"""Drawing from a generator: latents, modes of its batch norms (U18), and images as bytes, in batches and exact counts."""

import operator
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from selfsparse.errors import NotFiniteError


def draw_latents(count: int, latent_dim: int, seed: int) -> Tensor:
    """Return latents (count, latent_dim) ~ N(0, 1) on the CPU: latent k depends on the seed and k alone."""
    # torch draws blocks of 16 normals, and draws the last block anew where it is not full.
    whole_blocks = -(-count * latent_dim // 16) * 16
    normals = torch.randn(whole_blocks, generator=torch.Generator().manual_seed(operator.index(seed)))
    return normals[: count * latent_dim].view(count, latent_dim)


def to_uint8(images: Tensor) -> Tensor:
    """Map [-1, 1] to 0 ... 255, rounded: the inverse of how training images are scaled."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


@contextmanager
def sampling(generator: nn.Module, batch_norm: str) -> Iterator[None]:
    """Put a generator into the mode in which images are drawn from it, and back (U18).

    Args:
        batch_norm: `running`: batch norms use the statistics gathered in training; `batch`: those of the batch at
            hand, and gather none.
    """
    training = generator.training
    generator.eval()
    norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm2d)] if batch_norm == "batch" else []
    for norm in norms:
        norm.train()
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        generator.train(training)


@torch.no_grad()
def generate(
    generator: nn.Module,
    latents: Tensor,
    batch_size: int,
    device: torch.device,
    batch_norm: str,
    finite: Tensor | None = None,
) -> Iterator[Tensor]:
    """Yield uint8 images of all latents, in batches, the last one shorter; `batch_norm` as of `sampling`.

    Args:
        finite: true, bool (), on the device: becomes false, in place of the error, so that nobody waits for a GPU here.

    Raises:
        NotFiniteError: an image holds NaN or infinity, as from a generator that has diverged; on a GPU, after the last.
    """
    raises = finite is None
    finite = torch.ones((), dtype=torch.bool, device=device) if raises else finite
    with sampling(generator, batch_norm):
        for part in latents.to(device).split(batch_size):
            images = generator(part)
            finite &= images.isfinite().all()  # as uint8 they would pass for black ones
            # Asking a GPU for the answer would make it idle after each batch: it is asked once, at the end.
            if device.type == "cpu" and not finite:
                break
            yield to_uint8(images)
    if raises and not finite:
        raise NotFiniteError("the generated images are not finite")
