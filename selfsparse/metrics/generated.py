"""Images from a generator, in batches and exact counts, and their FID."""

import operator
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from PIL import Image
from torch import Tensor, nn

from selfsparse.metrics.extractors import iterate_features
from selfsparse.metrics.frechet import NotFiniteError, RunningGaussian, frechet_distance
from selfsparse.metrics.reference import Reference


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
    generator: nn.Module, latents: Tensor, batch_size: int, device: torch.device, batch_norm: str
) -> Iterator[Tensor]:
    """Yield uint8 images of all latents, in batches, the last one shorter; `batch_norm` as of `sampling`.

    Raises:
        NotFiniteError: an image holds NaN or infinity, as from a generator that has diverged; on a GPU, after the last.
    """
    finite = torch.ones((), dtype=torch.bool, device=device)
    with sampling(generator, batch_norm):
        for part in latents.to(device).split(batch_size):
            images = generator(part)
            finite &= images.isfinite().all()  # as uint8 they would pass for black ones
            # Asking a GPU for the answer would make it idle after each batch: it is asked once, at the end.
            if device.type == "cpu" and not finite:
                break
            yield to_uint8(images)
    if not finite:
        raise NotFiniteError("the generated images are not finite")


def first_images(
    generator: nn.Module, latents: Tensor, count: int, batch_size: int, device: torch.device, batch_norm: str
) -> Tensor:
    """Return the uint8 images of the first `count` latents, drawn in batches as large as those of an FID (U18)."""
    needed = latents[: max(count, batch_size)]
    return torch.cat(list(generate(generator, needed, batch_size, device, batch_norm)))[:count]


def measure_fid(
    generator: nn.Module,
    latents: Tensor,
    extractor: nn.Module,
    reference: Reference,
    batch_size: int,
    device: torch.device,
    batch_norm: str,
) -> tuple[float, Tensor | None]:
    """FID (Eq. 14) of a generator's images of these latents against a reference.

    Returns:
        The FID, and the features (N, D) where the reference keeps its own, for the kernel distance; else None.
    """
    running, kept = RunningGaussian(), []
    batches = generate(generator, latents, batch_size, device, batch_norm)
    for features in iterate_features(extractor, batches, device, len(latents), f"FID of {len(latents)}"):
        running.add(features)
        if reference.features is not None:
            kept.append(features)
    fid = frechet_distance(reference.gaussian, running.result(), reference.factor)
    return fid, torch.cat(kept).cpu() if kept else None


def tile(images: Tensor, columns: int) -> Image.Image:
    """Lay uint8 images (N, C, R, R) out in rows of `columns`, without margins, at their own pixels."""
    n, c, r, _ = images.shape
    rows = -(-n // columns)
    sheet = torch.zeros(rows * columns, c, r, r, dtype=torch.uint8)
    sheet[:n] = images.cpu()
    pixels = sheet.view(rows, columns, c, r, r).permute(0, 3, 1, 4, 2).reshape(rows * r, columns * r, c).numpy()
    return Image.fromarray(pixels[..., 0] if c == 1 else pixels)
